//! Steps that fail, and what is said of them.

use super::*;
use bootstrap::host::Command;
use bootstrap::step::{Action, Step};
use schema::FailureReason;

#[test]
fn whichever_command_fails_the_run_says_so_and_the_next_one_completes() {
    for_each_component(|component| {
        let settings = only(component);
        let calls = {
            let stub = prepared(component);
            run(&stub, &settings).results();
            stub.calls().len()
        };
        assert!(calls > 0);
        for number in 1..=calls {
            let stub = prepared(component);
            stub.fail_at(number);
            let ran = run_in_vain(&stub, &settings);
            let call = stub.calls().get(number - 1).cloned().unwrap_or_default();
            if ran.result.is_ok() {
                assert!(tolerated(&call), "nobody noticed that this failed: {call}");
            }
            stub.forget_calls();
            run(&stub, &settings).result.unwrap_or_else(|error| {
                panic!("after the failure of {call}, the next run fails: {error:?}");
            });
            let actions = actions(&stub, &settings);
            assert!(
                actions.iter().all(|action| matches!(action, PlannedAction::Reuse | PlannedAction::Skip))
            );
        }
    });
}

/// A refresh of package lists that fails is no failure if the package can be had; questions about a service are asked
/// again while waiting, or answered by doing what they were about.
fn tolerated(call: &str) -> bool {
    [
        "apt-get [update]",
        "systemctl [is-active]",
        "systemctl [is-enabled]",
        "systemctl [show]",
        "k3s [--version]",
        "getent",
        "exportfs [-v]",
        "dpkg-query",
    ]
    .iter()
    .any(|question| call.starts_with(question))
        || call.contains("[get] [--raw]")
        || call.starts_with("helm [status]")
        || call.starts_with("helm [version]")
        || call.contains("[--dry-run=server]")
        || call.contains("[--request] [POST]")
}

#[test]
fn a_failed_command_is_told_with_its_last_lines() {
    let stub = StubHost::fresh();
    let installer = "echo progress; echo 'no space left' >&2; exit 3";
    replace_installer(&stub, installer);
    let ran = run(&stub, &only(Component::K3s));
    let failure = ran.failure();
    assert_eq!(failure.reason, FailureReason::CommandFailed);
    assert_eq!(failure.step, "run the k3s install script");
    assert!(failure.message.ends_with("ended with exit code 3"), "{}", failure.message);
    assert_eq!(failure.tail, ["no space left"]);
    assert_eq!(ran.journal.steps().last().map(|step| step.state), Some(StepState::Failed));
}

#[test]
fn zero_pods_and_zero_replicas_are_not_ready() {
    let stub = StubHost::fresh().with_server();
    let settings = only(Component::Longhorn);
    run(&stub, &settings).results();
    std::fs::remove_file(stub.path("stub/api/api/v1/namespaces/longhorn-system/pods/pod.json")).expect("pod");
    let ran = run_in_vain(&stub, &settings);
    assert_eq!(ran.failure().reason, FailureReason::VerificationFailed);
    assert!(ran.failure().message.contains("0 of 0 pods Ready"), "{}", ran.failure().message);

    let settings = only(Component::Rancher);
    run(&stub, &settings).results();
    let deployment = "stub/api/apis/apps/v1/namespaces/cattle-system/deployments/rancher.json";
    stub.put(deployment, r#"{"metadata":{"name":"rancher"},"spec":{"replicas":0},"status":{}}"#);
    assert!(run_in_vain(&stub, &settings).failure().message.contains("0 of 0 replicas available"));
}

#[test]
fn an_api_server_that_does_not_answer_stops_the_run_before_anything_is_changed() {
    for fault in [
        "Error from server (InternalError): an error on the server has prevented the request from succeeding",
        "Unable to connect to the server: net/http: TLS handshake timeout",
        "error: You must be logged in to the server (Unauthorized)",
    ] {
        let stub = StubHost::fresh().with_server();
        stub.put("stub/api-fault", fault);
        let before = tree(&stub);
        let ran = run(&stub, &settings(Mode::Stack));
        assert!(ran.failure().message.contains(fault), "{}", ran.failure().message);
        assert!(ran.journal.steps().is_empty());
        assert_eq!(tree(&stub), before);
    }
}

#[test]
fn a_command_that_hangs_is_a_step_that_took_too_long() {
    let stub = StubHost::fresh();
    stub.put("stub/hang-in", "getent\n");
    let host = stub.host();
    let command = Command::new("getent").args(["hosts", "x"]).timeout(Duration::from_millis(200));
    let steps = vec![Step::new("look up", Action::Run(command))];
    let mut journal = Records::default();
    let result =
        Executor::new(&host, &mut journal, &mut |_| {}, &|| false).component(Component::Helm, &steps, &[]);
    let Err(ExecutionError::Failed(failure)) = result else { panic!("{result:?}") };
    assert_eq!((failure.reason, failure.step.as_str()), (FailureReason::TimedOut, "look up"));
    assert!(matches!(journal.steps(), [step] if step.state == StepState::Failed));
}

#[test]
fn an_agent_is_refused_on_a_server() {
    let stub = StubHost::fresh().with_server();
    let ran = run(&stub, &settings(Mode::Agent));
    assert!(ran.failure().message.contains("service k3s is active"), "{}", ran.failure().message);
    assert!(ran.journal.steps().is_empty());
}

#[test]
fn a_stop_is_obeyed_between_steps_and_while_waiting() {
    let stub = StubHost::fresh();
    let asked = std::cell::Cell::new(0);
    let third_time = || {
        asked.set(asked.get() + 1);
        asked.get() > 3
    };
    let ran = run_with(&stub, &only(Component::K3s), Records::default(), &third_time);
    assert!(matches!(ran.result, Err(ExecutionError::Interrupted)));
    assert!(ran.journal.steps().iter().all(|step| step.state != StepState::Intent));

    let stub = StubHost::fresh();
    stub.put("stub/k3s-fault", "hang nothing to say");
    let waiting = || stub.text("stub/services/k3s").contains("activating");
    let ran = run_with(&stub, &only(Component::K3s), Records::default(), &waiting);
    assert!(matches!(ran.result, Err(ExecutionError::Interrupted)));
}

/// A host on which everything is there that comes before `component`.
pub(super) fn prepared(component: Component) -> StubHost {
    let stub = match component {
        Component::K3s | Component::Helm => StubHost::fresh(),
        Component::Clusterissuer | Component::Registry => {
            StubHost::fresh().with_server().with_kinds_of_cert_manager()
        }
        _ => StubHost::fresh().with_server(),
    };
    if component == Component::DockerRegistryTrust {
        let secret = stub.text("stub/certificate.json");
        stub.put("stub/api/api/v1/namespaces/registry/secrets/registry-tls.json", secret);
    }
    stub
}

/// Settings of a single node that skips everything else.
pub(super) fn only(component: Component) -> Settings {
    let mut settings = settings(Mode::SingleNode);
    settings.skipped = Component::ALL.iter().copied().filter(|other| *other != component).collect();
    if component == Component::LocalHosts {
        // Names of what is skipped are left out, so this one needs the other.
        settings.skipped.remove(&Component::Registry);
        settings.skipped.insert(Component::Rancher);
        settings.mode = Mode::SingleNode;
    }
    settings
}

pub(super) fn replace_installer(stub: &StubHost, script: &str) {
    let source = "https://raw.githubusercontent.com/k3s-io/k3s/v1.35.5%2Bk3s1";
    stub.serve(&format!("{source}/install.sh"), script);
    let sums = crate::support::stub_host::sum_lines(&[("install.sh", script)]);
    stub.serve(&format!("{source}/install.sh.sha256sum"), sums);
}
