//! The password of sudo: asked for once, and given up at the end, whichever end it is.

use tests::{Stub, TerminalSession, can_have_a_machine, on_a_machine, on_a_machine_with_k3s};

use super::{call, with_sudo};

#[test]
fn a_backup_that_is_interrupted_leaves_neither_the_password_nor_half_an_archive() {
    if !can_have_a_machine("a_backup_that_is_interrupted_leaves_neither_the_password_nor_half_an_archive") {
        return;
    }
    let sandbox = with_sudo();
    sandbox.file("../password", "", 0o600);
    sandbox.stub("tar", Stub { stdout: "a part", stderr: "", seconds: 3600, code: 0 });
    let mut session = TerminalSession::start(&on_a_machine(call(&sandbox, "backup saved")));
    session.wait_for("password");
    session.type_keys("secret\n");
    sandbox.wait_for_call("tar");
    session.type_keys("\x03");
    let outcome = session.end().expect(130);
    assert!(outcome.stderr.contains("the backup is not complete"), "{outcome}");
    assert!(!sandbox.cwd().join("saved.tar.gz").exists());
    assert_eq!(sandbox.calls_made().last().map(String::as_str), Some("sudo -k"));
}

#[test]
fn a_check_that_is_interrupted_gives_the_password_up() {
    if !can_have_a_machine("a_check_that_is_interrupted_gives_the_password_up") {
        return;
    }
    for words in ["verify --mode server", "as-bundle --root /nowhere --entry core -- validate"] {
        let sandbox = with_sudo();
        sandbox.file("../password", "", 0o600);
        sandbox.stub("systemctl", Stub { stdout: "", stderr: "", seconds: 3600, code: 0 });
        let scene = r#"echo '[Service]' >/run/systemd/system/k3s.service; exec "$@""#;
        let verify = call(&sandbox, words).through(["/bin/sh", "-euc", scene, "sh"]);
        let mut session = TerminalSession::start(&on_a_machine(verify));
        session.wait_for("password");
        session.type_keys("secret\n");
        sandbox.wait_for_call("systemctl");
        session.type_keys("\x03");
        session.end().expect(130);
        assert_eq!(sandbox.calls_made().last().map(String::as_str), Some("sudo -k"), "{words}");
    }
}

/// After the last answer there may be nobody who could type it again.
#[test]
fn a_run_of_the_layers_asks_for_the_password_once() {
    if !can_have_a_machine("a_run_of_the_layers_asks_for_the_password_once") {
        return;
    }
    let sandbox = with_sudo();
    sandbox.file("../password", "", 0o600);
    sandbox.stub("helm", Stub { stdout: "v3.21.0+g1", stderr: "", seconds: 0, code: 0 });
    let entry = "as-bundle --root /nowhere --entry bootstrap -- --mode server";
    let run = call(&sandbox, entry).env("PRODUCTIVE_K3S_RUNS_DIR", sandbox.runs_dir());
    // A directory that others may use holds no lock: the run ends before it could change anything.
    let run = run.through(["/bin/sh", "-euc", "/bin/mkdir -m 0777 /run/productive-k3s; exec \"$@\"", "sh"]);
    let mut session = TerminalSession::start(&on_a_machine_with_k3s(&sandbox, run, "v1.35.5+k3s1"));
    session.wait_for("password");
    // The password, and a yes to k3s, to helm and to the plan.
    session.type_keys("secret\ny\ny\ny\n");
    let outcome = session.end().expect(1);
    assert!(outcome.stdout.contains("Existing k3s installation detected"), "{outcome}");
    assert!(outcome.stderr.contains("/run/productive-k3s"), "root was had: {outcome}");
    let calls = sandbox.calls_made();
    assert_eq!(calls.iter().filter(|call| *call == "sudo -v").count(), 1, "{calls:?}");
    assert_eq!(calls.last().map(String::as_str), Some("sudo -k"), "{calls:?}");
}
