//! What speaks against the node of this host, while another one is fine.

use super::faults::only;
use super::*;
use bootstrap::step::{Condition, NodeFault, Unmet};

const NODE: &str = "stub/api/api/v1/nodes/node.json";
const LEASE: &str = "stub/api/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node.json";

/// A host with a server that works, and another node that is Ready.
fn with_another_node() -> StubHost {
    let stub = StubHost::fresh().with_server();
    stub.put(
        "stub/api/api/v1/nodes/other.json",
        stub.text(NODE).replace("\"name\":\"node\"", "\"name\":\"other\""),
    );
    stub
}

fn fault(stub: &StubHost) -> NodeFault {
    let condition = Condition::ThisNode { service: "k3s".to_owned(), server_url: None };
    match condition.observe(&stub.host()) {
        Err(Unmet::Node(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

/// Replaces a part of an object of the API server.
fn edit(stub: &StubHost, path: &str, from: &str, to: &str) {
    let text = stub.text(path);
    assert!(text.contains(from), "{text}");
    stub.put(path, text.replace(from, to));
}

#[test]
fn another_node_that_is_ready_says_nothing_of_this_one() {
    let stub = with_another_node();
    edit(
        &stub,
        NODE,
        "\"status\":\"True\"",
        "\"status\":\"Unknown\",\"message\":\"Kubelet stopped posting node status.\"",
    );
    assert!(matches!(fault(&stub), NodeFault::NotReady { name, reason: Some(_) } if name == "node"));
    std::fs::remove_file(stub.path(NODE)).expect("was there");
    assert_eq!(fault(&stub), NodeFault::Absent("node".to_owned()));
}

#[test]
fn ready_alone_may_be_what_nobody_has_corrected_yet() {
    let stub = with_another_node();
    stub.put(LEASE, r#"{"spec":{"renewTime":"2026-01-01T00:00:00.000000Z"}}"#);
    assert_eq!(fault(&stub), NodeFault::LeaseStale("node".to_owned()));
    std::fs::remove_file(stub.path(LEASE)).expect("was there");
    assert_eq!(fault(&stub), NodeFault::LeaseStale("node".to_owned()));
}

/// Seen with a real k3s that had been stopped for a moment: it passed as Ready, and was not a second later.
#[test]
fn ready_of_the_former_start_is_not_that_of_this_one() {
    let stub = with_another_node();
    let text = stub.text(NODE);
    let reported = text.split("\"lastHeartbeatTime\":\"").nth(1).and_then(|rest| rest.get(..20));
    edit(&stub, NODE, reported.expect("as a kubelet does"), "2026-01-01T00:00:00Z");
    assert_eq!(fault(&stub), NodeFault::ReportStale("node".to_owned()));
}

/// A kubelet reports before k3s tells systemd that it is up, and then for five minutes not again.
#[test]
fn a_report_from_before_the_service_was_active_is_of_this_start() {
    let stub = with_another_node();
    stub.put("stub/services/k3s.started", "1700000000\n");
    stub.put("stub/services/k3s.since", "1700000020\n");
    let text = stub.text(NODE);
    let reported = text.split("\"lastHeartbeatTime\":\"").nth(1).and_then(|rest| rest.get(..20));
    edit(&stub, NODE, reported.expect("as a kubelet does"), "2023-11-14T22:13:30Z");
    let condition = Condition::ThisNode { service: "k3s".to_owned(), server_url: None };
    assert_eq!(condition.observe(&stub.host()), Ok(()));
}

#[test]
fn a_kubelet_that_does_not_answer_here_is_not_healthy() {
    let stub = with_another_node();
    std::fs::remove_file(stub.path("stub/kubelet-is-healthy")).expect("was there");
    let fault = fault(&stub);
    assert!(
        matches!(fault, NodeFault::Kubelet(_)) && fault.to_string().contains("10248 was refused"),
        "{fault}"
    );
}

#[test]
fn a_node_of_the_same_name_on_another_host_is_not_this_one() {
    for (from, to, differs) in [
        ("\"address\":\"10.0.0.5\"", "\"address\":\"10.0.0.6\"", "address"),
        ("\"machineID\":\"this-machine\"", "\"machineID\":\"another\"", "machine id"),
    ] {
        let stub = with_another_node();
        edit(&stub, NODE, from, to);
        assert!(matches!(fault(&stub), NodeFault::OtherHost { what, .. } if what == differs), "{differs}");
    }
    // What is not known speaks against nothing.
    let stub = with_another_node();
    edit(&stub, NODE, "\"machineID\":\"this-machine\"", "\"machineID\":\"\"");
    let condition = Condition::ThisNode { service: "k3s".to_owned(), server_url: None };
    assert_eq!(condition.observe(&stub.host()), Ok(()));
}

#[test]
fn a_host_that_has_not_joined_has_no_certificate() {
    let stub = with_another_node();
    std::fs::remove_file(stub.path("var/lib/rancher/k3s/agent/client-kubelet.crt")).expect("was there");
    assert_eq!(fault(&stub), NodeFault::NotJoined);
}

#[test]
fn a_server_whose_node_does_not_work_is_not_installed_and_is_repaired_by_the_next_run() {
    let stub = StubHost::fresh();
    stub.put("stub/node-not-ready", "");
    let settings = only(Component::K3s);
    let failed = run_in_vain(&stub, &settings);
    assert_eq!(failed.failure().reason, FailureReason::VerificationFailed);
    assert!(failed.failure().message.contains("node node is not Ready"), "{}", failed.failure().message);
    std::fs::remove_file(stub.path("stub/node-not-ready")).expect("was there");
    stub.put("stub/services/k3s.since", "1000\n");
    assert_eq!(run(&stub, &settings).first(), ComponentResult::Configured);
}

#[test]
fn a_program_of_another_version_is_never_started() {
    let stub = StubHost::fresh();
    stub.put("stub/k3s-version", "v1.21.2+k3s1");
    let ran = run(&stub, &only(Component::K3s));
    let failure = ran.failure();
    assert_eq!(failure.reason, FailureReason::VerificationFailed);
    assert!(
        failure.message.contains("/usr/local/bin/k3s is v1.21.2+k3s1, not v1.35.5+k3s1"),
        "{}",
        failure.message
    );
    assert!(!stub.path("etc/systemd/system/k3s.service").exists());
}
