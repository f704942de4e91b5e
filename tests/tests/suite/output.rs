//! The form of the output: which stream, how wide, in which colours, and as JSON.

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
fn json_is_one_document_also_where_events_stay_queued() {
    let sandbox = Sandbox::new();
    sandbox.dry_run("server").env("TELEMETRY_ENABLED", "false").run().expect(0);
    let manifest = sandbox.only_run().public;
    for endpoint in ["http://127.0.0.1:9/telemetry", "ftp://telemetry.example.org/x", ""] {
        let json = |line: &str| {
            let call = call(&sandbox, line).args(["--json"]);
            call.envs([("TELEMETRY_ENABLED", "true"), ("TELEMETRY_ENDPOINT", endpoint)])
        };
        let sent = json("telemetry send").args([&manifest]).env("TELEMETRY_MAX_RETRIES", "1");
        let flushed = json("telemetry flush").env("TELEMETRY_MAX_RETRIES", "1");
        for call in [sent, flushed] {
            let outcome = call.run().expect(1);
            assert!(outcome.json()["delivered"] == 0 && outcome.stderr.contains("error: "), "{outcome}");
            // What is wrong with the endpoint is told by the warning alone, which knows it.
            let is_empty_told = outcome.stderr.contains("is set but empty");
            assert_eq!(is_empty_told, endpoint.is_empty(), "{endpoint:?}: {outcome}");
        }
    }
}

/// A reader of JSON finds each field on a page, and a format to go by.
#[test]
fn the_pages_have_the_format_and_the_fields_of_each_document() {
    let page =
        |name: &str| std::fs::read_to_string(tests::workspace().join("docs").join(name)).expect("a page");
    let pages = page("reference.md") + &page("verify.md");
    let sandbox = Sandbox::new();
    sandbox.dry_run("server").env("TELEMETRY_ENABLED", "false").run().expect(0);
    let record = sandbox.only_run().public;
    for (line, format) in [
        ("preflight --mode server", Some("preflight/v1")),
        ("verify --mode server", Some("verify/v1")),
        ("backup --dry-run", Some("backup/v1")),
        ("clean", Some("clean/v1")),
        ("rollback --to", Some("rollback/v1")),
        ("rollback --to none.json", None),
        ("telemetry status", None),
        ("telemetry flush", None),
        ("telemetry purge --yes", None),
    ] {
        let call = call(&sandbox, line).args((line == "rollback --to").then_some(&record)).args(["--json"]);
        let outcome = call.env("TELEMETRY_ENABLED", "true").run();
        let document = outcome.json();
        assert_eq!(document["format"].as_str(), format, "{line}: {outcome}");
        assert!(format.is_none_or(|format| pages.contains(&format!("`\"format\": \"{format}\"`"))), "{line}");
        for key in document.as_object().expect("an object").keys() {
            assert!(pages.contains(&format!("`{key}`")), "{line}: {key} is on no page");
        }
    }
}

#[test]
fn json_states_the_exit_code_of_the_process() {
    let sandbox = Sandbox::new();
    let mut failed = 0;
    for line in [
        "run --dry-run --mode server",
        "run --dry-run --mode bogus",
        "run --dry-run --detailed-exitcode --mode server",
        "run --dry-run --detailed-exitcode --mode bogus",
        "run --dry-run --detailed-exitcode --moed server",
        "run --dry-run --detailed-exitcode --config none.yaml",
        "preflight --mode server --strict",
        "preflight --mode bogus",
        "verify --mode server",
        "verify --mode bogus",
        "rollback --to none.json",
        "clean --runs-dir cluster.yaml",
        "telemetry flush",
        "telemetry send none.json",
        "telemetry show none",
        "as-bundle --root none --entry preflight -- --mode agent --json-output",
        "as-bundle --root none --entry validate -- --json",
    ] {
        sandbox.file("cluster.yaml", "mode: server\n", 0o600);
        let call = if line.starts_with("as-bundle") {
            // A variable that nobody reads is a failure of any command, with a code of the entry points.
            call(&sandbox, line).env("PRODUCTIVE_K3S_DOMIAN", "x")
        } else {
            call(&sandbox, line).args(["--json"])
        };
        let outcome = call.run();
        assert_eq!(outcome.json()["exit_code"], outcome.code(), "{line}: {outcome}");
        failed += u32::from(outcome.code() != 0);
    }
    assert!(failed > 12, "{failed}: the codes of failures are what differs");
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
    assert!(warned.stderr.starts_with("warning: ") && !warned.stdout.contains("TELEMETRY"), "{warned}");
}

#[test]
fn lines_are_no_wider_than_the_terminal_and_whole_in_a_pipe() {
    let sandbox = Sandbox::new();
    // On a terminal an agent is asked for what is missing.
    let lines = commands().map(|(line, _)| line).into_iter().filter(|line| !line.contains("agent"));
    let mut calls: Vec<Invocation> = lines.map(|line| call(&sandbox, line)).collect();
    for line in [
        "--help",
        "run --help",
        "preflight --help",
        "verify --help",
        "rollback --help",
        "telemetry --help",
        "validate --help",
        "preflight --mode single-node",
        "verify --mode single-node",
        "run --dry-run --mode single-node -vv",
    ] {
        calls.push(call(&sandbox, line));
    }
    sandbox.file("bad.json", r#"{"platform":{"os_version":"10.0.0.1"},"hunter2":1}"#, 0o600);
    calls.push(call(&sandbox, "validate bad.json"));
    for call in calls {
        let call = call.env("TELEMETRY_ENABLED", "false");
        for columns in [80, 140] {
            let outcome = TerminalSession::start_wide(&call.clone().env("NO_COLOR", "1"), columns).end();
            for line in outcome.stderr.lines().filter(|line| line.chars().count() > columns.into()) {
                // A URL or a path is not broken, so that it can be copied.
                let rest: Vec<&str> = line.split_whitespace().filter(|word| !word.contains('/')).collect();
                let is_copied = line.contains('/') && rest.join(" ").len() < 60;
                assert!(is_copied, "{} columns: {line}", line.chars().count());
            }
        }
    }
    let piped = call(&sandbox, "run --dry-run --mode single-node -vv").run().expect(0);
    let longest = piped.stdout.lines().map(str::len).max().unwrap_or_default();
    assert!(longest > 200, "a pipe is not broken at any width: {piped}");
}

#[test]
fn every_plan_fits_a_screen_of_eighty_columns() {
    let sandbox = Sandbox::new();
    for mode in ["server", "stack", "single-node", "agent"] {
        let mut call = sandbox.dry_run(mode).env("TELEMETRY_ENABLED", "false").env("TERM", "xterm");
        if mode == "agent" {
            let token = sandbox.file("token", "hunter2-join-token\n", 0o600);
            call = call.args(["--agent-server-url", "https://k3s.example.local:6443", "--agent-token-file"]);
            call = call.args([token]);
        }
        for columns in [80, 140] {
            let outcome = TerminalSession::start_wide(&call, columns).end().expect(0);
            sandbox.snapshot(&format!("screen_{mode}_{columns}"), &outcome);
        }
        let outcome = TerminalSession::start_wide(&call.env("NO_COLOR", "1"), 80).end().expect(0);
        assert!(!outcome.stderr.contains('\x1b'), "{outcome}");
        let plan = outcome.stderr.split("Plan: ").nth(1).expect("a plan");
        assert!(plan.lines().count() < 24, "{outcome}");
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
fn quiet_says_less_and_verbose_adds_to_the_plan() {
    let sandbox = Sandbox::new();
    let plain = sandbox.dry_run("server").run().expect(0);
    let verbose = sandbox.dry_run("server").args(["-v"]).run().expect(0);
    let exact = sandbox.dry_run("server").args(["-vv"]).run().expect(0);
    for line in plain.stdout.lines().filter(|line| line.starts_with("  + ")) {
        assert!(verbose.stdout.contains(line) && exact.stdout.contains(line), "{line}: {verbose}");
    }
    assert!(plain.stdout.len() < verbose.stdout.len() && verbose.stdout.len() < exact.stdout.len());
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
    for (words, flag) in [
        ("help", "--help"),
        ("help run", "run --help"),
        ("help telemetry send", "telemetry send --help"),
        ("telemetry help send", "telemetry send --help"),
    ] {
        let (by_word, by_flag) = (call(&sandbox, words).run(), call(&sandbox, flag).run());
        assert_eq!(by_word.expect(0).stdout, by_flag.expect(0).stdout, "{words}");
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
