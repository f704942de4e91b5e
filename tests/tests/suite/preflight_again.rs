//! The preflight of a run that asks for inputs: it is made before the questions and, for what the answers change, once more
//! after them. What was told and accepted once is not told again.

use std::time::Duration;

use tests::{Invocation, Sandbox, Stub, TerminalSession, can_have_a_machine, eventually, on_a_machine};

const URL: &str = "https://k3s.example.local:6443";

/// A run of the agent mode on a host whose clock is not synchronised, which is asked for its server and its token.
fn agent_run(sandbox: &Sandbox, curl: Stub<'_>) -> Invocation {
    sandbox.stub("timedatectl", Stub { stdout: "no", stderr: "", seconds: 0, code: 0 });
    sandbox.stub("curl", curl);
    let call = sandbox.bootstrap(["run", "--mode", "agent", "--yes"]);
    on_a_machine(call.env("TELEMETRY_ENABLED", "false").env("TERM", "dumb"))
}

/// Accepts the warnings and answers both questions.
fn answered(call: &Invocation) -> TerminalSession {
    let mut session = TerminalSession::start(call);
    session.wait_for("Continue despite the warnings? [y/N]");
    let told = session.screen();
    assert!(told.contains("  warn  clock "), "{told}");
    assert!(!told.contains("  warn  server "), "what is not known yet is not checked: {told}");
    session.type_keys("y\n");
    session.wait_for("URL of the server to join:");
    session.type_keys(&format!("{URL}\n"));
    session.wait_for("(not shown):");
    session.type_keys("hunter2-join-token\n");
    session
}

/// What was told after the last question.
fn told_again(screen: &str) -> &str {
    screen.split("(not shown):").nth(1).expect("the token was asked for")
}

#[test]
fn what_the_answers_rule_out_ends_the_run_and_nothing_else_is_told_twice() {
    const TEST: &str = "what_the_answers_rule_out_ends_the_run_and_nothing_else_is_told_twice";
    if !can_have_a_machine(TEST) {
        return;
    }
    let sandbox = Sandbox::new();
    let refused = Stub { stdout: "", stderr: "curl: (7) Failed to connect", seconds: 0, code: 7 };
    let outcome = answered(&agent_run(&sandbox, refused)).end().expect(3);
    let again = told_again(&outcome.stderr);
    assert!(again.contains("Preflight: 1 failed\n  FAIL  server "), "{outcome}");
    assert!(again.contains("error: preflight failed: server (nothing was changed)"), "{outcome}");
    assert_eq!(outcome.stderr.matches("  warn  clock ").count(), 1, "{outcome}");
    assert!(!again.contains("  warn  "), "what was accepted is not told again: {outcome}");
    let manifest = sandbox.only_run().manifest();
    assert_eq!((&manifest["status"], &manifest["exit_code"]), (&"failed".into(), &3.into()), "on record");
}

#[test]
fn only_the_warnings_that_the_answers_bring_are_asked_about() {
    if !can_have_a_machine("only_the_warnings_that_the_answers_bring_are_asked_about") {
        return;
    }
    // A server whose clock has stopped; to the stand-in every request is the same.
    let server = "HTTP/1.1 200 OK\r\nDate: Wed, 01 Jul 2026 00:00:00 GMT\r\n\r\n\
                  -----BEGIN CERTIFICATE-----\nBgNVBAMMEHN5c3RlbTpub2RlOm5vZGU=\n-----END CERTIFICATE-----\n";
    for (answer, code) in [("n", 4), ("\x03", 130)] {
        let sandbox = Sandbox::new();
        let server = Stub { stdout: server, stderr: "", seconds: 0, code: 0 };
        let mut session = answered(&agent_run(&sandbox, server));
        let asked = || session.screen().matches("Continue despite the warnings? [y/N]").count() == 2;
        assert!(eventually(Duration::from_secs(30), asked), "{}", session.screen());
        session.type_keys(&format!("{answer}\n"));
        let outcome = session.end().expect(code);
        let again = told_again(&outcome.stderr);
        assert!(again.contains("Preflight: 1 warning, 1 ok\n  warn  clock "), "{outcome}");
        assert!(again.contains("that of the server"), "{outcome}");
        assert!(!again.contains("not synchronised"), "what was accepted is not told again: {outcome}");
        let calls = sandbox.calls_made().join("\n");
        assert!(!calls.contains("hunter2"), "no argument tells the token: {calls}");
        assert!(!outcome.output().contains("hunter2"), "{outcome}");
    }
}
