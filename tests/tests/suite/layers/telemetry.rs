//! Documents of a run that a layer above has started.

use tests::{Contract, Response, Sandbox, Server};

use super::{call, sandbox};

const SESSION: &str = "9f86d081884c7d65";
const PARENT: &str = "0123456789abcdef";

/// What infra exports: its own run id twice, and its own label.
fn started_by_infra(sandbox: &Sandbox, server: &Server, entry: &str) {
    let variables = [
        ("TELEMETRY_ENABLED", "true"),
        ("TELEMETRY_SESSION_ID", SESSION),
        ("TELEMETRY_RUN_ID", PARENT),
        ("TELEMETRY_PARENT_RUN_ID", PARENT),
        ("TELEMETRY_COMPONENT", "infra"),
    ];
    let run = call(sandbox, entry, ["--dry-run", "--mode", "server"]).envs(variables);
    run.env("TELEMETRY_ENDPOINT", server.url()).stdin("\n\n\n").run().expect(0);
    sandbox.wait_for_deliveries();
}

#[test]
fn a_chain_goes_on_with_the_session_and_the_parent() {
    let contract = Contract::published();
    for (entry, has_command) in [("core", true), ("bootstrap", false)] {
        let server = Server::start([Response::Status(202)]);
        let sandbox = sandbox();
        started_by_infra(&sandbox, &server, entry);
        let received = server.received();
        let run = sandbox.only_run();
        for request in &received {
            contract.check_telemetry(&request.json());
            assert_eq!(request.word("component"), "core", "the label of infra is not ours");
            assert_eq!(
                (request.word("session_id"), request.word("parent_run_id")),
                (SESSION.into(), PARENT.into())
            );
            assert_eq!(request.word("run_id"), run.id.as_str());
            assert_ne!(request.word("run_id"), PARENT);
        }
        let names: Vec<String> = received.iter().map(|request| request.word("event_name")).collect();
        let mut expected =
            vec!["core.bootstrap.server.started", "core.bootstrap.server.completed", "bootstrap.completed"];
        if has_command {
            expected.insert(0, "core.command.started");
            expected.push("core.command.completed");
        }
        assert_eq!(names, expected, "{entry}");
    }
}

#[test]
fn whoever_declined_above_is_not_asked_and_sends_nothing() {
    let server = Server::start([Response::Status(202)]);
    let sandbox = sandbox();
    let declined =
        [("TELEMETRY_ENABLED", "false"), ("TELEMETRY_SESSION_ID", ""), ("TELEMETRY_PARENT_RUN_ID", "")];
    let run = call(&sandbox, "core", ["--dry-run", "--mode", "server"]).envs(declined);
    let outcome = run.env("TELEMETRY_ENDPOINT", server.url()).stdin("\n\n\n").run().expect(0);
    sandbox.wait_for_deliveries();
    assert!(server.received().is_empty() && !outcome.output().contains("telemetry"), "{outcome}");
}

/// Records are in a directory that is called like the product, unless the environment says otherwise.
#[test]
fn the_user_agent_of_infra_is_sent_as_it_is() {
    let server = Server::start([Response::Status(202)]);
    let sandbox = sandbox();
    let run = call(&sandbox, "core", ["--dry-run", "--mode", "server"]).without("PRODUCTIVE_K3S_RUNS_DIR");
    let run = run.env("TELEMETRY_ENABLED", "true").env("TELEMETRY_ENDPOINT", server.url());
    let run = run.env("TELEMETRY_USER_AGENT", "productive-k3s-infra/onprem-basic");
    let outcome = run.stdin("\n\n\n").run().expect(0);
    assert!(!outcome.output().contains("TELEMETRY_USER_AGENT"), "{outcome}");
    sandbox.wait_for_deliveries();
    let received = server.received();
    assert!(!received.is_empty());
    for request in received {
        assert_eq!(request.header("user-agent"), Some("productive-k3s-infra/onprem-basic"));
    }
}
