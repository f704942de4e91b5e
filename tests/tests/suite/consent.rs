//! Whether a run may report: what the environment says, and what the operator answers.

use std::time::Duration;

use rustix::process::Signal;
use tests::{Invocation, Outcome, Sandbox, TerminalSession, eventually};

/// Variables of the environment.
type Variables = &'static [(&'static str, &'static str)];

const QUESTION: &str = "Send anonymous telemetry for this run? [Y/n]";

/// The outcome of a run whose operator answered `keys`.
fn answered(keys: &str) -> (Sandbox, Outcome) {
    let sandbox = Sandbox::new();
    let mut session = TerminalSession::start(&sandbox.dry_run("server"));
    session.wait_for(QUESTION);
    session.type_keys(keys);
    let outcome = session.end();
    (sandbox, outcome)
}

fn reports(sandbox: &Sandbox) -> bool {
    let told = sandbox.only_run().manifest()["features"]["telemetry_enabled"].as_bool().expect("a boolean");
    // The manifest and the disk must agree: one without the other is a report without consent.
    assert_eq!(told, sandbox.outbox().exists(), "the outbox is there if and only if there is consent");
    told
}

#[test]
fn enter_and_y_mean_yes() {
    for keys in ["\n", "y\n", "Y\n", "yes\n", "perhaps\ny\n"] {
        let (sandbox, outcome) = answered(keys);
        outcome.expect(0);
        assert!(reports(&sandbox), "{keys:?}");
    }
}

#[test]
fn n_and_the_end_of_input_mean_no() {
    for keys in ["n\n", "N\n", "no\n", "\x04", "perhaps\n\x04"] {
        let (sandbox, outcome) = answered(keys);
        outcome.expect(0);
        assert!(!reports(&sandbox), "{keys:?}");
    }
}

#[test]
fn an_interrupt_means_no_and_ends_the_run() {
    let (sandbox, outcome) = answered("\x03");
    outcome.expect(130);
    assert!(!sandbox.outbox().exists());
    for run in sandbox.runs() {
        assert_eq!(run.status(), "interrupted");
    }
}

#[test]
fn the_question_says_what_is_sent_and_what_never() {
    let (sandbox, outcome) = answered("n\n");
    let question = outcome.stderr.split(QUESTION).next().expect("it was asked");
    sandbox.snapshot("consent_question", &question);
    assert_eq!(outcome.stderr.matches(QUESTION).count(), 1, "asked once: {outcome}");
}

#[test]
fn nobody_is_asked_where_the_answer_is_known() {
    let table: [(Variables, bool, usize); 10] = [
        (&[("TELEMETRY_ENABLED", "true")], true, 0),
        (&[("TELEMETRY_ENABLED", "On"), ("CI", "true"), ("DO_NOT_TRACK", "1")], true, 0),
        (&[("TELEMETRY_ENABLED", "false")], false, 0),
        (&[("TELEMETRY_ENABLED", "0")], false, 0),
        (&[("TELEMETRY_ENABLED", "certainly")], false, 1),
        (&[("DO_NOT_TRACK", "1")], false, 0),
        (&[("DO_NOT_TRACK", "true"), ("TELEMETRY_ENABLED", "")], false, 0),
        (&[("CI", "true")], false, 0),
        (&[("CI", "1"), ("DO_NOT_TRACK", "0")], false, 0),
        (&[("CI", "woodpecker"), ("TELEMETRY_ENABLED", "")], false, 0),
    ];
    for (variables, expected, warnings) in table {
        let sandbox = Sandbox::new();
        let call = sandbox.dry_run("server").envs(variables.iter().copied());
        let outcome = TerminalSession::start(&call).end();
        assert!(!outcome.stderr.contains("[Y/n]"), "{variables:?}: {outcome}");
        assert_eq!(outcome.warnings().len(), warnings, "{variables:?}: {outcome}");
        assert!(!outcome.stderr.contains("certainly"), "no value is repeated: {outcome}");
        outcome.expect(0);
        assert_eq!(reports(&sandbox), expected, "{variables:?}");
    }
}

#[test]
fn without_a_terminal_nobody_is_asked_and_nothing_is_sent() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.dry_run("server").stdin("y\n").run().expect(0);
    assert_eq!(outcome.stderr, "");
    assert!(!reports(&sandbox));
}

#[test]
fn a_missing_input_is_told_before_anybody_is_asked_for_consent() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.dry_run("agent").run().expect(2);
    assert!(
        outcome.stderr.contains("agent.server_url") && !outcome.stderr.contains("telemetry"),
        "{outcome}"
    );
}

#[test]
fn a_missing_input_is_asked_for_and_the_token_is_not_shown() {
    let sandbox = Sandbox::new();
    let mut session = TerminalSession::start(&decided(sandbox.dry_run("agent")));
    session.wait_for("URL of the server to join:");
    session.type_keys("http://k3s.example.local:6443\n");
    session.wait_for("must be an https URL");
    session.type_keys("https://k3s.example.local:6443\n");
    session.wait_for("(not shown):");
    session.type_keys("hunter2-join-token\n");
    let outcome = session.end().expect(0);
    assert!(!outcome.output().contains("hunter2"), "{outcome}");
}

#[test]
fn an_interrupted_question_writes_nothing() {
    for (keys, code) in [("\x03", 130), ("\x1c", 131), ("\x04", 4)] {
        let sandbox = Sandbox::new();
        let mut session = TerminalSession::start(&decided(sandbox.dry_run("agent")));
        session.wait_for("URL of the server to join:");
        session.type_keys(keys);
        session.end().expect(code);
        assert!(!sandbox.runs_dir().exists());
    }
}

/// The shell that the terminal goes back to would show nothing of what is typed there.
#[test]
fn a_terminal_shows_what_is_typed_after_an_interrupted_secret() {
    // The shell of the operator: when the leader of a session ends, the kernel resets the terminal.
    let shell =
        "trap : INT QUIT; \"$@\"; code=$?; echo 'ended: the shell reads' >&2; read -r line; exit $code";
    for (keys, code) in [("\x03", 130), ("\x1c", 131), ("\x04", 4)] {
        let sandbox = Sandbox::new();
        let call = decided(sandbox.dry_run("agent")).through(["/bin/sh", "-c", shell, "sh"]);
        let mut session = TerminalSession::start(&call);
        session.wait_for("URL of the server to join:");
        session.type_keys("https://k3s.example.local:6443\n");
        session.wait_for("(not shown):");
        assert!(eventually(Duration::from_mins(1), || !session.echoes()), "{}", session.screen());
        session.type_keys(keys);
        session.wait_for("ended: the shell reads");
        assert!(session.echoes(), "{}", session.screen());
        session.type_keys("\n");
        session.end().expect(code);
    }
}

#[test]
fn a_signal_at_the_question_is_obeyed() {
    let sandbox = Sandbox::new();
    let session = TerminalSession::start(&sandbox.dry_run("server"));
    session.wait_for(QUESTION);
    session.signal(Signal::TERM);
    session.end().expect(143);
    assert!(!sandbox.outbox().exists());
}

/// `call` with the question of consent answered, so that another question is the first.
fn decided(call: Invocation) -> Invocation {
    call.env("TELEMETRY_ENABLED", "false")
}

/// What makes a run impossible is reported before the operator types a URL and a token for it.
#[test]
fn the_host_is_checked_before_anything_is_asked() {
    if !tests::can_have_a_machine("the_host_is_checked_before_anything_is_asked") {
        return;
    }
    let sandbox = Sandbox::new();
    let call =
        tests::on_a_machine(decided(sandbox.bootstrap(["run", "--mode", "agent", "--accept-warnings"])));
    let mut session = TerminalSession::start(&call.clone().env("TERM", "dumb"));
    session.wait_for("URL of the server to join:");
    assert!(
        !session.screen().contains("not asked"),
        "what is asked next is no warning: {}",
        session.screen()
    );
    session.type_keys("\x03");
    session.end().expect(130);

    // A k3s server on the host excludes an agent.
    let sandbox = Sandbox::new();
    sandbox.stub("systemctl", tests::Stub { stdout: "active", stderr: "", seconds: 0, code: 0 });
    let unit = "/bin/mkdir -p /run/systemd/system && /bin/echo '[Unit]' >/run/systemd/system/k3s.service && exec \"$@\"";
    let call = decided(sandbox.bootstrap(["run", "--mode", "agent", "--accept-warnings"]));
    let call = tests::on_a_machine(call.through(["/bin/sh", "-c", unit, "sh"]));
    let outcome = TerminalSession::start(&call).end().expect(3);
    assert!(outcome.stderr.contains("FAIL  role"), "{outcome}");
    assert!(outcome.stderr.contains("error: preflight failed: role (nothing was changed)"), "{outcome}");
    assert!(!outcome.stderr.contains("URL of the server"), "{outcome}");
    assert_eq!(sandbox.only_run().manifest()["failure"]["reason"], "preflight_failed");
}
