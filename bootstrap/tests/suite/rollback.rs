//! Runs on the stub host, taken back.

mod crash;
mod k3s;
mod limits;
mod needs;
mod objects;
mod places;
mod random;
mod table;
mod trace;
mod whole;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use manifest::{
    Intent, JournalOutcome, MachineFingerprint, MachineId, ManifestError, PriorState, PrivateContext, RunId,
    Undo,
};
use schema::{Component, Execution, Id, Mode, UtcSeconds};

use crate::support::stub_host::StubHost;
use crate::support::{IMPATIENT, PATIENT};
use bootstrap::rollback::{
    Include, ItemState, RollbackEvent, RollbackExecutor, RollbackItem, RollbackPlan, UndoResult, UndoResults,
    observe_all, plan,
};
use bootstrap::step::{Journal, Update};

/// All there is in this time.
fn at(second: u32) -> UtcSeconds {
    UtcSeconds::parse(&format!("2026-11-22T07:00:{second:02}Z")).expect("a time")
}

/// The record of a run that has taken no step.
fn record(execution: Execution) -> PrivateContext {
    let run = RunId::new(Id::random());
    let machine = MachineFingerprint::of(&MachineId::read(Path::new("/")));
    PrivateContext::begin(&run, execution, Mode::SingleNode, machine, at(0))
}

/// The record of a run that has taken these steps, one a second.
fn record_of(steps: impl IntoIterator<Item = (Component, Undo)>) -> PrivateContext {
    let mut context = record(Execution::Apply);
    for ((component, undo), second) in steps.into_iter().zip(1..) {
        let intent = Intent { component, action: "a step".to_owned(), before: PriorState::Absent, undo };
        let seq = context.begin_step(intent, at(second));
        context.end_step(seq, JournalOutcome::Done { wrote: None, undo: None }, at(second));
    }
    context
}

/// A journal on a disk that is full after some writes.
struct Disk {
    context: PrivateContext,
    stored: PrivateContext,
    room: usize,
}

impl Disk {
    fn with_room(stored: PrivateContext, room: usize) -> Self {
        Self { context: stored.clone(), stored, room }
    }

    fn roomy(context: &PrivateContext) -> Self {
        Self::with_room(context.clone(), usize::MAX)
    }
}

impl Journal for Disk {
    fn context(&self) -> &PrivateContext {
        &self.context
    }

    fn update(&mut self, change: Update<'_>) -> Result<(), ManifestError> {
        change(&mut self.context, at(59));
        if self.room == 0 {
            return Err(ManifestError::Unwritable { path: PathBuf::new() });
        }
        self.room -= 1;
        self.stored = self.context.clone();
        Ok(())
    }
}

/// What is planned for `context` on the host.
fn planned(stub: &StubHost, context: &PrivateContext, include: Include) -> RollbackPlan {
    plan(context, &observe_all(&stub.host(), context), include)
}

/// Plans and carries out, beginning with what is on `disk`.
fn roll_back_on(stub: &StubHost, disk: &mut Disk, include: Include) -> (RollbackPlan, UndoResults) {
    disk.context = disk.stored.clone();
    let plan = planned(stub, &disk.context, include);
    let host = stub.host();
    let mut report = |_: RollbackEvent<'_>| {};
    let results =
        RollbackExecutor::new(&host, disk, &mut report, &|| false).with_timing(stub.timing()).all(&plan);
    (plan, results)
}

/// Plans and carries out everything that can be; returns the plan, and what became of each item.
fn roll_back(stub: &StubHost, context: &PrivateContext) -> (RollbackPlan, UndoResults) {
    roll_back_on(stub, &mut Disk::roomy(context), Include::Moderate)
}

/// The one item of a plan that has one.
fn only(plan: &RollbackPlan) -> &RollbackItem {
    assert_eq!(plan.items.len(), 1, "{:#?}", plan.items);
    &plan.items[0]
}

/// What the kubelet writes again all the time.
const KEPT_ALIVE: [&str; 2] = ["kube-node-lease/leases/node.json", "api/v1/nodes/node.json"];

/// Files with their content and folders, as far as runs reach; what packages and services leave is not the run's to undo.
fn tree(stub: &StubHost) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for folder in ["etc", "usr", "srv", "data", "var", "opt"] {
        collect(&stub.path(folder), &mut found);
    }
    let mut api = BTreeMap::new();
    collect(&stub.path("stub/api"), &mut api);
    // The stand-in keeps empty lists of objects as folders.
    found.extend(api.into_iter().filter(|(_, content)| content.is_some()));
    found.retain(|path, _| !KEPT_ALIVE.iter().any(|object| path.ends_with(object)));
    found.retain(|path, _| !path.ends_with("iscsid.service"));
    found
}

/// Passes if the host is as it was `before`; says which paths differ if not.
fn unchanged(stub: &StubHost, before: &BTreeMap<PathBuf, Option<Vec<u8>>>) {
    let after = tree(stub);
    let paths = before.keys().chain(after.keys());
    let differing: Vec<&PathBuf> = paths.filter(|path| before.get(*path) != after.get(*path)).collect();
    assert!(differing.is_empty(), "{differing:#?}");
}

fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, Option<Vec<u8>>>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            collect(&path, found);
            found.insert(path, None);
        } else {
            let content = std::fs::read(&path).expect("content");
            found.insert(path, Some(content));
        }
    }
}
