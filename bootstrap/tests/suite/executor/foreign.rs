//! A k3s that no run of this host installed.

use std::os::unix::fs::PermissionsExt;

use super::faults::only;
use super::*;
use crate::support::stub_host::UNIT;

/// A host on which somebody else has stopped a server.
fn stopped() -> StubHost {
    let stub = StubHost::fresh().with_server();
    stub.put("stub/services/k3s", "inactive\n");
    stub.put("stub/api/api/v1/namespaces/shop.json", r#"{"metadata":{"name":"shop"}}"#);
    stub
}

/// Passes if the run is blocked, names what differs and no value, and has changed nothing.
fn is_left_alone(stub: &StubHost, settings: &Settings, names: &[&str]) {
    let before = tree(stub);
    let ran = run(stub, settings);
    let message = &ran.failure().message;
    assert!(message.contains("is not of a run of this host"), "{message}");
    for name in names {
        assert!(message.contains(name), "{name} is not in: {message}");
    }
    assert!(!message.contains("canary"), "{message}");
    assert!(ran.journal.steps().is_empty());
    assert_eq!(tree(stub), before);
}

#[test]
fn flags_of_its_own_block_the_run_and_nothing_is_changed() {
    let flags = "server \\\n    --data-dir /srv/canary \\\n    --token=canary \\\n    '--disable' traefik";
    let stub = stopped();
    stub.put("etc/systemd/system/k3s.service", UNIT.replace("server", flags));
    is_left_alone(&stub, &only(Component::K3s), &["--data-dir (ExecStart)", "--token (ExecStart)"]);
    let stub = stopped();
    stub.put("etc/systemd/system/k3s.service", UNIT.replace("/usr/local/bin/k3s", "/opt/bin/k3s"));
    is_left_alone(&stub, &only(Component::K3s), &["command (ExecStart)"]);
}

#[test]
fn every_place_that_k3s_is_told_something_in_is_looked_at() {
    let env = "etc/systemd/system/k3s.service.env";
    for (file, content, name) in [
        (env, "K3S_TOKEN='canary'\n", "K3S_TOKEN (/etc/systemd/system/k3s.service.env)"),
        (env, "# none\nHTTPS_PROXY=http://me:canary@proxy\n", "HTTPS_PROXY"),
        (env, "CONTAINERD_LOG_LEVEL=canary\n", "CONTAINERD_LOG_LEVEL"),
        ("etc/default/k3s", "K3S_DATASTORE_ENDPOINT=canary\n", "K3S_DATASTORE_ENDPOINT (/etc/default/k3s)"),
        ("etc/rancher/k3s/config.yaml", "data-dir: /canary\n", "data-dir (/etc/rancher/k3s/config.yaml)"),
        ("etc/rancher/k3s/config.yaml", "- canary\n", "syntax (/etc/rancher/k3s/config.yaml)"),
        (
            "etc/rancher/k3s/config.yaml.d/1.yaml",
            "token: canary\n",
            "token (/etc/rancher/k3s/config.yaml.d/1.yaml)",
        ),
        ("etc/systemd/system/k3s.service.d/10.conf", "[Service]\n", "k3s.service.d/10.conf (drop-in)"),
    ] {
        let stub = stopped();
        stub.put(file, content);
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(stub.path(file), mode).expect("mode");
        is_left_alone(&stub, &only(Component::K3s), &[name]);
    }
    let stub = stopped();
    stub.put(env, "");
    std::fs::set_permissions(stub.path(env), std::fs::Permissions::from_mode(0o644)).expect("mode");
    is_left_alone(&stub, &only(Component::K3s), &["mode (/etc/systemd/system/k3s.service.env)"]);
}

#[test]
fn one_without_its_program_is_nobodys_to_complete() {
    let stub = stopped();
    std::fs::remove_file(stub.path("usr/local/bin/k3s")).expect("was there");
    is_left_alone(&stub, &only(Component::K3s), &["/usr/local/bin/k3s (missing)"]);
}

#[test]
fn one_that_runs_says_itself_what_it_was_started_with() {
    let stub = StubHost::fresh().with_server();
    let node = "stub/api/api/v1/nodes/node.json";
    let with_flags = stub.text(node).replace(r#"[\"server\"]"#, r#"[\"server\",\"--token\",\"canary\"]"#);
    stub.put(node, with_flags);
    is_left_alone(&stub, &only(Component::K3s), &["--token (k3s.io/node-args)"]);
}

#[test]
fn one_that_a_run_would_install_just_so_is_started_and_not_installed_anew() {
    let stub = stopped();
    std::fs::remove_file(stub.path("stub/services/k3s.enabled")).expect("was there");
    // As the script writes it.
    let env = "etc/systemd/system/k3s.service.env";
    stub.put(env, "");
    std::fs::set_permissions(stub.path(env), std::fs::Permissions::from_mode(0o600)).expect("mode");
    let unit = stub.text("etc/systemd/system/k3s.service");
    let ran = run(&stub, &only(Component::K3s));
    assert_eq!(ran.changed, ["start the k3s service"]);
    assert_eq!(stub.text("etc/systemd/system/k3s.service"), unit);
    assert!(stub.path("stub/services/k3s.enabled").exists());
    assert!(stub.calls().iter().all(|call| !call.starts_with("curl")), "nothing is downloaded");
    assert_eq!(ran.first(), ComponentResult::Configured);
    assert_eq!(run(&stub, &only(Component::K3s)).first(), ComponentResult::Reused);
}

#[test]
fn an_agent_counts_by_its_server_and_its_token_however_it_is_told_them() {
    let unit = UNIT.replace("k3s.service.env", "k3s-agent.service.env").replace("server", "agent");
    let env = "etc/systemd/system/k3s-agent.service.env";
    for (variables, differing) in [
        ("K3S_URL='https://server.example.local:6443/'\nK3S_TOKEN='K10token-canary'\n", None),
        ("K3S_URL=https://server.example.local:6443\nK3S_TOKEN=canary\n", Some("K3S_TOKEN")),
        ("K3S_URL=https://canary:6443\nK3S_TOKEN=K10token-canary\n", Some("K3S_URL")),
        ("K3S_URL=https://server.example.local:6443\nK3S_TOKEN_FILE=/etc/none\n", Some("K3S_TOKEN")),
    ] {
        let stub = StubHost::fresh().with_program();
        stub.put("etc/systemd/system/k3s-agent.service", &unit);
        stub.put("stub/services/k3s-agent", "inactive\n");
        stub.put(env, variables);
        std::fs::set_permissions(stub.path(env), std::fs::Permissions::from_mode(0o400)).expect("mode");
        if let Some(name) = differing {
            is_left_alone(&stub, &settings(Mode::Agent), &[name]);
        } else {
            assert_eq!(run(&stub, &settings(Mode::Agent)).first(), ComponentResult::Configured);
        }
    }
}

#[test]
fn a_service_of_the_other_role_is_in_the_way_even_when_it_is_stopped() {
    let stub = stopped();
    let before = tree(&stub);
    let ran = run(&stub, &settings(Mode::Agent));
    assert!(
        ran.failure().message.contains("service k3s is installed on this host"),
        "{}",
        ran.failure().message
    );
    assert_eq!(tree(&stub), before);
}

/// A unit that somebody wrote after the run, as the script of another version does, is theirs.
#[test]
fn a_unit_that_is_not_as_the_run_left_it_is_not_the_runs_any_more() {
    let stub = StubHost::fresh();
    run(&stub, &only(Component::K3s)).results();
    let unit = stub.text("etc/systemd/system/k3s.service");
    stub.put("etc/systemd/system/k3s.service", unit.replace("    server", "    server --disable servicelb"));
    is_left_alone(&stub, &only(Component::K3s), &["--disable (ExecStart)"]);
}
