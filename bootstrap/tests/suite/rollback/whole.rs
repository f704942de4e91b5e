//! Whole runs and their rollback.

use super::*;
use crate::support::settings::settings;
use crate::support::{now, with_timeouts};
use bootstrap::component::{self, BuiltInSums, PendingRemoval, PlanContext};
use bootstrap::rollback::{RunTrace, plan_after, run_trace};
use bootstrap::settings::Settings;
use bootstrap::step::{Effect, ExecutionError, Executor, StepEvent};

/// The record of a run, kept in memory.
struct EventLog(PrivateContext);

impl Journal for EventLog {
    fn context(&self) -> &PrivateContext {
        &self.0
    }

    fn update(&mut self, change: Update<'_>) -> Result<(), ManifestError> {
        change(&mut self.0, now());
        Ok(())
    }
}

/// The components of which the run has left something that it made, and those of which nothing is left.
fn traces(context: &PrivateContext) -> [Vec<Component>; 2] {
    let ids = || component::COMPONENTS.iter().map(|spec| spec.id());
    let of = |is_such: fn(RunTrace) -> bool| ids().filter(|id| is_such(run_trace(context, *id))).collect();
    [
        of(|trace| matches!(trace, RunTrace::Kept | RunTrace::Added)),
        of(|trace| matches!(trace, RunTrace::Undone(_))),
    ]
}

/// Runs on the host in this mode, up to the first change after `stop_after` of them.
fn run(stub: &StubHost, mode: Mode, stop_after: usize) -> PrivateContext {
    run_with(stub, &settings(mode), stop_after)
}

fn run_with(stub: &StubHost, settings: &Settings, stop_after: usize) -> PrivateContext {
    let (host, staging) = (stub.host(), stub.staging());
    let context = PlanContext { settings, arch: host.arch(), staging: &staging, sums: BuiltInSums::NONE };
    let mut log = EventLog(record(Execution::Apply));
    let changes = std::cell::Cell::new(0);
    let mut report = |event: StepEvent<'_>| {
        if matches!(event, StepEvent::Done { effect: Effect::Changed, .. }) {
            changes.set(changes.get() + 1);
        }
    };
    let stop = || changes.get() >= stop_after;
    let mut work = Executor::new(&host, &mut log, &mut report, &stop).with_timing(stub.timing());
    for (component, found) in crate::support::detect_all(&host, settings) {
        let plan = with_timeouts(component::plan(component, &found, &context), stub.timing());
        match work.component(component, &plan.steps, &plan.verify) {
            Ok(()) => {}
            Err(ExecutionError::Interrupted) => break,
            Err(error) => panic!("{component}: {error}"),
        }
    }
    host.clear_staging().expect("removable");
    log.0
}

fn neighbours(stub: &StubHost) {
    stub.put("etc/hosts", "127.0.0.1\tlocalhost # mine\n\n10.0.0.1 printer\n");
    for table in ["etc/exports", "var/lib/nfs/etab"] {
        stub.put(table, "/srv/nfs/k8s-share 10.0.0.5(ro)\n");
    }
    stub.put("etc/docker/certs.d/other.example.local/ca.crt", "foreign\n");
    stub.put("stub/packages/nfs-kernel-server", "");
    stub.put("etc/systemd/system/nfs-server.service", "");
    stub.put("stub/services/nfs-server", "active\n");
    stub.put("stub/services/nfs-server.enabled", "");
    std::os::unix::fs::symlink("../optional/exportfs", stub.path("stub/bin/exportfs")).expect("link");
    let foreign = r#"{"kind":"ConfigMap","metadata":{"uid":"f","name":"f","namespace":"shop"}}"#;
    stub.put("stub/api/api/v1/namespaces/shop/configmaps/f.json", foreign);
}

fn states(plan: &RollbackPlan, state: ItemState) -> Vec<(Component, &str)> {
    plan.in_state(state).map(|item| (item.component, item.change.as_str())).collect()
}

#[test]
fn a_single_node_is_taken_back_but_for_what_is_manual() {
    let stub = StubHost::fresh().with_server();
    neighbours(&stub);
    let before = tree(&stub);
    let context = run(&stub, Mode::SingleNode, usize::MAX);
    assert_ne!(tree(&stub), before);
    let [made, undone] = traces(&context);
    assert!(
        made.len() == 8 && undone.is_empty(),
        "all but k3s and helm, which were there: {made:?}, {undone:?}"
    );
    let mut disk = Disk::roomy(&context);
    let (plan, results) = roll_back_on(&stub, &mut disk, Include::Moderate);
    assert!(results.values().all(|result| *result == UndoResult::Undone), "{results:#?}");
    let manual = states(&plan, ItemState::Manual);
    assert_eq!(
        manual,
        [
            (Component::Longhorn, "disable service iscsid"),
            (Component::Longhorn, "remove package nfs-common"),
            (Component::Longhorn, "remove package open-iscsi"),
        ]
    );
    assert_eq!(traces(&disk.context), [Vec::new(), made]);
    unchanged(&stub, &before);
}

/// The plan of ten components as an operator sees it, on terminals of 80 and 140 columns and in a pipe.
#[test]
fn the_plan_of_ten_components_fits_a_screen() {
    let stub = StubHost::fresh().with_server();
    neighbours(&stub);
    let context = run(&stub, Mode::SingleNode, usize::MAX);
    for (name, include) in
        [("rollback_plan_safe", Include::Safe), ("rollback_plan_moderate", Include::Moderate)]
    {
        let host = stub.host();
        let plan = plan(&context, &observe_all(&host, &context), include);
        let lines = bootstrap::rollback::rollback_lines(&plan, bootstrap::terminal::Verbosity::Normal);
        for (screen, columns) in [("", 80), ("_140", 140), ("_pipe", usize::MAX)] {
            let painted: String = lines.iter().map(|line| line.laid_out(columns)).collect();
            let text = anstream::adapter::strip_str(&painted).to_string();
            assert!(text.lines().count() <= 36, "{text}");
            let name = format!("{name}{screen}");
            insta::assert_snapshot!(name.as_str(), text.replace(plan.run_id.as_str(), "RUN-ID"));
        }
        let lines = bootstrap::rollback::rollback_lines(&plan, bootstrap::terminal::Verbosity::Verbose);
        let painted: String = lines.iter().map(|line| line.laid_out(usize::MAX)).collect();
        let text = anstream::adapter::strip_str(&painted).to_string();
        // The class of an item is one thing, why it can be undone another.
        assert!(text.contains("  moderate\n") && text.contains("because: its SHA-256"), "{text}");
        assert!(!text.contains("safe: "), "{text}");
    }
}

/// Without the moderate class the registry stays, and with it what it needs: its issuer and cert-manager's kinds.
#[test]
fn what_stays_keeps_what_it_needs() {
    let stub = StubHost::fresh().with_server();
    neighbours(&stub);
    let context = run(&stub, Mode::SingleNode, usize::MAX);
    let mut disk = Disk::roomy(&context);
    let (plan, results) = roll_back_on(&stub, &mut disk, Include::Safe);
    assert!(results.values().all(|result| *result == UndoResult::Undone), "{results:#?}");
    let ready: std::collections::BTreeSet<Component> =
        plan.in_state(ItemState::Ready).map(|item| item.component).collect();
    assert!(ready.contains(&Component::LocalHosts) && ready.contains(&Component::DockerRegistryTrust));
    assert!(!ready.contains(&Component::Clusterissuer) && !ready.contains(&Component::Registry), "{ready:?}");
    let [kept, _] = traces(&disk.context);
    assert!(kept.contains(&Component::Clusterissuer) && kept.contains(&Component::Registry), "{kept:?}");
    let (plan, results) = roll_back_on(&stub, &mut disk, Include::Moderate);
    assert!(results.values().all(|result| *result == UndoResult::Undone), "{:#?}", plan.items);
    assert!(plan.in_state(ItemState::Undone).count() > 0);
}

#[test]
fn a_fresh_server_is_left_to_its_own_uninstall_script() {
    let stub = StubHost::fresh();
    let context = run(&stub, Mode::Server, usize::MAX);
    let before = tree(&stub);
    let (plan, results) = roll_back(&stub, &context);
    assert!(results.is_empty());
    assert!(plan.items.iter().all(|item| item.state == ItemState::Manual && !item.inspect.is_empty()));
    assert!(plan.items.iter().any(|item| item.reason.to_string().contains("k3s-uninstall.sh")));
    unchanged(&stub, &before);
}

#[test]
fn an_interrupted_run_is_taken_back_as_far_as_it_got() {
    for stop_after in [3, 9] {
        let stub = StubHost::fresh().with_server();
        neighbours(&stub);
        let before = tree(&stub);
        let context = run(&stub, Mode::SingleNode, stop_after);
        let (_, results) = roll_back(&stub, &context);
        assert!(
            !results.is_empty() && results.values().all(|result| *result == UndoResult::Undone),
            "{results:#?}"
        );
        unchanged(&stub, &before);
    }
}

/// The registry of the second run needs what the first run installed, so the first can only go when the second has.
#[test]
fn runs_are_taken_back_one_after_the_other_the_newest_first() {
    let stub = StubHost::fresh().with_server();
    neighbours(&stub);
    let before = tree(&stub);
    let mut without_registry = settings(Mode::Stack);
    without_registry.skipped.insert(Component::Registry);
    let older = run_with(&stub, &without_registry, usize::MAX);
    let newer = run(&stub, Mode::Stack, usize::MAX);
    let ready = |plan: &RollbackPlan| plan.in_state(ItemState::Ready).count();
    let alone = planned(&stub, &older, Include::Moderate);
    let observed = |context| observe_all(&stub.host(), context);
    let (_, pending) = plan_after(&newer, &observed(&newer), Include::Moderate, PendingRemoval::default());
    let (foretold, _) = plan_after(&older, &observed(&older), Include::Moderate, pending);
    assert!(ready(&alone) < ready(&foretold), "{} and {}", ready(&alone), ready(&foretold));
    let (_, results) = roll_back(&stub, &newer);
    assert!(results.values().all(|result| *result == UndoResult::Undone), "{results:#?}");
    let (plan, results) = roll_back(&stub, &older);
    assert_eq!(ready(&plan), ready(&foretold), "what was foretold is what happens");
    assert!(results.values().all(|result| *result == UndoResult::Undone), "{results:#?}");
    unchanged(&stub, &before);
}
