//! The questions: their words, their order, and the effect of answers.

use tests::{Outcome, Sandbox};

use super::{call, core, ended_well, sandbox, with_bundle};

/// What is asked for a mode of a fresh host, in this order.
const SERVER: &[&str] = &[
    "- k3s: missing\n",
    "- helm: missing\n",
    "k3s was not detected. Install it now? [required] [y] (y/n): ",
    "Helm was not detected. Install it now? [required] [y] (y/n): ",
    "Proceed with this plan? [y] (y/n): ",
];
const AGENT: &[&str] = &[
    "k3s agent was not detected. Install it now? [required] [y] (y/n): ",
    "Agent server URL []: ",
    "Agent cluster token []: ",
    "Proceed with this plan? [y] (y/n): ",
];
const STACK: &[&str] = &[
    "- Longhorn: missing\n",
    "- Rancher: missing\n",
    "- Registry: missing\n",
    "Longhorn is missing. Install it now? [optional] [y] (y/n): ",
    "Rancher is missing. Install it now? [optional] [y] (y/n): ",
    "The in-cluster registry is missing. Install it now? [optional] [y] (y/n): ",
    "cert-manager is missing. Install it now? [required for TLS-dependent installs] [y] (y/n): ",
    "Base domain (used to build hostnames) [example.local]: ",
    "Rancher hostname (DNS name) [rancher.k3s.lab.example]: ",
    "Rancher bootstrap password [generated]: ",
    "Registry hostname (DNS name) [registry.k3s.lab.example]: ",
    "Registry PVC size [20Gi]: ",
    "Registry StorageClass (blank uses cluster default) []: ",
    "Do you want to enable basic auth on the in-cluster registry? [n] (y/n): ",
    "Choose TLS mode (1/2) [2]: ",
    "Longhorn data mount path [/data]: ",
    "Longhorn default replica count (1 for single-node) [1]: ",
    "Make Longhorn the default StorageClass? [y] (y/n): ",
    "Proceed with this plan? [y] (y/n): ",
];

fn in_order(outcome: &Outcome, expected: &[&str]) {
    let mut rest = outcome.stdout.as_str();
    for text in expected {
        let at = rest.find(text).unwrap_or_else(|| panic!("{text:?} is not in {rest:?}"));
        rest = &rest[at + text.len()..];
    }
}

#[test]
fn every_mode_asks_in_the_words_and_the_order_of_the_layers() {
    let sandbox = sandbox();
    for (mode, answers, expected) in [
        ("server", "\n\n\n", SERVER),
        ("agent", "y\nhttps://server.example.local:6443\ntoken-canary\ny\n", AGENT),
        ("stack", "\n\n\n\nk3s.lab.example\n\n\n\n\n\n\n\n\n\n\n\n", STACK),
    ] {
        let outcome =
            call(&sandbox, "bootstrap", ["--dry-run", "--mode", mode]).stdin(answers).run().expect(0);
        in_order(&outcome, expected);
        assert!(!outcome.output().contains("token-canary"), "{outcome}");
    }
}

#[test]
fn answers_are_read_in_the_forms_of_the_layers() {
    let sandbox = sandbox();
    let answers = "y\nn\ny\ny\nk3s.lab.example\n\n30Gi\nfast\ny\nkeeper\npassword-canary\n1\n\
                   me@example.org\nproduction\n/data/longhorn\n2\nn\ny\n";
    let outcome = core(&sandbox, "--dry-run --mode stack").stdin(answers).run().expect(0);
    let run = sandbox.only_run();
    let features = &run.manifest()["features"];
    for (name, value) in [
        ("registry_pvc_size_gib", "30"),
        ("registry_storage_class_configured", "true"),
        ("registry_auth_enabled", "true"),
        ("tls_mode", "\"letsencrypt\""),
        ("letsencrypt_environment", "\"production\""),
        ("longhorn_replica_count", "2"),
    ] {
        assert_eq!(features[name].to_string(), value, "{name}: {features}");
    }
    assert_eq!(run.manifest()["components"]["rancher"]["planned_action"], "skip");
    assert!(!outcome.output().contains("password-canary"), "a password is not shown");
}

#[test]
fn what_the_environment_answers_is_not_asked() {
    let sandbox = sandbox();
    let call = core(&sandbox, "--dry-run --mode agent")
        .env("PRODUCTIVE_K3S_AGENT_SERVER_URL", "https://server.example.local:6443")
        .env("PRODUCTIVE_K3S_AGENT_TOKEN", "token-canary")
        .env("PRODUCTIVE_K3S_AUTO_APPROVE_APPLY_PLAN", "true");
    let outcome = call.stdin("y\n").run().expect(0);
    assert!(outcome.stdout.contains("Install it now?"), "{outcome}");
    for question in ["Agent server URL", "Agent cluster token", "Proceed with"] {
        assert!(!outcome.stdout.contains(question), "{question}: {outcome}");
    }
}

#[test]
fn a_question_that_nobody_answers_ends_the_call() {
    let sandbox = sandbox();
    for (answers, question) in [
        ("", "k3s agent was not detected"),
        ("y\n", "Agent server URL"),
        ("y\nhttps://server.example.local:6443\n", "Agent cluster token"),
        ("y\nhttps://server.example.local:6443\ncanary\n", "Proceed with this plan?"),
    ] {
        let outcome = core(&sandbox, "--dry-run --mode agent").stdin(answers).run().expect(1);
        assert!(outcome.stderr.contains("no answer to the question: "), "{outcome}");
        assert!(outcome.stderr.contains(question) && sandbox.runs().is_empty(), "{answers:?}: {outcome}");
    }
    for (mode, answers, variable) in [
        ("agent", "y\n", "PRODUCTIVE_K3S_AGENT_SERVER_URL"),
        ("server", "y\ny\n", "PRODUCTIVE_K3S_AUTO_APPROVE_APPLY_PLAN"),
        ("stack", "y\nn\ny\ny\n\n\n\n\n", "PRODUCTIVE_K3S_REGISTRY_AUTH"),
    ] {
        let outcome = core(&sandbox, &format!("--dry-run --mode {mode}")).stdin(answers).run().expect(1);
        assert!(outcome.stderr.contains(&format!("set {variable}")), "{outcome}");
    }
}

#[test]
fn an_answer_that_cannot_be_used_is_not_asked_for_again() {
    let sandbox = sandbox();
    for (mode, answers, said) in [
        ("agent", "y\nhttp://server\n", "agent.server_url (your answer)"),
        ("agent", "y\n\n\ny\n", "agent"),
        ("stack", "n\nn\ny\ny\n\n\n20 apples\n", "registry.pvc_size_gib (your answer)"),
        ("stack", "n\nn\ny\nn\n", "cannot continue without cert-manager"),
        ("server", "n\n", "cannot continue without k3s"),
    ] {
        let outcome = core(&sandbox, &format!("--dry-run --mode {mode}")).stdin(answers).run().expect(1);
        assert!(outcome.stderr.contains(said), "{mode} {answers:?}: {outcome}");
        assert!(sandbox.runs().is_empty() && !outcome.output().contains("apples"), "{outcome}");
    }
}

/// The shell core takes the default, and so a mistyped no for a yes.
#[test]
fn an_answer_that_is_neither_yes_nor_no_is_taken_for_neither() {
    let sandbox = sandbox();
    for (mode, answers, variable) in [
        ("server", "perhaps\ny\ny\n", None),
        ("server", "y\ny\nnope\n", Some("PRODUCTIVE_K3S_AUTO_APPROVE_APPLY_PLAN")),
        ("stack", "y\nn\ny\ny\n\n\n\n\nnope\n", Some("PRODUCTIVE_K3S_REGISTRY_AUTH")),
    ] {
        let outcome = core(&sandbox, &format!("--dry-run --mode {mode}")).stdin(answers).run().expect(1);
        let help = match variable {
            Some(name) => format!("answer y or n, or set {name}"),
            None => "answer y or n".to_owned(),
        };
        assert!(outcome.stderr.contains("neither yes nor no") && outcome.stderr.contains(&help), "{outcome}");
        assert!(sandbox.runs().is_empty() && !outcome.output().contains("nope"), "{outcome}");
    }
    for yes in ["YES", " on ", "true", "1"] {
        core(&sandbox, "--dry-run --mode server").stdin(format!("y\ny\n{yes}\n")).run().expect(0);
        let call = core(&sandbox, "--dry-run --mode server").stdin("y\ny\n");
        call.env("PRODUCTIVE_K3S_AUTO_APPROVE_APPLY_PLAN", yes).run().expect(0);
    }
}

#[test]
fn what_comes_after_the_last_answer_is_not_read() {
    let sandbox = sandbox();
    let stray = "y\n".repeat(100);
    let answers = format!("y\ny\ny\n{stray}");
    let outcome = core(&sandbox, "--dry-run --mode server").stdin(answers).run().expect(0);
    assert_eq!(outcome.stdout.matches("(y/n)").count(), 3, "{outcome}");
    assert_eq!(sandbox.only_run().manifest()["status"], "success");
}

#[test]
fn certificates_are_for_those_that_need_them() {
    for (answers, action) in [("n\nn\nn\ny\n", "skip"), ("n\ny\nn\ny\n\n\n\n\ny\n", "install")] {
        let sandbox = sandbox();
        core(&sandbox, "--dry-run --mode stack").stdin(answers).run().expect(0);
        let components = &sandbox.only_run().manifest()["components"];
        assert_eq!(components["cert_manager"]["planned_action"], action, "{answers:?}");
    }
}

#[test]
fn what_the_runs_before_were_told_is_the_default_of_the_next() {
    let sandbox = with_bundle(Sandbox::unprivileged());
    let answers = "n\ny\ny\ny\nk3s.lab.example\n\n\n\n\n\ny\nkeeper\n\n1\nme@example.org\nproduction\nn\n";
    let first = call(&sandbox, "bootstrap", ["--mode", "stack"]).stdin(answers).run().expect(0);
    assert!(first.stdout.contains("[rancher.k3s.lab.example]"), "{first}");
    let again = || {
        core(&sandbox, "--dry-run --mode stack").stdin("n\n".to_owned() + &"\n".repeat(20)).run().expect(0)
    };
    // It was declined, so nothing on the host has what it was told.
    in_order(
        &again(),
        &["Rancher hostname (DNS name) [rancher.example.local]: ", "Choose TLS mode (1/2) [2]: "],
    );
    ended_well(&sandbox);
    in_order(
        &again(),
        &[
            "Rancher hostname (DNS name) [rancher.k3s.lab.example]: ",
            "Registry hostname (DNS name) [registry.k3s.lab.example]: ",
            "basic auth on the in-cluster registry? [y] (y/n): ",
            "Registry username [keeper]: ",
            "Choose TLS mode (1/2) [1]: ",
            "Let's Encrypt email [me@example.org]: ",
            "Let's Encrypt environment (staging/production) [production]: ",
        ],
    );
}

#[test]
fn settings_of_the_runs_before_are_defaults_too() {
    let sandbox = with_bundle(Sandbox::unprivileged());
    let answers = "y\nn\ny\ny\nk3s.lab.example\n\n30Gi\nfast\nn\n2\n/data/longhorn\n3\nn\nn\n";
    call(&sandbox, "bootstrap", ["--mode", "stack"]).stdin(answers).run().expect(0);
    ended_well(&sandbox);
    let answers = "y\nn\n".to_owned() + &"\n".repeat(20);
    let again = core(&sandbox, "--dry-run --mode stack").stdin(answers).run().expect(0);
    in_order(
        &again,
        &[
            "Base domain (used to build hostnames) [k3s.lab.example]: ",
            "Registry hostname (DNS name) [registry.k3s.lab.example]: ",
            "Registry PVC size [30Gi]: ",
            "The run before asked for the class fast for the registry.\n",
            "Registry StorageClass (blank uses cluster default) []: ",
            "Longhorn data mount path [/data/longhorn]: ",
            "Longhorn default replica count (1 for single-node) [3]: ",
            "Make Longhorn the default StorageClass? [n] (y/n): ",
        ],
    );
    let run = sandbox.runs().into_iter().find(|run| run.manifest()["execution"] != "apply");
    let features = run.expect("a dry run").manifest()["features"].clone();
    assert_eq!(features["registry_storage_class_configured"], false, "blank is the cluster's default");
    assert_eq!(
        (&features["registry_pvc_size_gib"], &features["longhorn_replica_count"]),
        (&30.into(), &3.into())
    );
}

#[test]
fn the_export_and_the_free_space_of_the_runs_before_are_defaults_too() {
    let sandbox = with_bundle(Sandbox::unprivileged());
    let answers = "\n\ny\nn\nn\ny\n/srv/share\n10.20.0.0/16\ny\n\n\n25\ny\nn\n";
    call(&sandbox, "bootstrap", ["--mode", "single-node"]).stdin(answers).run().expect(0);
    ended_well(&sandbox);
    let answers = "\n\ny\nn\nn\n".to_owned() + &"\n".repeat(20);
    let again = core(&sandbox, "--dry-run --mode single-node").stdin(answers).run().expect(0);
    in_order(
        &again,
        &[
            "NFS export path on the host [/srv/share]: ",
            "Allowed client network/CIDR for the NFS export [10.20.0.0/16]: ",
            "(10 is recommended for single-node dev/lab) [25]: ",
            "Make Longhorn the default StorageClass? [y] (y/n): ",
            "- docker_registry_trust: skip\n",
        ],
    );
}

/// No layer asks for the copy of the credentials, and nobody gets it unasked.
#[test]
fn the_credentials_are_copied_where_the_environment_asks_for_them() {
    let sandbox = sandbox();
    let plan = |mode: &str| core(&sandbox, &format!("--dry-run --mode {mode}")).stdin("\n\n\n");
    let variable = ("PRODUCTIVE_K3S_HOST_USER_KUBECONFIG", "true");
    let asked = plan("server").envs([variable]).run().expect(0);
    assert!(asked.stdout.contains("~/.kube/k3s.yaml"), "{asked}");
    let unasked = plan("server").run().expect(0);
    assert!(!unasked.stdout.contains(".kube"), "{unasked}");
    assert!(!sandbox.home().join(".kube").exists(), "a dry run makes nothing");
    let agent = plan("agent").envs([variable]).run().expect(1);
    assert!(agent.stderr.contains("host.user_kubeconfig") && agent.stderr.contains("mode agent"), "{agent}");
}
