//! Ids from the environment: what may not be sent is replaced, with one warning that does not repeat it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use tests::{Act, Sandbox, Server};

const EVIL: [&str; 8] = [
    "../../canary",
    "canary.canary",
    "canary canary",
    "canary\ncanary",
    "-canary",
    "canary\u{e9}",
    "/canary",
    "canary-is-as-long-as-an-id-may-be-and-one-character-longer-than-it",
];

#[test]
fn evil_ids_are_replaced() {
    let server = Server::start([Act::Status(202)]);
    for variable in ["TELEMETRY_SESSION_ID", "TELEMETRY_RUN_ID", "TELEMETRY_PARENT_RUN_ID"] {
        for evil in EVIL {
            let sandbox = Sandbox::new();
            let outcome = sandbox.reporting_run(&server).env(variable, evil).run().expect(0);
            let warnings = outcome.warnings();
            assert_eq!(warnings.len(), 1, "{variable} {evil:?}: {outcome}");
            assert!(warnings[0].starts_with(variable), "{variable} {evil:?}: {outcome}");
            assert!(!outcome.said().contains("canary"), "{variable} {evil:?}: {outcome}");
            for (path, entry) in tests::tree(&sandbox.runs_dir(), None) {
                let content = String::from_utf8_lossy(&entry.content);
                assert!(!content.contains("canary"), "{}: {content}", path.display());
                assert!(!path.display().to_string().contains("canary"), "{}", path.display());
            }
            sandbox.kill_deliveries();
        }
    }
    for request in server.received() {
        assert!(!String::from_utf8_lossy(&request.body).contains("canary"));
    }
}

#[test]
fn an_id_that_is_no_text_is_replaced() {
    let sandbox = Sandbox::new();
    let id = OsString::from_vec(b"canary\xff".to_vec());
    let outcome = sandbox.dry_run("server").env("TELEMETRY_RUN_ID", id).run().expect(0);
    assert_eq!(outcome.warnings().len(), 1, "{outcome}");
    assert!(!outcome.said().contains("canary") && !sandbox.only_run().id.contains("canary"), "{outcome}");
}

#[test]
fn the_ids_of_a_chain_go_on() {
    let server = Server::start([Act::Status(202)]);
    let sandbox = Sandbox::new();
    let ids = [
        ("TELEMETRY_SESSION_ID", "9f86d081884c7d65"),
        ("TELEMETRY_RUN_ID", "0123456789abcdef"),
        ("TELEMETRY_PARENT_RUN_ID", "20261122-075002-3078-565430571"),
    ];
    sandbox.reporting_run(&server).envs(ids).run().expect(0);
    sandbox.settle();
    let run = sandbox.only_run().id;
    assert_ne!(run, "0123456789abcdef", "a delegated run has its own id");
    let received = server.accepted();
    assert_eq!(received.len(), 5);
    for request in received {
        assert_eq!(request.word("session_id"), "9f86d081884c7d65");
        assert_eq!(request.word("parent_run_id"), "20261122-075002-3078-565430571");
        assert_eq!(request.word("run_id"), run);
    }
}

#[test]
fn an_id_is_used_once() {
    let sandbox = Sandbox::new();
    let call = sandbox.dry_run("server").env("TELEMETRY_RUN_ID", "0123456789abcdef");
    call.run().expect(0);
    let first = sandbox.only_run();
    let before = first.manifest();
    assert_eq!(first.id, "0123456789abcdef");
    let outcome = call.run().expect(0);
    assert_eq!(outcome.warnings().len(), 1, "{outcome}");
    assert_eq!((sandbox.runs().len(), first.manifest()), (2, before), "the first record is as it was");
}
