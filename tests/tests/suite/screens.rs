//! What an operator sees of a run that changes the host: how it ends well, how it fails, how it is interrupted; and what a
//! verification and a preflight that fail look like. Each on terminals of 80 and 140 columns, and in a pipe.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::interrupt::{ARCHIVE, stub, sum};
use rustix::process::Signal;
use tests::{
    Invocation, Outcome, Sandbox, Stub, TerminalSession, can_have_a_machine, on_a_machine,
    on_a_machine_with_k3s,
};

/// What a stand-in for curl brings in the place of [`ARCHIVE`].
const OTHER_BYTES: &str = "another archive";

/// The member of the archive goes where it is told to.
const TAR: &str = r#"#!/bin/sh
while [ $# -gt 1 ]; do
    [ "$1" != --directory ] || to=$2
    shift
done
printf '#!/bin/sh\necho v3.21.0+g3d8990f\n' > "$to/helm"
"#;

/// Where a screen is.
#[derive(Clone, Copy)]
enum Screen {
    Terminal(u16),
    Pipe,
}

const SCREENS: [(&str, Screen); 3] =
    [("80 columns", Screen::Terminal(80)), ("140 columns", Screen::Terminal(140)), ("pipe", Screen::Pipe)];

/// What `show` gives on each screen, in a sandbox of its own.
fn each_screen(show: impl Fn(&Sandbox, Screen) -> Outcome) -> String {
    let mut text = String::new();
    for (title, screen) in SCREENS {
        let sandbox = Sandbox::new();
        let outcome = show(&sandbox, screen).to_string();
        let outcome = outcome.replace(&sandbox.root().display().to_string(), "[sandbox]");
        text.extend(["=== ", title, "\n", outcome.as_str(), "\n"]);
    }
    text
}

fn ended(call: &Invocation, screen: Screen, code: i32) -> Outcome {
    let outcome = match screen {
        Screen::Terminal(columns) => TerminalSession::start_wide(call, columns).end(),
        Screen::Pipe => call.run(),
    };
    outcome.expect(code)
}

/// A call that says what happens in plain lines, on a host of which a preflight warns.
fn call(sandbox: &Sandbox, line: &str) -> Invocation {
    sandbox.stub("timedatectl", stub("no", 0));
    let call = sandbox.bootstrap(line.split_whitespace());
    call.env("TELEMETRY_ENABLED", "false").env("TERM", "dumb")
}

/// A run of the server mode that installs helm alone.
fn helm_run(sandbox: &Sandbox) -> Invocation {
    sandbox.stub("curl", stub(ARCHIVE, 0));
    let line = "run --mode server --skip k3s --yes --accept-warnings";
    call(sandbox, line).env("PRODUCTIVE_K3S_CHECKSUMS_HELM", sum(sandbox))
}

#[test]
fn a_whole_run() {
    if !can_have_a_machine("a_whole_run") {
        return;
    }
    let text = each_screen(|sandbox, screen| {
        sandbox.stub("curl", stub(ARCHIVE, 0));
        let tar = sandbox.root().join("bin/tar");
        fs::write(&tar, TAR).expect("the sandbox is ours");
        fs::set_permissions(&tar, fs::Permissions::from_mode(0o755)).expect("the file is ours");
        let path = format!("{}:/usr/local/bin", sandbox.root().join("bin").display());
        let run = call(sandbox, "run --mode server --yes --accept-warnings").env("PATH", path);
        let run = run.env("PRODUCTIVE_K3S_CHECKSUMS_HELM", sum(sandbox));
        let outcome = ended(&on_a_machine_with_k3s(sandbox, run, "v1.35.5+k3s1"), screen, 0);
        assert_eq!(sandbox.only_run().status(), "success");
        outcome
    });
    Sandbox::new().snapshot_screen("run_whole", &text);
}

/// Each kind of failure, from the error on.
#[test]
fn a_failure_of_each_kind() {
    if !can_have_a_machine("a_failure_of_each_kind") {
        return;
    }
    let failed = |code, stderr| Stub { stdout: "", stderr, seconds: 0, code };
    let kinds = [
        ("download", "curl", failed(22, "curl: (22) The requested URL returned error: 404")),
        ("checksum", "curl", stub(OTHER_BYTES, 0)),
        (
            "command",
            "tar",
            failed(2, "tar: This does not look like a tar archive\ntar: Exiting with failure"),
        ),
    ];
    for (name, program, fails) in kinds {
        let text = each_screen(|sandbox, screen| {
            let run = helm_run(sandbox);
            sandbox.stub(program, fails);
            from_the_error(ended(&on_a_machine(run), screen, 1))
        });
        Sandbox::new().snapshot(&format!("failure_{name}"), &text);
    }
}

/// The last minutes of a wait for the lock of apt are not waited for here: the stand-in has waited.
#[test]
fn an_apt_that_is_busy() {
    if !can_have_a_machine("an_apt_that_is_busy") {
        return;
    }
    let text = each_screen(|sandbox, screen| {
        let stderr = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4242 (unattended-upgr)\n\
                      E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?";
        sandbox.stub("apt-get", Stub { stdout: "", stderr, seconds: 0, code: 100 });
        let token = sandbox.file("token", "hunter2-join-token\n", 0o600);
        let run = call(sandbox, "run --mode agent --skip k3s --longhorn-node true --yes --accept-warnings");
        let run = run.args(["--agent-server-url", "https://k3s.example.local:6443", "--agent-token-file"]);
        from_the_error(ended(&on_a_machine(run.args([token])), screen, 1))
    });
    Sandbox::new().snapshot("failure_apt", &text);
}

/// Colour repeats what the words say.
#[test]
fn a_failure_in_colour() {
    if !can_have_a_machine("a_failure_in_colour") {
        return;
    }
    let sandbox = Sandbox::new();
    let run = helm_run(&sandbox).args(["--color", "always"]);
    sandbox.stub("curl", stub(OTHER_BYTES, 0));
    let coloured = from_the_error(on_a_machine(run).run().expect(1));
    assert!(coloured.stderr.contains("\x1b["), "{coloured}");
    sandbox.snapshot("failure_in_colour", &coloured);
}

fn from_the_error(mut outcome: Outcome) -> Outcome {
    let start = outcome.stderr.find("error: ").unwrap_or_else(|| panic!("no error: {outcome}"));
    // What stands before it in its line is its colour.
    let start = outcome.stderr[..start].rfind('\n').map_or(0, |end| end + 1);
    outcome.stderr.replace_range(..start, "");
    outcome
}

#[test]
fn an_interrupted_run() {
    if !can_have_a_machine("an_interrupted_run") {
        return;
    }
    let text = each_screen(|sandbox, screen| {
        let run = helm_run(sandbox);
        // Longer than any call may take: what ends before has been ended.
        sandbox.stub("curl", stub(ARCHIVE, 3600));
        let run = on_a_machine(run);
        let outcome = match screen {
            Screen::Terminal(columns) => {
                let mut session = TerminalSession::start_wide(&run, columns);
                sandbox.wait_for_call("curl");
                session.type_keys("\x03");
                session.end()
            }
            Screen::Pipe => {
                let running = run.start();
                sandbox.wait_for_call("curl");
                running.signal(Signal::INT);
                running.end()
            }
        };
        // The key is echoed by the terminal, and our line is written over it.
        let mut outcome = outcome.expect(130);
        outcome.stderr = outcome.stderr.replace("^C\r", "\r").replace('\r', "");
        outcome
    });
    Sandbox::new().snapshot_screen("run_interrupted", &text);
}

#[test]
fn a_preflight_that_fails() {
    if !can_have_a_machine("a_preflight_that_fails") {
        return;
    }
    for (name, line) in
        [("preflight_of_run", "run --mode server --yes"), ("preflight", "preflight --mode server")]
    {
        let text = each_screen(|sandbox, screen| {
            let without_systemd = ["/bin/sh", "-c", "/bin/rmdir /run/systemd/system && exec \"$@\"", "sh"];
            ended(&on_a_machine(call(sandbox, line).through(without_systemd)), screen, 3)
        });
        Sandbox::new().snapshot_screen(&format!("failed_{name}"), &text);
    }
}

/// A k3s that runs, of which little else works, and no helm.
#[test]
fn a_verification_that_fails() {
    if !can_have_a_machine("a_verification_that_fails") {
        return;
    }
    let verify =
        |sandbox: &Sandbox, line: &str| on_a_machine_with_k3s(sandbox, call(sandbox, line), "v1.35.5+k3s1");
    let text = each_screen(|sandbox, screen| ended(&verify(sandbox, "verify --mode server"), screen, 1));
    let sandbox = Sandbox::new();
    sandbox.snapshot("failed_verify", &text);
    let coloured = verify(&sandbox, "verify --mode server --color always").run().expect(1);
    let plain = verify(&sandbox, "verify --mode server --color never").run().expect(1);
    sandbox.snapshot("failed_verify_in_colour", &coloured);
    // Whoever sees no colour reads the same.
    assert_eq!(without_colour(&coloured.stdout).replace("always", "never"), plain.stdout);
}

/// The text without `ESC [ .. m`.
fn without_colour(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or(part, |(_, rest)| rest))
}
