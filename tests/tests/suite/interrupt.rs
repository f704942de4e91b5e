//! Ctrl-C and similar signals, sent for real on a real terminal: answered at once, and 130 at the end, whatever the exit
//! code of a child.

use rustix::process::Signal;
use tests::{Invocation, Outcome, Sandbox, Stub, TerminalSession, can_have_a_machine, on_a_machine};

/// What the stand-in for curl downloads.
pub(crate) const ARCHIVE: &str = "an archive";

/// Longer than any call may take: what ends before has been ended.
const FOREVER: u32 = 3600;

/// A run of the server mode that installs only helm, in plain lines.
fn helm_run(sandbox: &Sandbox) -> Invocation {
    let call = sandbox.bootstrap(["run", "--mode", "server", "--skip", "k3s", "--yes", "--accept-warnings"]);
    let call = call.env("TELEMETRY_ENABLED", "false").env("TERM", "dumb");
    on_a_machine(call.env("PRODUCTIVE_K3S_CHECKSUMS_HELM", sum(sandbox)))
}

/// The checksum of [`ARCHIVE`], by the program that operators use.
pub(crate) fn sum(sandbox: &Sandbox) -> String {
    let file = sandbox.file("archive", ARCHIVE, 0o600);
    let output = std::process::Command::new("sha256sum").arg(file).output().expect("coreutils");
    String::from_utf8_lossy(&output.stdout).split(' ').next().unwrap_or_default().to_owned()
}

/// A stand-in that succeeds after so many seconds.
pub(crate) fn stub(stdout: &'static str, seconds: u32) -> Stub<'static> {
    Stub { stdout, stderr: "", seconds, code: 0 }
}

fn interrupted(outcome: Outcome, done: &str) -> Outcome {
    let outcome = outcome.expect(130);
    for said in [
        format!("interrupted: {done} of 1 components done; exit 130"),
        "resume: bootstrap run --mode server --skip k3s --yes --accept-warnings".to_owned(),
        "undo:   bootstrap rollback --to runs/bootstrap-".to_owned(),
    ] {
        assert!(outcome.stderr.contains(&said), "{said}: {outcome}");
    }
    assert!(!outcome.stderr.contains("error: "), "{outcome}");
    outcome
}

#[test]
fn a_download_ends_at_once() {
    if !can_have_a_machine("a_download_ends_at_once") {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.stub("curl", stub(ARCHIVE, FOREVER));
    let mut session = TerminalSession::start(&helm_run(&sandbox));
    sandbox.wait_for_call("curl");
    session.type_keys("\x03");
    let outcome = interrupted(session.end(), "0");
    let answer = "^C stopping after \"helm: helm archive\" (press again to end the command)\n";
    assert!(outcome.stderr.contains(answer), "{outcome}");
    let run = sandbox.only_run();
    assert_eq!((run.status().as_str(), &run.manifest()["exit_code"]), ("interrupted", &130.into()));
}

#[test]
fn a_change_is_finished_after_one_and_ended_by_the_second() {
    if !can_have_a_machine("a_change_is_finished_after_one_and_ended_by_the_second") {
        return;
    }
    let start = || {
        let sandbox = Sandbox::new();
        sandbox.stub("curl", stub(ARCHIVE, 0));
        sandbox.stub("tar", stub("", FOREVER));
        let mut session = TerminalSession::start(&helm_run(&sandbox));
        // The step is told before its command runs, and between the two one request ends it.
        sandbox.wait_for_call("tar");
        session.type_keys("\x03");
        session.wait_for("^C stopping after \"helm: unpack helm\" (press again to end the command)");
        (sandbox, session)
    };
    let (sandbox, session) = start();
    sandbox.hurry_stubs();
    let finished = interrupted(session.end(), "0");
    assert!(finished.stderr.contains("done  helm 2/4 unpack helm"), "{finished}");
    assert!(!finished.stderr.contains("start helm 3/4"), "{finished}");

    let (_sandbox, mut session) = start();
    session.type_keys("\x03");
    let ended = interrupted(session.end(), "0");
    assert!(ended.stderr.contains("^C ending \"helm: unpack helm\""), "{ended}");
    assert!(!ended.stderr.contains("done  helm 2/4"), "{ended}");
}

#[test]
fn what_a_child_says_does_not_matter() {
    if !can_have_a_machine("what_a_child_says_does_not_matter") {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.stub("curl", stub(ARCHIVE, 0));
    sandbox.stub("tar", Stub { stdout: "", stderr: "tar: Exiting with failure", seconds: FOREVER, code: 2 });
    let mut session = TerminalSession::start(&helm_run(&sandbox));
    sandbox.wait_for_call("tar");
    session.type_keys("\x03");
    session.wait_for("^C stopping after");
    sandbox.hurry_stubs();
    interrupted(session.end(), "0");
}

#[test]
fn kill_counts_as_ctrl_c() {
    if !can_have_a_machine("kill_counts_as_ctrl_c") {
        return;
    }
    for (signal, name, code) in [(Signal::TERM, "SIGTERM", 143), (Signal::HUP, "SIGHUP", 129)] {
        let sandbox = Sandbox::new();
        sandbox.stub("curl", stub(ARCHIVE, FOREVER));
        let session = TerminalSession::start(&helm_run(&sandbox));
        sandbox.wait_for_call("curl");
        session.signal(signal);
        let outcome = session.end().expect(code);
        let told = format!("{name}: stopping after \"helm: helm archive\"\n");
        assert!(outcome.stderr.contains(&told), "{outcome}");
        let told = format!("interrupted: 0 of 1 components done; exit {code}");
        assert!(outcome.stderr.contains(&told), "{outcome}");
    }
}

/// By itself SIGQUIT would end the run in the middle of a change and leave a core file.
#[test]
fn a_change_is_finished_after_a_sigquit() {
    if !can_have_a_machine("a_change_is_finished_after_a_sigquit") {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.stub("curl", stub(ARCHIVE, 0));
    sandbox.stub("tar", stub("", FOREVER));
    let mut session = TerminalSession::start(&helm_run(&sandbox));
    sandbox.wait_for_call("tar");
    session.type_keys("\x1c");
    session.wait_for("stopping after \"helm: unpack helm\"");
    sandbox.hurry_stubs();
    let outcome = session.end().expect(131);
    assert!(outcome.stderr.contains("done  helm 2/4 unpack helm"), "{outcome}");
    let run = sandbox.only_run();
    assert_eq!((run.status().as_str(), &run.manifest()["exit_code"]), ("interrupted", &131.into()));
}

/// A host that does not answer during detection is not waited for either.
#[test]
fn before_anything_is_changed_there_is_nothing_to_undo() {
    let sandbox = Sandbox::new();
    sandbox.stub("exportfs", Stub::default());
    sandbox.stub("dpkg-query", stub("", FOREVER));
    let call = sandbox.dry_run("single-node").env("TELEMETRY_ENABLED", "false").env("TERM", "dumb");
    let mut session = TerminalSession::start(&call);
    sandbox.wait_for_call("dpkg-query");
    session.type_keys("\x03");
    let outcome = session.end().expect(130);
    assert!(outcome.stderr.ends_with("interrupted: nothing was changed; exit 130\n"), "{outcome}");
    assert!(!outcome.stderr.contains("resume:") && !outcome.stderr.contains("undo:"), "{outcome}");
}

/// The terminal is gone, so nobody can press anything a second time.
#[test]
fn a_hangup_ends_what_a_command_without_a_run_waits_for() {
    let sandbox = Sandbox::new();
    sandbox.stub("tar", stub("a part", FOREVER));
    let backup = sandbox.bootstrap(["backup", "saved"]).start();
    sandbox.wait_for_call("tar");
    backup.signal(Signal::HUP);
    let outcome = backup.end().expect(129);
    assert!(outcome.stderr.contains("the backup is not complete"), "{outcome}");
}

#[test]
fn a_failed_download_says_its_status_and_url() {
    if !can_have_a_machine("a_failed_download_says_its_status_and_url") {
        return;
    }
    let sandbox = Sandbox::new();
    for (name, code, said) in [
        ("download_404", 22, "curl: (22) The requested URL returned error: 404"),
        ("download_no_host", 6, "curl: (6) Could not resolve host: get.helm.sh"),
    ] {
        sandbox.stub("curl", Stub { stdout: "", stderr: said, seconds: 0, code });
        let outcome = helm_run(&sandbox).args(["-q"]).run().expect(1);
        sandbox.snapshot(name, &outcome.stderr.split_once("error: ").map_or("", |(_, error)| error));
    }
}
