//! A dry run of every mode: what it shows, what it writes, and what it leaves alone.

use std::os::unix::fs::{MetadataExt, chown};

use schema::Mode;
use tests::{Contract, Invocation, Sandbox, Stub, is_root, tree};

/// A dry run of `mode` with the inputs that it needs.
fn complete(sandbox: &Sandbox, mode: Mode) -> Invocation {
    let call = sandbox.dry_run(mode.as_str()).args(["--yes"]);
    match mode {
        Mode::Agent => {
            let token = sandbox.file("token", "hunter2-join-token\n", 0o600);
            call.args(["--agent-server-url", "https://k3s.example.local:6443", "--agent-token-file"])
                .args([token])
        }
        _ => call,
    }
}

#[test]
fn every_mode_plans_and_changes_nothing_outside_its_runs() {
    let contract = Contract::published();
    for mode in Mode::ALL.iter().copied() {
        let sandbox = Sandbox::new();
        let call = complete(&sandbox, mode);
        let before = sandbox.files_outside_runs();
        let outcome = call.run().expect(0);
        sandbox.snapshot(&format!("dry_run_{mode}"), &outcome);
        for (name, flag) in [("steps", "-v"), ("commands", "-vv")] {
            let sandbox = Sandbox::new();
            let outcome = complete(&sandbox, mode).args([flag]).run().expect(0);
            sandbox.snapshot(&format!("dry_run_{mode}_{name}"), &outcome);
        }
        assert_eq!(sandbox.files_outside_runs(), before, "{mode}");
        assert!(!outcome.output().contains("hunter2"), "{outcome}");

        let run = sandbox.only_run();
        let manifest = run.manifest();
        contract.check_manifest(&manifest);
        assert_eq!(manifest["bootstrap_mode"], mode.as_str());
        assert_eq!(manifest["execution"], "dry-run");
        assert_eq!((&manifest["status"], &manifest["exit_code"]), (&"success".into(), &0.into()));
        assert_eq!(manifest["run_id"], run.id.as_str());
        assert_eq!(run.context()["status"], "success");
        assert!(!sandbox.outbox().exists(), "{mode}: no consent, no outbox");
    }
}

#[test]
fn a_dry_run_only_asks_the_host() {
    let sandbox = Sandbox::new();
    // A host with this program is asked whether the NFS server is a package of its own.
    sandbox.stub("exportfs", Stub::default());
    complete(&sandbox, Mode::SingleNode).run().expect(0);
    let calls = sandbox.calls_made();
    let questions =
        ["dpkg-query --show ", "systemctl is-active ", "timedatectl show ", "modprobe --dry-run "];
    let asks = |call: &String| questions.iter().any(|question| call.starts_with(question));
    assert!(!calls.is_empty() && calls.iter().all(asks), "{calls:?}");
}

#[test]
fn files_are_private_to_their_owner() {
    let sandbox = Sandbox::new();
    complete(&sandbox, Mode::Server).run().expect(0);
    assert_eq!(sandbox.runs_dir().metadata().expect("made").mode() & 0o777, 0o700);
    let files = tree(&sandbox.runs_dir(), None);
    let run = sandbox.only_run();
    assert_eq!(files.len(), 3, "{:?}", files.keys());
    for path in [run.public, run.private, run.log] {
        assert_eq!(path.metadata().expect("made").mode() & 0o7777, 0o600, "{}", path.display());
    }
}

#[test]
fn root_is_not_needed() {
    let sandbox = Sandbox::unprivileged();
    let outcome = complete(&sandbox, Mode::SingleNode).run().expect(0);
    assert_eq!(outcome.stderr, "");
    let owner = sandbox.only_run().public.metadata().expect("made").uid();
    assert_eq!(owner, sandbox.root().metadata().expect("ours").uid());
    // As root, the sandbox belongs to another user, so that root rights would show in the owner.
    assert_eq!(is_root(), owner != rustix::process::geteuid().as_raw());
}

#[test]
fn under_sudo_new_files_belong_to_who_called_it() {
    if !is_root() {
        return tests::skip("under_sudo_new_files_belong_to_who_called_it", "only root can give files away");
    }
    let sandbox = Sandbox::new();
    let call = complete(&sandbox, Mode::Server).envs([("SUDO_UID", "61000"), ("SUDO_GID", "61001")]);
    call.env("TELEMETRY_ENABLED", "true").run().expect(0);
    sandbox.wait_for_deliveries();
    let runs = sandbox.runs_dir().metadata().expect("made");
    assert_eq!((runs.uid(), runs.gid()), (61_000, 61_001));
    let files = tree(&sandbox.runs_dir(), None);
    assert!(files.len() > 8, "three files, the outbox and its entries: {:?}", files.keys());
    for (path, entry) in files {
        // Root acts on the private context when it rolls back: the caller must not be able to change it.
        let owner = if path.to_string_lossy().ends_with("-private.json") { (0, 0) } else { (61_000, 61_001) };
        assert_eq!((entry.uid, entry.gid), owner, "{}", path.display());
    }
}

/// The caller of sudo owns the directory and can replace the private context with any file; root must not act on it.
#[test]
fn root_obeys_no_private_context_of_another_user() {
    if !is_root() {
        return tests::skip("root_obeys_no_private_context_of_another_user", "only root can give files away");
    }
    let sandbox = Sandbox::new();
    complete(&sandbox, Mode::Server).run().expect(0);
    let run = sandbox.only_run();
    let plan = || {
        let call = sandbox.bootstrap(["rollback", "--to"]).args([run.public.as_os_str()]);
        call.envs([("SUDO_UID", "61000"), ("SUDO_GID", "61001")]).run()
    };
    plan().expect(0);
    chown(&run.private, Some(61_000), None).expect("root gives away what it likes");
    let outcome = plan().expect(1);
    assert!(outcome.stderr.contains("belongs to another user"), "{outcome}");
    chown(&run.private, Some(0), None).expect("root takes what it likes");
    std::fs::hard_link(&run.private, sandbox.runs_dir().join("second-name")).expect("a link");
    let outcome = plan().expect(1);
    assert!(outcome.stderr.contains("several hard links"), "{outcome}");
}
