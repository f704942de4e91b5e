//! Runs that are interrupted, killed, or not alone.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tests::{Contract, Invocation, ReceivedRequest, Response, Running, Sandbox, Server, Stub, tree};

/// Longer than any run may take: what goes on is hurried, or ended, by the test.
const FOREVER: u32 = 3600;

/// A dry run in the middle of detection: the host does not say which packages it has before it is hurried. A unit of this
/// machine may be asked about earlier, before there is a record.
pub(crate) fn in_the_middle(sandbox: &Sandbox, call: &Invocation) -> Running {
    sandbox.stub("exportfs", Stub::default());
    sandbox.stub("dpkg-query", Stub { stdout: "installed", stderr: "", seconds: FOREVER, code: 0 });
    let running = call.start();
    sandbox.wait_for_call("dpkg-query");
    running
}

#[test]
fn signals_end_a_run_in_good_order() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)] {
        let sandbox = Sandbox::new();
        let running = in_the_middle(&sandbox, &sandbox.dry_run("single-node").args(["--json"]));
        let run = sandbox.only_run();
        assert_eq!(run.status(), "running", "{signal:?}");
        running.signal(signal);
        let outcome = running.end().expect(code);
        assert_eq!(outcome.json()["status"], "interrupted", "{signal:?}: {outcome}");
        let manifest = run.manifest();
        assert_eq!((&manifest["status"], &manifest["exit_code"]), (&"interrupted".into(), &code.into()));
        assert_eq!(run.context()["status"], "interrupted", "{signal:?}");
    }
}

#[test]
fn an_interrupted_run_with_consent_says_so() {
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    let call = sandbox.dry_run("single-node").env("TELEMETRY_ENABLED", "true");
    let running = in_the_middle(&sandbox, &call.env("TELEMETRY_ENDPOINT", server.url()));
    running.signal(Signal::TERM);
    running.end().expect(143);
    sandbox.wait_for_deliveries();
    let bodies: Vec<Value> = server.accepted().iter().map(ReceivedRequest::json).collect();
    assert_eq!(bodies.len(), 5, "{bodies:?}");
    for body in bodies {
        Contract::published().check_telemetry(&body);
        match body["event_name"].as_str().expect("a name") {
            "bootstrap.completed" => assert_eq!(body["manifest"]["status"], "interrupted"),
            name if name.ends_with(".completed") => assert_eq!(body["command"]["result"], "interrupted"),
            _ => assert_eq!(body["command"]["result"], "started"),
        }
    }
}

/// An upgrade replaces the program while a run is going on.
#[test]
fn a_run_whose_program_was_replaced_delivers_its_last_documents() {
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    let program = sandbox.root().join("program");
    std::fs::copy(tests::bootstrap(), &program).expect("the sandbox is ours");
    let call = sandbox.dry_run("single-node").env("TELEMETRY_ENABLED", "true");
    let instead = format!("shift; exec '{}' \"$@\"", program.display());
    let call = call.env("TELEMETRY_ENDPOINT", server.url()).through(["/bin/sh", "-c", &instead, "sh"]);
    let running = in_the_middle(&sandbox, &call);
    std::fs::remove_file(&program).expect("it is there");
    sandbox.hurry_stubs();
    running.end();
    sandbox.wait_for_deliveries();
    assert_eq!(server.accepted().len(), 5);
}

#[test]
fn a_killed_run_is_marked_by_the_next_start_and_a_living_one_is_not() {
    let sandbox = Sandbox::new();
    let running = in_the_middle(&sandbox, &sandbox.dry_run("single-node"));
    let run = sandbox.only_run();
    let other = sandbox.dry_run("server").run().expect(0);
    assert_eq!((other.stderr.as_str(), run.status().as_str()), ("", "running"));

    running.signal(Signal::KILL);
    sandbox.hurry_stubs();
    running.end();
    assert_eq!(run.status(), "running", "nobody was left to write it down");
    let next = sandbox.dry_run("server").run().expect(0);
    assert_eq!(next.warnings().len(), 1, "{next}");
    assert!(next.warnings()[0].contains(&run.id), "{next}");
    let manifest = run.manifest();
    Contract::published().check_manifest(&manifest);
    assert_eq!((&manifest["status"], &manifest["exit_code"]), (&"interrupted".into(), &137.into()));
    assert_eq!(run.context()["status"], "interrupted");
    let after = sandbox.dry_run("server").run().expect(0);
    assert_eq!(after.stderr, "", "it is told once");
}

#[test]
fn runs_at_once_do_not_disturb_each_other() {
    let sandbox = Sandbox::new();
    let call = sandbox.dry_run("single-node").args(["--json"]);
    let running: Vec<Running> = (0..6).map(|_| call.start()).collect();
    for run in running {
        let outcome = run.end().expect(0);
        assert_eq!((outcome.json()["status"].as_str(), outcome.stderr.as_str()), (Some("success"), ""));
    }
    let runs = sandbox.runs();
    assert_eq!((runs.len(), tree(&sandbox.runs_dir(), None).len()), (6, 18), "three files each and no other");
    assert!(runs.iter().all(|run| run.status() == "success"));
}

#[test]
fn runs_at_once_with_the_same_id_have_files_of_their_own() {
    let sandbox = Sandbox::new();
    let call = sandbox.dry_run("server").env("TELEMETRY_RUN_ID", "0123456789abcdef");
    let running: Vec<Running> = (0..4).map(|_| call.start()).collect();
    let warned: usize = running.into_iter().map(|run| run.end().expect(0).warnings().len()).sum();
    assert_eq!((warned, sandbox.runs().len()), (3, 4));
}

#[test]
fn killed_at_any_moment_a_run_leaves_whole_files() {
    let sandbox = Sandbox::new();
    let contract = Contract::published();
    for round in 0..20 {
        let running = sandbox.dry_run("single-node").start();
        // A moment that is not chosen by any event of the run, which is the point.
        std::thread::sleep(Duration::from_millis(round * 2));
        running.signal(Signal::KILL);
        running.end();
        for run in sandbox.runs().into_iter().filter(|run| run.public.exists()) {
            contract.check_manifest(&run.manifest());
            assert!(run.context().is_object());
        }
    }
    sandbox.dry_run("server").run().expect(0);
    for run in sandbox.runs().into_iter().filter(|run| run.public.exists()) {
        assert_ne!(run.status(), "running");
    }
    let strays = tree(&sandbox.runs_dir(), None)
        .into_keys()
        .filter(|path| !path.to_string_lossy().starts_with("bootstrap-"));
    assert_eq!(strays.count(), 0, "temporary files of the dead are swept");
}
