//! Whole runs and their rollback.

use super::*;
use crate::apply::{self, Apply};
use crate::recipe::{self, Context};
use crate::settings::samples::settings;
use crate::step::Action;

/// The record of a run, kept in memory.
struct Chronicle(PrivateContext);

impl apply::Journal for Chronicle {
    fn begin(&mut self, intent: Intent) -> Result<u32, ManifestError> {
        Ok(self.0.begin_step(intent, now()))
    }

    fn end(&mut self, seq: u32, outcome: JournalOutcome) -> Result<(), ManifestError> {
        self.0.end_step(seq, outcome, now());
        Ok(())
    }
}

fn now() -> UtcSeconds {
    crate::run::now()
}

/// Runs on the host in this mode, up to the first change after `stop_after` of them.
fn run(stub: &StubHost, mode: Mode, stop_after: usize) -> PrivateContext {
    let (host, settings, staging) = (stub.host(), settings(mode), stub.staging());
    let context = Context { settings: &settings, arch: host.arch(), staging: &staging };
    let mut chronicle = Chronicle(record(Execution::Apply));
    let changes = std::cell::Cell::new(0);
    let mut report = |event: apply::Event<'_>| {
        if matches!(event, apply::Event::Done { effect: apply::Effect::Changed, .. }) {
            changes.set(changes.get() + 1);
        }
    };
    let stop = || changes.get() >= stop_after;
    let mut work =
        Apply::new(&host, &mut chronicle, &mut report, &stop).polling_every(Duration::from_millis(5));
    for (component, found) in recipe::detect_all(&host, &settings) {
        let mut plan = recipe::plan(component, &found, &context);
        for step in &mut plan.steps {
            if let Action::Wait(check) = &mut step.action {
                check.timeout = Duration::from_millis(40);
            }
        }
        plan.verify.iter_mut().for_each(|check| check.timeout = Duration::from_millis(40));
        match work.component(component, &plan) {
            Ok(_) => {}
            Err(apply::ApplyError::Interrupted) => break,
            Err(error) => panic!("{component}: {error}"),
        }
    }
    chronicle.0
}

fn neighbours(stub: &StubHost) {
    stub.put("etc/hosts", "127.0.0.1\tlocalhost # mine\n\n10.0.0.1 printer\n");
    for table in ["etc/exports", "var/lib/nfs/etab"] {
        stub.put(table, "/srv/nfs/k8s-share 10.0.0.5(ro)\n");
    }
    stub.put("etc/docker/certs.d/other.example.local/ca.crt", "foreign\n");
    stub.put("stub/packages/nfs-kernel-server", "");
    std::os::unix::fs::symlink("../spare/exportfs", stub.path("stub/bin/exportfs")).expect("link");
    let foreign = r#"{"kind":"ConfigMap","metadata":{"uid":"f","name":"f","namespace":"shop"}}"#;
    stub.put("stub/api/api/v1/namespaces/shop/configmaps/f.json", foreign);
}

fn states(plan: &Plan, state: State) -> Vec<(Component, &str)> {
    plan.in_state(state).map(|item| (item.component, item.change.as_str())).collect()
}

#[test]
fn a_single_node_is_taken_back_but_for_what_is_manual() {
    let stub = StubHost::fresh().with_server();
    neighbours(&stub);
    let before = tree(&stub);
    let context = run(&stub, Mode::SingleNode, usize::MAX);
    assert_ne!(tree(&stub), before);
    let (plan, fates) = roll_back(&stub, &context);
    assert!(fates.values().all(|fate| *fate == Fate::Undone), "{fates:#?}");
    let manual = states(&plan, State::Manual);
    assert_eq!(
        manual,
        [(Component::Longhorn, "disable service iscsid"), (Component::Longhorn, "remove package open-iscsi")]
    );
    unchanged(&stub, &before);
}

/// Without the moderate class the registry stays, and with it what it needs: its issuer and cert-manager's kinds.
#[test]
fn what_stays_keeps_what_it_needs() {
    let stub = StubHost::fresh().with_server();
    neighbours(&stub);
    let context = run(&stub, Mode::SingleNode, usize::MAX);
    let mut disk = Disk::roomy(&context);
    let (plan, fates) = roll_back_on(&stub, &mut disk, None);
    assert!(fates.values().all(|fate| *fate == Fate::Undone), "{fates:#?}");
    let ready: std::collections::BTreeSet<Component> =
        plan.in_state(State::Ready).map(|item| item.component).collect();
    assert!(ready.contains(&Component::LocalHosts) && ready.contains(&Component::DockerRegistryTrust));
    assert!(!ready.contains(&Component::Clusterissuer) && !ready.contains(&Component::Registry), "{ready:?}");
    let (plan, fates) = roll_back_on(&stub, &mut disk, Some(Include::Moderate));
    assert!(fates.values().all(|fate| *fate == Fate::Undone), "{:#?}", plan.items);
    assert!(plan.in_state(State::Undone).count() > 0);
}

#[test]
fn a_fresh_server_is_left_to_its_own_uninstall_script() {
    let stub = StubHost::fresh();
    let context = run(&stub, Mode::Server, usize::MAX);
    let before = tree(&stub);
    let (plan, fates) = roll_back(&stub, &context);
    assert!(fates.is_empty());
    assert!(plan.items.iter().all(|item| item.state == State::Manual && !item.look.is_empty()));
    assert!(plan.items.iter().any(|item| item.reason.contains("k3s-uninstall.sh")));
    unchanged(&stub, &before);
}

#[test]
fn an_interrupted_run_is_taken_back_as_far_as_it_got() {
    for stop_after in [3, 9] {
        let stub = StubHost::fresh().with_server();
        neighbours(&stub);
        let before = tree(&stub);
        let context = run(&stub, Mode::SingleNode, stop_after);
        let (_, fates) = roll_back(&stub, &context);
        assert!(!fates.is_empty() && fates.values().all(|fate| *fate == Fate::Undone), "{fates:#?}");
        unchanged(&stub, &before);
    }
}
