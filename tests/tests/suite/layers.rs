//! The program as the layers above call it: through the entry points of a bundle.

mod conversation;
mod driver;
mod events;
mod packages;
mod telemetry;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use tests::{Invocation, Sandbox};

/// A sandbox with what a bundle has beside its entry points and its program.
fn sandbox() -> Sandbox {
    with_bundle(Sandbox::new())
}

fn with_bundle(sandbox: Sandbox) -> Sandbox {
    let root = sandbox.root().join("bundle");
    fs::create_dir(&root).expect("the sandbox is ours");
    let info = json!({
        "schema_version": "1",
        "bundle_name": "productive-k3s-core",
        "bundle_version": "0.9.5",
        "cli_entrypoint": "productive-k3s-core.sh",
    });
    fs::write(root.join("bundle-info.json"), info.to_string()).expect("written");
    fs::write(root.join("sbom.cdx.json"), "{}\n").expect("written");
    sandbox
}

/// A call of the entry point `entry`, with records where the other tests have them.
fn call<'a>(sandbox: &Sandbox, entry: &str, words: impl IntoIterator<Item = &'a str>) -> Invocation {
    let root = sandbox.root().join("bundle");
    sandbox
        .bootstrap(["as-bundle", "--root"])
        .args([root.as_os_str()])
        .args(["--entry", entry, "--"])
        .args(words)
        .env("PRODUCTIVE_K3S_RUNS_DIR", sandbox.runs_dir())
        .env("TELEMETRY_ENABLED", "false")
}

/// A call of the entry point for commands.
fn core(sandbox: &Sandbox, words: &str) -> Invocation {
    call(sandbox, "core", words.split_whitespace())
}

/// Lets the record of a declined run be that of one that found everything in place.
fn ended_well(sandbox: &Sandbox) {
    for run in sandbox.runs() {
        let text = fs::read_to_string(&run.private).expect("a record");
        fs::write(&run.private, text.replace(r#""status": "cancelled""#, r#""status": "success""#))
            .expect("ours");
    }
}

#[test]
fn a_bundle_describes_itself() {
    let sandbox = sandbox();
    let info = core(&sandbox, "bundle info --json").run().expect(0).json();
    assert_eq!(info["bundle_version"], "0.9.5");
    let bill = core(&sandbox, "bom --json").run().expect(0).json();
    assert_eq!((&bill["bundle"], &bill["cli"]["version"]), (&info, &json!("0.9.5")));
    // The `sha256sum` of the two brackets and the line feed.
    let sum = "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356";
    assert_eq!(bill["sbom"]["sha256"], sum);
    let versions = bill["components"]["versions"].as_object().expect("an object");
    let pinned = ["k3s", "helm", "cert-manager", "longhorn", "rancher", "registry_image"];
    assert_eq!(versions.keys().collect::<Vec<_>>(), pinned);
    fs::remove_file(sandbox.root().join("bundle/sbom.cdx.json")).expect("it was there");
    let broken = core(&sandbox, "bom --json").run().expect(1);
    assert!(broken.stderr.contains("sbom.cdx.json of the bundle"), "{broken}");
}

#[test]
fn what_is_not_known_is_refused_as_the_layers_expect() {
    let sandbox = sandbox();
    for (words, code, said) in [
        ("unsupported", 1, "Unsupported command: unsupported"),
        ("bootstrap --mode galaxy", 1, "Unsupported mode: galaxy"),
        ("bootstrap --fast", 1, "Unknown argument: --fast"),
        ("preflight --fast", 2, "Unknown argument: --fast"),
        ("bundle info", 1, "Unsupported command"),
        ("rollback --apply", 1, "--to"),
        ("stack install base", 1, "--tgz"),
        ("--events xml bootstrap", 2, "unsupported --events format: xml; supported format: ndjson"),
    ] {
        let outcome = core(&sandbox, words).run().expect(code);
        assert!(outcome.stderr.contains(said), "{words}: {outcome}");
        assert!(outcome.stdout.is_empty() && sandbox.runs().is_empty(), "{words}: {outcome}");
    }
}

#[test]
fn another_engine_or_distribution_is_refused_by_its_name() {
    let sandbox = sandbox();
    for (variable, word, said) in [
        ("PRODUCTIVE_K3S_ENGINE", "k3sup", "Unsupported k3s installation engine: k3sup"),
        ("PRODUCTIVE_K3S_ENGINE", "canary", "Unsupported k3s installation engine\n"),
        ("PRODUCTIVE_K3S_DISTRO", "rke2", "Unsupported cluster distro: rke2"),
    ] {
        for words in ["bootstrap --dry-run", "preflight", "validate"] {
            let outcome = core(&sandbox, words).env(variable, word).run().expect(1);
            assert!(outcome.stderr.contains(said) && outcome.stderr.contains("unset"), "{outcome}");
        }
    }
    let known = [("PRODUCTIVE_K3S_ENGINE", "native"), ("PRODUCTIVE_K3S_DISTRO", "k3s")];
    core(&sandbox, "--dry-run --mode server").envs(known).stdin("\n\n\n").run().expect(0);
}

#[test]
fn a_variable_that_nobody_reads_is_refused_by_its_name() {
    let sandbox = sandbox();
    for (variable, said) in [
        // What tests of the shell core put in the place of the host.
        ("PRODUCTIVE_K3S_PREFLIGHT_CPU_COUNT", "is read from the host"),
        ("PRODUCTIVE_K3S_PREFLIGHT_OS_RELEASE_FILE", "is read from the host"),
        ("PRODUCTIVE_K3S_AGNET_TOKEN", "did you mean PRODUCTIVE_K3S_AGENT_TOKEN?"),
    ] {
        for words in ["bootstrap --dry-run --mode agent", "preflight", "validate"] {
            let outcome = core(&sandbox, words).env(variable, "canary").run().expect(1);
            let text = outcome.stderr.replace("\n       ", " ");
            assert!(text.contains(said) && text.contains(&format!("unset {variable}")), "{words}: {outcome}");
            assert!(!outcome.output().contains("canary") && sandbox.runs().is_empty(), "{words}: {outcome}");
        }
    }
    // What the CLI and infra keep for themselves in the environment that they hand down.
    let of_layers = [
        ("PRODUCTIVE_K3S_SOURCE", "local"),
        ("PRODUCTIVE_K3S_VERSION", "0.9.5"),
        ("PRODUCTIVE_K3S_INFRA_VERSION", "0.9.5"),
        ("PRODUCTIVE_K3S_REPO", "/opt/core"),
        ("PRODUCTIVE_K3S_CORE_REPO_DIR", "/opt/core"),
        ("PK3S_PROFILE_PACKAGE_PRODUCTIVE_K3S_REPO", "/opt/core"),
        ("PRODUCTIVE_K3S_AUTO_APPROVE_PREFLIGHT_WARNINGS", "y"),
    ];
    core(&sandbox, "--dry-run --mode server").envs(of_layers).stdin("\n\n\n").run().expect(0);
}

#[test]
fn help_tells_of_the_commands_and_their_options() {
    let sandbox = sandbox();
    for words in ["help", "--help"] {
        let help = core(&sandbox, words).run().expect(0).stdout;
        for command in ["bootstrap", "apply", "preflight", "validate", "bundle", "bom", "stack", "addon"] {
            assert!(help.contains(&format!("\n  {command} ")), "{words}: {command}");
        }
    }
    for (words, option) in [
        ("bootstrap --help", "--dry-run"),
        ("preflight --help", "--mode <single-node|server|agent|stack>"),
        ("validate --help", "--strict"),
        ("backup --help", "--include-secrets"),
    ] {
        let help = core(&sandbox, words).run().expect(0).stdout;
        assert!(help.contains(option), "{words}: {help}");
    }
}

#[test]
fn the_preflight_counts_what_it_lists() {
    let sandbox = sandbox();
    let outcome = call(&sandbox, "preflight", ["--json-output"]).run();
    let document = outcome.json();
    assert_eq!((&document["mode"], &document["strict"]), (&json!("single-node"), &json!(false)));
    let results = document["results"].as_array().expect("a list");
    for (level, count) in [("ok", "ok_count"), ("warn", "warn_count"), ("fail", "fail_count")] {
        let listed = results.iter().filter(|result| result["level"] == level).count();
        assert_eq!(document["summary"][count], listed, "{level}");
    }
    let failed = document["summary"]["fail_count"] != 0;
    assert_eq!(outcome.code(), i32::from(failed), "{outcome}");
    for field in ["os_id", "version_id", "pretty_name", "support", "architecture", "architecture_support"] {
        assert!(document["platform"][field].is_string(), "{field}");
    }
    assert!(document["resources"]["memory_kb"].as_u64().is_some_and(|memory| memory > 0), "{document}");
}

#[test]
fn the_json_of_the_preflight_can_go_to_a_file() {
    let sandbox = sandbox();
    let words = ["--mode", "server", "--json-output", "preflight.json"];
    let outcome = call(&sandbox, "preflight", words).run();
    assert_eq!(outcome.stdout, "");
    let path = sandbox.cwd().join("preflight.json");
    let document: Value = serde_json::from_slice(&fs::read(&path).expect("written")).expect("JSON");
    assert_eq!(document["mode"], "server");
    assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_host_without_anything_does_not_pass_the_validation() {
    let sandbox = sandbox();
    let outcome = core(&sandbox, "validate --json --strict").run().expect(1);
    let document = outcome.json();
    assert_eq!((&document["status"], &document["strict"]), (&json!("fail"), &json!(true)));
    let failed = document["results"].as_array().expect("a list").iter();
    let failed = failed.filter(|result| result["level"] == "fail").count();
    assert!(failed > 0 && document["failures"] == failed, "{document}");
    assert_eq!(document["warnings"], 0);
}

#[test]
fn records_outlive_the_bundle() {
    let sandbox = sandbox();
    let run = core(&sandbox, "--dry-run --mode server").without("PRODUCTIVE_K3S_RUNS_DIR").stdin("\n\n\n");
    run.run().expect(0);
    let records = sandbox.home().join(".local/state/productive-k3s/runs");
    assert!(fs::read_dir(records).expect("made").count() > 0);
    assert!(
        sandbox.runs().is_empty() && fs::read_dir(sandbox.root().join("bundle")).expect("there").count() == 2
    );
}

/// A call of the entry point that takes commands, with the real tar and gzip.
fn with_tar(sandbox: &Sandbox, words: &str) -> Invocation {
    let tools = sandbox.root().join("tools");
    if !tools.exists() {
        fs::create_dir(&tools).expect("the sandbox is ours");
        for tool in ["tar", "gzip"] {
            std::os::unix::fs::symlink(format!("/usr/bin/{tool}"), tools.join(tool)).expect("a link");
        }
    }
    let path = format!("{}:{}", tools.display(), sandbox.root().join("bin").display());
    core(sandbox, words).env("PATH", path)
}

#[test]
fn a_backup_goes_into_no_directory_that_holds_anything() {
    let sandbox = sandbox();
    let full = sandbox.cwd().join("full");
    fs::create_dir_all(full.join("photos")).expect("the sandbox is ours");
    let outcome = with_tar(&sandbox, "backup full").run().expect(1);
    let text = outcome.stderr.replace("\n       ", " ");
    assert!(text.contains("full exists already"), "{outcome}");
    assert_eq!(fs::read_dir(&full).expect("listed").count(), 1);
    // An empty one is as good as none.
    fs::create_dir(sandbox.cwd().join("empty")).expect("the sandbox is ours");
    let outcome = with_tar(&sandbox, "backup empty").run().expect(0);
    // Whoever called is told the whole path: the working directory of this process may be another.
    assert!(outcome.stdout.contains(&sandbox.cwd().join("empty.tar.gz").display().to_string()), "{outcome}");
}

/// Root packs what it has read where nobody else can put something else in its place.
#[test]
fn root_makes_no_backup_where_another_user_could_replace_it() {
    if !tests::is_root() {
        return tests::skip("a backup beside another user", "only root can give directories away");
    }
    let sandbox = sandbox();
    let theirs = sandbox.cwd().join("theirs");
    fs::create_dir(&theirs).expect("the sandbox is ours");
    std::os::unix::fs::chown(&theirs, Some(61_002), Some(61_002)).expect("given away");
    // Neither beside what is another user's nor in it, though it is empty.
    for place in ["theirs/saved", "theirs"] {
        let outcome = with_tar(&sandbox, &format!("backup {place}")).run().expect(1);
        let text = outcome.stderr.replace("\n       ", " ");
        assert!(text.contains("another user can replace the directory"), "{outcome}");
        assert_eq!(fs::read_dir(&theirs).expect("listed").count(), 0);
        assert!(!sandbox.cwd().join("theirs.tar.gz").exists());
    }
}

/// The descriptors of this process are closed to others of the same user, so tar cannot be led to them.
#[test]
fn a_user_who_is_not_root_gets_an_archive() {
    let sandbox = with_bundle(Sandbox::unprivileged());
    let outcome = with_tar(&sandbox, "backup saved").run();
    let archive = sandbox.cwd().join("saved.tar.gz");
    let list = std::process::Command::new("tar").arg("-tzf").arg(archive).output().expect("tar");
    let names = String::from_utf8_lossy(&list.stdout);
    assert!(names.contains("saved/host/etc/hosts"), "{names}: {outcome}");
}

#[test]
fn a_backup_without_a_name_is_not_left_in_a_bundle_that_is_replaced() {
    let sandbox = sandbox();
    let bundle = sandbox.root().join("bundle");
    let outcome = with_tar(&sandbox, "backup").current_dir(&bundle).run().expect(0);
    assert_eq!(fs::read_dir(&bundle).expect("there").count(), 2, "{outcome}");
    let backups = sandbox.home().join(".local/state/productive-k3s/backups");
    assert_eq!(fs::read_dir(&backups).expect("made").count(), 2, "{outcome}");
    assert!(outcome.stdout.contains(&backups.display().to_string()), "{outcome}");
}

#[test]
fn a_backup_is_for_its_user_alone_and_says_what_it_left_out() {
    let sandbox = sandbox();
    let backup = |words: &str| with_tar(&sandbox, words);
    backup("backup saved --dry-run").run().expect(0);
    assert!(!sandbox.cwd().join("saved").exists());
    let outcome = backup("backup saved").run().expect(0);
    assert!(outcome.stdout.contains("host/etc/hosts"), "{outcome}");
    let mode = |path: &str| sandbox.cwd().join(path).metadata().expect(path).permissions().mode() & 0o777;
    assert_eq!(["saved", "saved/host/etc"].map(mode), [0o700, 0o700]);
    assert_eq!(["saved.tar.gz", "saved/backup.json", "saved/host/etc/hosts"].map(mode), [0o600; 3]);
    let hosts = fs::read("/etc/hosts").expect("every host has one");
    assert_eq!(fs::read(sandbox.cwd().join("saved/host/etc/hosts")).expect("saved"), hosts);
    let record: Value =
        serde_json::from_slice(&fs::read(sandbox.cwd().join("saved/backup.json")).expect("saved"))
            .expect("JSON");
    let saved = record["files"].as_array().expect("a list").iter();
    let recorded = saved.clone().find(|file| file["path"] == "host/etc/hosts").expect("listed");
    let had = fs::metadata("/etc/hosts").expect("there").permissions().mode() & 0o7777;
    assert_eq!(recorded["mode"], format!("{had:04o}"), "the mode that a restore gives back");
    let again = backup("backup saved").run().expect(1);
    assert!(again.stderr.contains("saved"), "{again}");
}

#[test]
fn cleaning_a_host_without_records_touches_nothing() {
    let sandbox = sandbox();
    for words in ["clean", "clean --plan", "cleanup --apply --yes --confirm-clean"] {
        let outcome = core(&sandbox, words).run().expect(0);
        assert!(outcome.stdout.contains("there is nothing to remove"), "{words}: {outcome}");
    }
    // An operator who does not type the word has cancelled.
    for answers in ["n\n", "y\nclean\n"] {
        let outcome = core(&sandbox, "clean --apply").stdin(answers).run().expect(0);
        assert!(outcome.stdout.contains("Apply the full destructive cleanup?"), "{answers:?}: {outcome}");
        assert!(outcome.stderr.contains("declined"), "{answers:?}: {outcome}");
    }
    let by_operator = sandbox.bootstrap(["clean", "--apply", "--confirm", "yes"]).run().expect(0);
    assert!(by_operator.stdout.contains("nothing to remove"), "{by_operator}");
    assert!(sandbox.calls_made().iter().all(|called| called.starts_with("systemctl")), "nothing was changed");
}

#[test]
fn a_cancelled_run_is_a_success_and_on_record() {
    // Not as root, which would write its records below no directory that others can write to.
    let sandbox = with_bundle(Sandbox::unprivileged());
    let outcome = call(&sandbox, "bootstrap", ["--mode", "server"]).stdin("y\ny\nn\n").run().expect(0);
    assert!(outcome.stdout.contains("Proceed with this plan? [y] (y/n): "), "{outcome}");
    assert_eq!(sandbox.only_run().manifest()["status"], "cancelled");
}

/// What the operator left out is neither there nor missing.
#[test]
fn the_validation_looks_at_what_runs_have_installed() {
    let sandbox = with_bundle(Sandbox::unprivileged());
    let answers =
        "n\nn\ny\ny\ncorp.example\nimages.corp.example\n\n\ny\nkeeper\n\n1\nme@example.org\nstaging\nn\n";
    call(&sandbox, "bootstrap", ["--mode", "stack"]).stdin(answers).run().expect(0);
    let failed = || {
        let document = core(&sandbox, "validate --json").run().expect(1).json();
        let results = document["results"].as_array().expect("a list").clone();
        let failed = results.iter().filter(|result| result["level"] == "fail");
        failed.map(|result| result["check"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    let fails = |failed: &[String], component: &str| failed.iter().any(|check| check.contains(component));
    let before = failed();
    assert!(
        fails(&before, "longhorn") && fails(&before, "rancher"),
        "declined, the run says nothing: {before:?}"
    );
    ended_well(&sandbox);
    let after = failed();
    assert!(fails(&after, "registry"), "{after:?}");
    assert!(!fails(&after, "longhorn") && !fails(&after, "rancher"), "{after:?}");
}
