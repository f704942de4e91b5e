//! Inputs that come through pipes, and pipes that nobody writes to.

use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode};
use rustix::process::Signal;
use tests::Sandbox;

const AGENT: [&str; 2] = ["--agent-server-url", "https://k3s.example.local:6443"];

fn pipe(sandbox: &Sandbox, name: &str) -> PathBuf {
    let path = sandbox.cwd().join(name);
    rustix::fs::mkfifoat(CWD, &path, Mode::from_raw_mode(0o600)).expect("a pipe");
    assert!(path.metadata().expect("it is there").file_type().is_fifo());
    path
}

#[test]
fn a_token_may_come_through_a_pipe() {
    let sandbox = Sandbox::new();
    let path = pipe(&sandbox, "token");
    let writer = std::thread::spawn(move || {
        std::fs::OpenOptions::new().write(true).open(path).map(|mut pipe| {
            use std::io::Write;
            pipe.write_all(b"K10canary-token\n")
        })
    });
    let outcome = sandbox.dry_run("agent").args(AGENT).args(["--agent-token-file", "token"]).run().expect(0);
    writer.join().expect("the writer ends").expect("opened").expect("written");
    assert!(!outcome.said().contains("canary"), "{outcome}");
    let manifest = sandbox.only_run().manifest();
    assert_eq!(manifest["features"]["agent_cluster_token_provided"], true);
}

#[test]
fn a_pipe_that_nobody_writes_to_does_not_keep_a_signal_from_ending_it() {
    for option in ["--config", "--agent-token-file"] {
        let sandbox = Sandbox::new();
        pipe(&sandbox, "pipe");
        let running = sandbox.dry_run("agent").args(AGENT).args([option, "pipe"]).start();
        std::thread::sleep(Duration::from_millis(300));
        let begun = Instant::now();
        running.signal(Signal::TERM);
        let outcome = running.end();
        assert!(begun.elapsed() < Duration::from_secs(20), "{option}: {outcome}");
        assert!(!sandbox.runs_dir().exists(), "{option}: nothing is written");
    }
}

/// Opting out must work whatever else is wrong in the environment.
#[test]
fn a_mistyped_input_does_not_keep_anybody_from_opting_out() {
    let sandbox = Sandbox::new();
    for line in ["telemetry status", "telemetry purge --yes"] {
        let call = sandbox.bootstrap(line.split_whitespace()).env("PRODUCTIVE_K3S_TLS_MODE", "letsencript");
        call.run().expect(0);
    }
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
