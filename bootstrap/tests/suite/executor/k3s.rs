//! k3s that starts, does not start, starts without working, and is somebody else's.

use super::faults::{only, replace_installer};
use super::*;
use bootstrap::step::{Check, Condition, Timing};
use manifest::{PreviousFile, Undo};

const AGENT: &str = "etc/systemd/system/k3s-agent.service";

/// What goes wrong, what its service or its server says of it, and what the operator is told.
const FAULTS: [(&str, &str, &str); 8] = [
    (
        "hang",
        "Failed to retrieve configuration: https://127.0.0.1:6444/v1-k3s: 401 Unauthorized",
        "node-token",
    ),
    (
        "hang",
        "Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password'",
        "node-password",
    ),
    ("hang", "token CA hash does not match the Cluster CA certificate hash: a != b", "node-token"),
    ("crash", "no default routes found in /proc/net/route", "default route"),
    (
        "crash",
        "failed to start the supervisor: listen tcp :6443: bind: address already in use",
        "free the port",
    ),
    ("crash", "flag provided but not defined: -x", "/etc/rancher/k3s"),
    ("crash", "yaml: line 3: mapping values are not allowed in this context", "/etc/rancher/k3s"),
    ("crash", "unable to select an IP from default network route", "default route"),
];

fn agent_on(stub: &StubHost, kind: &str) -> Settings {
    stub.put("stub/k3s-type", kind);
    settings(Mode::Agent)
}

#[test]
fn an_agent_that_does_not_join_is_not_installed_and_the_next_run_does_not_take_it_for_one() {
    // What the type of the unit changes is how a start that fails looks, not what its journal says: one of each is enough.
    let of_type_exec = [FAULTS[0], FAULTS[3]].map(|fault| ("exec", fault));
    for (kind, (fault, words, hint)) in FAULTS.map(|fault| ("notify", fault)).into_iter().chain(of_type_exec)
    {
        let stub = StubHost::fresh();
        let settings = agent_on(&stub, kind);
        stub.put("stub/k3s-fault", format!("{fault} {words}"));
        let first = run_in_vain(&stub, &settings);
        let failure = first.failure();
        assert_eq!(failure.reason, FailureReason::VerificationFailed, "{kind}: {}", failure.message);
        assert!(failure.message.contains(&format!("its journal says: {words}")), "{}", failure.message);
        assert!(failure.hint.as_ref().is_some_and(|found| found.contains(hint)), "{:?}", failure.hint);
        assert!(first.waited.iter().any(|what| what.contains("k3s-agent") || what.contains("joined")));
        // What is wrong is repaired: the service has long had its time.
        std::fs::remove_file(stub.path("stub/k3s-fault")).expect("was there");
        long_ago(&stub, "k3s-agent");
        let second = run(&stub, &settings);
        assert_eq!(second.first(), ComponentResult::Configured, "{kind}: {words}");
        let settled = |action: &PlannedAction| matches!(action, PlannedAction::Reuse | PlannedAction::Skip);
        assert!(actions(&stub, &settings).iter().all(settled));
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_told_and_one_that_answers_is_not_blamed() {
    const RESET: &str = "read tcp 127.0.0.1:4711->127.0.0.1:6444: read: connection reset by peer";
    let asked = format!("failed to get CA certs: Get \"https://127.0.0.1:6444/cacerts\": {RESET}");
    for (kind, words) in [("exec", RESET), ("notify", RESET), ("exec", &asked)] {
        for reachable in [false, true] {
            let stub = StubHost::fresh();
            let settings = agent_on(&stub, kind);
            stub.put("stub/k3s-fault", format!("hang {words}"));
            if reachable {
                stub.put("stub/https/GET=server.example.local:6443=cacerts", "HTTP/2 200 \r\n\r\n");
            }
            let ran = run_in_vain(&stub, &settings);
            let (message, hint) = (&ran.failure().message, ran.failure().hint.clone().unwrap_or_default());
            let told = message.contains("its server cannot be reached: it does not take connections");
            assert_eq!(told, !reachable, "{message}");
            // Never the token: nobody has looked at it.
            assert_eq!(hint.contains("agent.server_url"), !reachable || words == asked, "{hint}");
            assert_eq!(message.contains("its journal says"), reachable && words == asked, "{message}");
        }
    }
}

/// An agent that is refused asks again for ever, with what it was told at its start. What is corrected meanwhile counts at once.
#[test]
fn what_time_does_not_help_is_repaired_before_its_time_is_over() {
    let stub = StubHost::fresh();
    let settings = agent_on(&stub, "exec");
    stub.put("stub/k3s-fault", format!("{} {}", FAULTS[0].0, FAULTS[0].1));
    assert_eq!(run_in_vain(&stub, &settings).failure().reason, FailureReason::VerificationFailed);
    std::fs::remove_file(stub.path("stub/k3s-fault")).expect("was there");
    assert_eq!(run(&stub, &settings).first(), ComponentResult::Configured);
}

#[test]
fn what_an_earlier_start_said_is_not_told_of_this_one() {
    let stub = StubHost::fresh();
    stub.put("stub/journal/k3s", "1000 level=fatal msg=\"flag provided but not defined: -old\"\n");
    stub.put("stub/k3s-fault", "hang nothing of note");
    let ran = run_in_vain(&stub, &only(Component::K3s));
    assert!(!ran.failure().message.contains("-old"), "{}", ran.failure().message);
    assert_eq!(ran.failure().hint.as_deref(), Some("journalctl -u k3s"));
}

#[test]
fn a_token_in_the_journal_is_masked() {
    let stub = StubHost::fresh();
    let settings = agent_on(&stub, "notify");
    stub.put("stub/k3s-fault", format!("hang invalid token {}", SECRETS[2]));
    stub.host().log().redact(&settings.agent.as_ref().expect("agent").token);
    let ran = run_in_vain(&stub, &settings);
    assert!(ran.failure().message.contains("invalid token ********"), "{}", ran.failure().message);
    assert!(!stub.log().contains(SECRETS[2]));
}

#[test]
fn a_script_that_ends_well_and_has_installed_nothing_is_not_believed() {
    let stub = StubHost::fresh();
    replace_installer(&stub, "exit 0");
    let ran = run(&stub, &only(Component::K3s));
    assert_eq!(ran.failure().step, "run the k3s install script");
    assert!(ran.failure().message.contains("not installed and enabled"), "{}", ran.failure().message);
    assert_eq!(ran.journal.steps().last().map(|step| step.state), Some(StepState::Failed));
}

/// The script would say that nothing has changed, and end with 0.
#[test]
fn a_stopped_service_of_a_former_run_is_started_though_nothing_of_it_has_changed() {
    let stub = StubHost::fresh();
    let settings = only(Component::K3s);
    run(&stub, &settings).results();
    for state in ["inactive", "failed"] {
        stub.put("stub/services/k3s", format!("{state}\n"));
        assert_eq!(run(&stub, &settings).first(), ComponentResult::Configured);
        assert_eq!(stub.text("stub/services/k3s"), "active\n");
    }
    let call = "systemctl [restart] [--no-block] [k3s]";
    assert_eq!(stub.calls().iter().filter(|found| *found == call).count(), 3);
}

#[test]
fn a_missing_program_and_a_crash_loop_are_repaired() {
    let stub = StubHost::fresh();
    let settings = only(Component::K3s);
    run(&stub, &settings).results();
    std::fs::remove_file(stub.path("usr/local/bin/k3s")).expect("was there");
    assert_eq!(run(&stub, &settings).first(), ComponentResult::Configured);
    stub.put("stub/services/k3s", "activating\n");
    stub.put("stub/services/k3s.sub", "auto-restart\n");
    assert_eq!(run(&stub, &settings).first(), ComponentResult::Configured);
}

#[test]
fn what_is_activating_has_its_time_and_no_more() {
    let stub = StubHost::fresh();
    let settings = only(Component::K3s);
    run(&stub, &settings).results();
    stub.put("stub/services/k3s", "activating\n");
    assert_eq!(actions(&stub, &settings)[0], PlannedAction::Reuse);
    let failed = run_in_vain(&stub, &settings);
    assert!(failed.failure().message.contains("service k3s is activating (start)"));
    long_ago(&stub, "k3s");
    assert_eq!(actions(&stub, &settings)[0], PlannedAction::Ensure);
}

#[test]
fn another_server_or_token_is_joined_anew() {
    for kind in ["exec", "notify"] {
        let stub = StubHost::fresh();
        let mut settings = agent_on(&stub, kind);
        run(&stub, &settings).results();
        let agent = settings.agent.as_mut().expect("agent");
        agent.server_url = "https://other.example.local:6443".to_owned();
        let former = stub.text(&format!("{AGENT}.env"));
        let repaired = run(&stub, &settings);
        let kept = repaired.journal.steps().iter().find_map(|step| match &step.undo {
            Undo::ServiceUnit { environment: PreviousFile::Text { content, mode }, enabled, .. } => {
                Some((content.clone(), *mode, *enabled))
            }
            _ => None,
        });
        assert_eq!(kept, Some((former, 0o600, true)), "what the script replaces is in the record");
        assert_eq!(repaired.first(), ComponentResult::Configured);
        assert!(stub.text(&format!("{AGENT}.env")).contains("other.example.local"));
        settings.agent.as_mut().expect("agent").token = bootstrap::secret::Secret::new("K10another");
        assert_eq!(run(&stub, &settings).first(), ComponentResult::Configured);
        assert_eq!(stub.text("etc/rancher/k3s/agent-token"), "K10another");
        assert_eq!(run(&stub, &settings).first(), ComponentResult::Reused);
        // Who only looks need not know either.
        let agent = settings.agent.as_mut().expect("agent");
        (agent.server_url, agent.token) = (String::new(), bootstrap::secret::Secret::new(""));
        assert_eq!(actions(&stub, &settings)[0], PlannedAction::Reuse);
    }
}

/// A token in the environment of a service does not enter a record, whoever wrote it there.
#[test]
fn an_environment_with_a_token_is_known_again_and_not_kept() {
    let stub = StubHost::fresh();
    let env = "etc/systemd/system/k3s.service.env";
    stub.put(env, "K3S_TOKEN='token-canary'\n");
    let ran = run(&stub, &only(Component::K3s));
    let kept = ran.journal.steps().iter().find_map(|step| match &step.undo {
        Undo::ServiceUnit { environment, unit, .. } => Some((environment.clone(), unit.clone())),
        _ => None,
    });
    let sha256 = manifest::sha256_hex(b"K3S_TOKEN='token-canary'\n");
    assert!(kept == Some((PreviousFile::NotKept { sha256 }, PreviousFile::Absent)));
    ran.results();
}

/// Waits an hour at the most for a service that was started `age` seconds ago and said `words` `before` seconds ago.
fn waited(words: &str, age: u64, before: u64, stop: &dyn Fn() -> bool) -> Result<(), ExecutionError> {
    let stub = StubHost::fresh();
    stub.put("etc/systemd/system/k3s.service", crate::support::stub_host::UNIT);
    stub.put("stub/services/k3s", "activating\n");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("clock").as_secs();
    stub.put("stub/services/k3s.started", format!("{}\n", now - age));
    stub.put("stub/journal/k3s", format!("{} {words}\n", now - before));
    let check =
        Check::within(3600, Condition::ServiceRunning { service: "k3s".to_owned(), server_url: None });
    let (host, mut journal, mut show) = (stub.host(), Records::default(), |_: StepEvent<'_>| {});
    let timing = Timing { hopeless: Duration::ZERO, ..PATIENT };
    let executor = Executor::new(&host, &mut journal, &mut show, stop);
    executor.with_timing(timing).component(Component::K3s, &[], std::slice::from_ref(&check))
}

#[test]
fn what_waiting_does_not_change_is_not_waited_for() {
    for (words, hint) in [("invalid token", "node-token"), ("yaml: line 3", "/etc/rancher/k3s")] {
        let Err(ExecutionError::Failed(failure)) = waited(words, 100, 0, &|| false) else {
            panic!("{words}")
        };
        assert!(failure.message.contains(words), "{}", failure.message);
        assert!(failure.hint.as_ref().is_some_and(|found| found.contains(hint)), "{:?}", failure.hint);
    }
}

/// A server that is starting refuses an agent as well, and a port may become free.
#[test]
fn what_may_pass_and_what_has_passed_is_waited_for() {
    for (words, before) in [("401 Unauthorized", 60), ("address already in use", 0)] {
        let asked = std::cell::Cell::new(0);
        let third_time = || {
            asked.set(asked.get() + 1);
            asked.get() > 3
        };
        let waited = waited(words, 100, before, &third_time);
        assert!(matches!(waited, Err(ExecutionError::Interrupted)), "{words}: {waited:?}");
    }
}

/// The time that a start has is over.
fn long_ago(stub: &StubHost, unit: &str) {
    for moment in ["started", "since"] {
        let path = format!("stub/services/{unit}.{moment}");
        if stub.path(&path).exists() {
            stub.put(&path, "1000\n");
        }
    }
}
