//! How often a run waits for the disk. A slow disk takes tens of milliseconds for each wait.

use std::collections::BTreeMap;
use std::fs;

use tests::{
    Invocation, Outcome, Sandbox, can_have_a_machine, k3s_images, on_a_machine, program, skip, tree,
};

const WAITS: [&str; 2] = ["fsync(", "fdatasync("];

/// Succeeds without installing anything: a run proceeds up to its service and no further.
const SCRIPT: &str = "#!/bin/sh\nexit 0\n";

/// Runs the call, and counts the waits of its process with telemetry off and on. `None` where tracing is not allowed.
fn waits(test: &str, prepare: impl Fn(&Sandbox) -> Invocation, code: i32) -> Option<[usize; 2]> {
    let Some(strace) = program("strace") else {
        skip(test, "there is no strace");
        return None;
    };
    let mut counts = BTreeMap::new();
    for telemetry in ["false", "true"] {
        let sandbox = Sandbox::new();
        let output = sandbox.root().join("trace");
        // Without -f: the process that delivers may wait as long as it likes.
        let words = [strace.as_os_str(), "-e".as_ref(), "trace=fsync,fdatasync".as_ref(), "-o".as_ref()];
        let call = prepare(&sandbox).env("TELEMETRY_ENABLED", telemetry);
        let call = call.env("TELEMETRY_ENDPOINT", "http://127.0.0.1:9/");
        let outcome: Outcome =
            on_a_machine(call.through(words.into_iter().chain([output.as_os_str()]))).run();
        if outcome.stderr.contains("ptrace") || outcome.stderr.contains("PTRACE") {
            skip(test, "this machine does not allow tracing");
            return None;
        }
        outcome.expect(code);
        let trace = fs::read_to_string(&output).expect("traced");
        let found = trace.lines().filter(|line| WAITS.iter().any(|call| line.contains(call))).count();
        counts.insert(telemetry, found);
        sandbox.wait_for_deliveries();
        let queued = if telemetry == "true" { 5 } else { 0 };
        assert_eq!(sandbox.queued().len(), queued, "{:?}", tree(&sandbox.runs_dir(), None).keys());
    }
    Some([counts["false"], counts["true"]])
}

/// Of a dry run, only the last state must survive a power failure: two records, each synced with its directory.
#[test]
fn a_dry_run_waits_for_the_disk_six_times_at_most_with_telemetry_and_without() {
    const TEST: &str = "a_dry_run_waits_for_the_disk_six_times_at_most_with_telemetry_and_without";
    if !can_have_a_machine(TEST) {
        return;
    }
    let Some([without, with]) = waits(TEST, |sandbox| sandbox.dry_run("single-node").args(["--yes"]), 0)
    else {
        return;
    };
    assert!((1..=6).contains(&without), "{without} waits");
    assert_eq!(with, without, "no run waits for the disk on account of telemetry");
}

/// A run that changes the host records each step before and after it, and that must survive a power failure.
#[test]
fn a_run_waits_for_the_disk_as_often_with_telemetry_as_without() {
    const TEST: &str = "a_run_waits_for_the_disk_as_often_with_telemetry_as_without";
    if !can_have_a_machine(TEST) {
        return;
    }
    let run = |sandbox: &Sandbox| {
        std::os::unix::fs::symlink("/bin/sh", sandbox.root().join("bin/sh")).expect("ours");
        let artifacts = sandbox.cwd().join("artifacts");
        fs::create_dir(&artifacts).expect("ours");
        fs::write(artifacts.join("k3s"), "#!/bin/sh\necho 'k3s version v1.35.5+k3s1 (abc)'\n").expect("ours");
        fs::write(artifacts.join("install.sh"), SCRIPT).expect("ours");
        fs::write(artifacts.join(k3s_images()), "images").expect("ours");
        let sums = std::process::Command::new("sha256sum")
            .args(["k3s", "install.sh", k3s_images()])
            .current_dir(&artifacts)
            .output();
        fs::write(artifacts.join("SHA256SUMS"), sums.expect("coreutils").stdout).expect("ours");
        let call = sandbox.bootstrap(["run", "--mode", "server", "--yes", "--accept-warnings"]);
        call.args(["--skip", "helm", "--artifacts-dir"]).args([artifacts])
    };
    let Some([without, with]) = waits(TEST, run, 1) else { return };
    assert!(without > 6, "the steps before the failure are written down: {without} waits");
    assert_eq!(with, without, "no run waits for the disk on account of telemetry");
}
