//! The form of the output: what goes where, how wide, in which colours, and as JSON.

use tests::{Invocation, Outcome, Sandbox, TerminalSession};

/// Commands that end by themselves, with the code they end with.
fn commands() -> [(&'static str, i32); 9] {
    [
        ("run --dry-run --mode single-node", 0),
        ("run --dry-run --mode stack", 0),
        ("run --dry-run --mode agent", 2),
        ("run --dry-run --mode serve", 2),
        ("telemetry status", 0),
        ("telemetry preview", 0),
        ("telemetry show", 0),
        ("telemetry purge --yes", 0),
        ("telemetry flush", 2),
    ]
}

fn call(sandbox: &Sandbox, line: &str) -> Invocation {
    sandbox.bootstrap(line.split_whitespace())
}

#[test]
fn json_is_exactly_one_document() {
    let sandbox = Sandbox::new();
    for (line, code) in commands() {
        let outcome = call(&sandbox, line).args(["--json"]).run().expect(code);
        let document = outcome.json();
        if code != 0 {
            assert_eq!(document["exit_code"], code, "{line}: {outcome}");
            assert!(document["error"].is_string(), "{line}: {outcome}");
            assert!(outcome.stderr.starts_with("error: "), "{line}: {outcome}");
        }
    }
}

#[test]
fn json_is_a_document_also_where_the_command_line_is_wrong() {
    let sandbox = Sandbox::new();
    for line in
        ["run --json --moed server", "run --dry-run --json --quiet --verbose", "telemetry show --json a b"]
    {
        let outcome = call(&sandbox, line).run().expect(2);
        assert_eq!(outcome.json()["exit_code"], 2, "{line}: {outcome}");
    }
}

#[test]
fn results_go_to_stdout_and_messages_to_stderr() {
    let sandbox = Sandbox::new();
    for (line, code) in commands() {
        let outcome = call(&sandbox, line).run().expect(code);
        assert_eq!(outcome.stdout.is_empty(), code != 0, "{line}: {outcome}");
        assert_eq!(outcome.stderr.is_empty(), code == 0, "{line}: {outcome}");
    }
    let warned = call(&sandbox, "run --dry-run").env("TELEMETRY_ENABLED", "certainly").run().expect(0);
    assert!(warned.stderr.starts_with("warning: ") && !warned.stdout.contains("warning"), "{warned}");
}

#[test]
fn lines_are_no_wider_than_a_terminal() {
    let sandbox = Sandbox::new();
    let mut calls: Vec<Invocation> = commands().iter().map(|(line, _)| call(&sandbox, line)).collect();
    for help in [
        "--help",
        "run --help",
        "preflight --help",
        "verify --help",
        "rollback --help",
        "telemetry --help",
        "validate --help",
    ] {
        calls.push(call(&sandbox, help));
    }
    calls.push(call(&sandbox, "preflight --mode single-node"));
    calls.push(call(&sandbox, "verify --mode single-node"));
    sandbox.file("bad.json", r#"{"platform":{"os_version":"10.0.0.1"},"hunter2":1}"#, 0o600);
    calls.push(call(&sandbox, "validate bad.json"));
    for call in calls {
        let outcome = call.run();
        for line in outcome.output().lines().filter(|line| line.chars().count() > 80) {
            // A URL or a path stands alone or behind its label, so that it can be copied.
            let rest: Vec<&str> = line.split_whitespace().filter(|word| !word.contains('/')).collect();
            let is_copied = line.contains('/') && rest.join(" ").len() < 60;
            assert!(is_copied, "{} columns: {line}", line.chars().count());
        }
    }
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let sandbox = Sandbox::new();
    let warning = |arguments: &[&str]| {
        sandbox
            .dry_run("server")
            .args(arguments)
            .envs([("TELEMETRY_ENABLED", "certainly"), ("TERM", "xterm")])
    };
    let coloured = |outcome: Outcome| {
        let outcome = outcome.expect(0);
        (outcome.stdout.contains('\x1b'), outcome.stderr.contains('\x1b'))
    };
    assert_eq!(coloured(warning(&[]).run()), (false, false), "no terminal");
    assert_eq!(coloured(warning(&["--color", "always"]).run()), (true, true));
    assert_eq!(coloured(TerminalSession::start(&warning(&[])).end()), (false, true), "stderr is a terminal");
    assert_eq!(coloured(TerminalSession::start(&warning(&["--color", "never"])).end()), (false, false));
    assert_eq!(coloured(TerminalSession::start(&warning(&[]).env("NO_COLOR", "1")).end()), (false, false));
    assert_eq!(coloured(TerminalSession::start(&warning(&[]).env("TERM", "dumb")).end()), (false, false));
}

#[test]
fn json_is_never_coloured() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.dry_run("server").args(["--json", "--color", "always"]).run().expect(0);
    assert_eq!(outcome.json()["status"], "success");
}

#[test]
fn quiet_says_less_and_verbose_does_not_break_the_result() {
    let sandbox = Sandbox::new();
    let plain = sandbox.dry_run("server").run().expect(0);
    let verbose = sandbox.dry_run("server").args(["-v"]).run().expect(0);
    assert_eq!(plain.stdout.lines().count(), verbose.stdout.lines().count(), "{verbose}");
    let quiet = sandbox.dry_run("server").args(["-q"]).env("TELEMETRY_ENABLED", "certainly").run().expect(0);
    assert_eq!(quiet.warnings().len(), 1, "a warning is told whatever -q says: {quiet}");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    use std::process::{Command, Stdio};
    let sandbox = Sandbox::new();
    let script = "\"$@\" | /usr/bin/head -n 1";
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", script, "sh"]).arg(tests::bootstrap()).args([
        "run",
        "--dry-run",
        "--mode",
        "single-node",
    ]);
    shell.env_clear().env("HOME", sandbox.home()).current_dir(sandbox.cwd()).stdin(Stdio::null());
    let output = shell.output().expect("a shell");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    assert_eq!(sandbox.only_run().status(), "success", "the record does not depend on who reads");
}

#[test]
fn help_and_version() {
    let sandbox = Sandbox::new();
    for (name, line) in
        [("help", "--help"), ("help_run", "run --help"), ("help_telemetry", "telemetry --help")]
    {
        sandbox.snapshot(name, &call(&sandbox, line).run().expect(0));
    }
    let version = call(&sandbox, "--version").run().expect(0);
    assert_eq!(version.stdout, format!("bootstrap {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure_and_one_that_nobody_reads_is_none() {
    let sandbox = Sandbox::new();
    for line in ["config-schema", "telemetry status", "run --dry-run --json"] {
        let call = sandbox.bootstrap(line.split_whitespace());
        let lost = call.through(["/bin/sh", "-c", "exec \"$@\" > /dev/full", "sh"]).run().expect(1);
        assert!(lost.stderr.contains("could not be written"), "{line}: {lost}");
    }
    let unread = sandbox.bootstrap(["config-schema"]);
    unread.through(["/bin/sh", "-c", "(\"$@\"; echo $? > code) | true", "sh"]).run().expect(0);
    assert_eq!(std::fs::read_to_string(sandbox.cwd().join("code")).expect("the code").trim(), "0");
}
