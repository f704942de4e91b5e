//! Secrets come from files, pipes and the environment, and appear nowhere: in no file, argument or output, not even in the
//! detached delivery, which does not need them.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{CWD, Mode};
use rustix::process::Signal;
use tests::{Response, Sandbox, Server, is_root, skip, tree};

use super::crash::in_the_middle;

const BEARER: (&str, &str) = ("TELEMETRY_BEARER_TOKEN", "hunter2-bearer");

/// The secrets that a run of a mode uses; those of other modes are refused.
const OF_AGENT: [(&str, &str); 2] = [("PRODUCTIVE_K3S_AGENT_TOKEN", "hunter2-agent"), BEARER];
const OF_SINGLE_NODE: [(&str, &str); 3] = [
    ("PRODUCTIVE_K3S_RANCHER_PASSWORD", "hunter2-rancher-password"),
    ("PRODUCTIVE_K3S_REGISTRY_PASSWORD", "hunter2-registry-password"),
    BEARER,
];

#[test]
fn secrets_are_nowhere_to_be_found() {
    if !is_root() {
        skip("secrets in the environment of a delivery", "it is closed to all but root");
    }
    let server = Server::start([Response::Never]);
    let modes = [
        ("agent --agent-server-url https://k3s.example.local:6443", &OF_AGENT[..]),
        ("single-node --registry-auth true --registry-user pusher", &OF_SINGLE_NODE),
    ];
    for (line, secrets) in modes {
        let (mode, inputs) = line.split_once(' ').expect("a mode and its inputs");
        for format in [&[][..], &["--json"], &["-v"], &["-vv"]] {
            let sandbox = Sandbox::new();
            let call =
                sandbox.dry_run(mode).args(inputs.split(' ')).args(format).envs(secrets.iter().copied());
            let call = call.envs([("TELEMETRY_ENABLED", "true"), ("TELEMETRY_ENDPOINT", &server.url())]);
            let outcome = call.run().expect(0);
            assert!(!outcome.output().contains("hunter2"), "{outcome}");
            look_at_the_deliveries(&sandbox);
            sandbox.kill_deliveries();
            for (path, entry) in tree(&sandbox.runs_dir(), None) {
                assert!(!String::from_utf8_lossy(&entry.content).contains("hunter2"), "{}", path.display());
            }
        }
    }
}

/// The deliveries hang on their endpoint, or wait for the one that does, so that there is time to look at them.
fn look_at_the_deliveries(sandbox: &Sandbox) {
    let deliveries = sandbox.deliveries();
    assert!(!deliveries.is_empty(), "nobody delivers");
    for pid in deliveries {
        let read = |name: &str| {
            let content = fs::read(format!("/proc/{pid}/{name}")).expect("it hangs");
            String::from_utf8_lossy(&content).into_owned()
        };
        let line = read("cmdline");
        assert!(line.contains("flush") && !line.contains("hunter2"), "{line}");
        // To all others it is closed.
        if is_root() {
            let environment = read("environ");
            assert!(environment.contains("TELEMETRY_ENDPOINT="), "{environment}");
            let is_told = ["PRODUCTIVE_K3S_", "password"].iter().any(|word| environment.contains(word));
            assert!(!is_told, "{environment}");
        }
    }
}

/// A core file would hold secrets. Of a process that leaves none, only root may read the environment and the memory: the
/// kernel gives its files below `/proc` to root, see `proc_pid(5)`.
#[test]
fn a_run_leaves_no_core_file_and_shows_the_user_nothing_of_its_memory() {
    let sandbox = Sandbox::unprivileged();
    let running = in_the_middle(&sandbox, &sandbox.dry_run("single-node"));
    let owner = |file: &str| {
        let path = format!("/proc/{}/{file}", running.pid());
        fs::metadata(path).expect("it runs").uid()
    };
    let owners = ["environ", "mem"].map(owner);
    running.signal(Signal::TERM);
    running.end().expect(143);
    assert_eq!(owners, [0, 0]);
}

#[test]
fn the_bearer_token_goes_to_the_endpoint_beside_the_marker() {
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    sandbox.reporting_run(&server).envs([BEARER]).run().expect(0);
    sandbox.wait_for_deliveries();
    assert_eq!(server.accepted().len(), 5);
    for request in server.accepted() {
        assert_eq!(request.header("Authorization"), Some("Bearer hunter2-bearer"));
        assert_eq!(request.header("X-Productive-K3S-Telemetry"), Some(schema::DEFAULT_MARKER));
    }
}

#[test]
fn the_bearer_token_does_not_go_to_another_machine_in_plain_text() {
    let sandbox = Sandbox::new();
    // The name does not resolve, so nothing is sent anywhere.
    let call = sandbox.bootstrap(["telemetry", "preview", "--json"]).envs([BEARER]);
    let outcome = call.env("TELEMETRY_ENDPOINT", "http://endpoint.invalid/telemetry").run().expect(0);
    assert_eq!(outcome.warnings().len(), 1, "{outcome}");
    assert!(
        !outcome.output().contains("Authorization") && !outcome.output().contains("hunter2"),
        "{outcome}"
    );
    let masked = call_over_tls(&sandbox);
    assert!(masked.contains("Bearer ********") && !masked.contains("hunter2"), "{masked}");
}

fn call_over_tls(sandbox: &Sandbox) -> String {
    let call = sandbox.bootstrap(["telemetry", "preview"]).envs([BEARER]);
    call.env("TELEMETRY_ENDPOINT", "https://endpoint.invalid/telemetry").run().expect(0).output()
}

#[test]
fn a_secret_that_cannot_be_used_is_not_repeated() {
    let sandbox = Sandbox::new();
    let agent = ["--agent-server-url", "https://k3s.example.local:6443"];
    let call = sandbox.dry_run("agent").args(agent).env("PRODUCTIVE_K3S_AGENT_TOKEN", "hunter2\nhunter2");
    let outcome = call.run().expect(2);
    assert!(
        outcome.stderr.contains("agent.token_file") && !outcome.output().contains("hunter2"),
        "{outcome}"
    );

    let sandbox = Sandbox::new();
    sandbox.file("token", "hunter2-agent\n", 0o644);
    let outcome = sandbox.dry_run("agent").args(agent).args(["--agent-token-file", "token"]).run().expect(0);
    assert_eq!(outcome.warnings().len(), 1, "others can read the file: {outcome}");
    assert!(!outcome.output().contains("hunter2"), "{outcome}");
}

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
    assert!(!outcome.output().contains("canary"), "{outcome}");
    let manifest = sandbox.only_run().manifest();
    assert_eq!(manifest["features"]["agent_cluster_token_provided"], true);
}

#[test]
fn a_pipe_that_nobody_writes_to_does_not_keep_a_signal_from_ending_it() {
    for option in ["--config", "--agent-token-file"] {
        let sandbox = Sandbox::new();
        pipe(&sandbox, "pipe");
        let running = sandbox.dry_run("agent").args(AGENT).args([option, "pipe"]).start();
        // Whether it already reads from the pipe cannot be seen from outside; if it does not, the signal is answered as
        // well.
        std::thread::sleep(Duration::from_millis(300));
        running.signal(Signal::TERM);
        running.end();
        assert!(!sandbox.runs_dir().exists(), "{option}: nothing is written");
    }
}
