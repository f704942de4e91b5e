//! What former runs on this host did, as their private contexts tell.

use std::collections::BTreeMap;
use std::path::Path;

use manifest::{MachineId, PrivateContext, RunsDir, StepRecord, StepState, Undo};
use schema::{Component, Execution};

use crate::secret::Secret;

/// The steps of former runs that were not undone. Without them everything on the host is somebody else's.
#[derive(Clone, Debug, Default)]
pub struct RunHistory {
    /// The oldest first.
    steps: Vec<StepRecord>,
    /// The passwords that were generated and not shown yet, each component's last.
    passwords: BTreeMap<Component, Secret>,
}

impl RunHistory {
    /// The history that these records make, in any order.
    pub fn new(mut contexts: Vec<PrivateContext>) -> Self {
        contexts.retain(|context| context.execution == Execution::Apply);
        contexts.sort_by_key(|context| context.started_at);
        let passwords = contexts.iter().flat_map(|context| &context.generated_passwords);
        let passwords = passwords.map(|(component, password)| (*component, Secret::new(password.as_str())));
        Self {
            passwords: passwords.collect(),
            steps: contexts.iter().flat_map(standing_steps).cloned().collect(),
        }
    }

    /// The history that the records in a directory make. One that cannot be read makes none.
    pub fn of(runs: &RunsDir) -> Self {
        Self::new(runs.history(&MachineId::read(Path::new("/"))).unwrap_or_default().contexts)
    }

    /// The history of the records below `runs_dir`. A directory that is not there, or that cannot be read, makes none.
    pub fn below(runs_dir: &Path) -> Self {
        RunsDir::open(runs_dir).map(|runs| Self::of(&runs)).unwrap_or_default()
    }

    /// The password that was generated for the component, if a record still has it.
    pub fn password(&self, component: Component) -> Option<&Secret> {
        self.passwords.get(&component)
    }

    /// Whether the last step of the component failed, was not heard of again, or is none of `last`, the titles of those
    /// steps after which a run has no other to do.
    pub fn is_unfinished(&self, component: Component, last: &[&str]) -> bool {
        let found = self.steps.iter().rfind(|step| step.component == component);
        found.is_some_and(|step| step.state != StepState::Done || !last.contains(&step.action.as_str()))
    }

    /// Whether the unit of `service`, which has this SHA-256 now, is that of a run. What a run was about to write when it
    /// ended may be there in part, so it is the run's in any form.
    pub fn wrote_unit(&self, service: &str, sha256: Option<&str>) -> bool {
        let last = self.steps.iter().rfind(|step| is_about(step, service));
        last.is_some_and(|step| match (&step.undo, step.state) {
            (Undo::ServiceUnit { sha256: written, .. }, StepState::Done) => written.as_deref() == sha256,
            _ => true,
        })
    }

    /// Whether the last run that wrote the file at `path` wrote what has this SHA-256.
    pub fn wrote_file(&self, path: &Path, sha256: &str) -> bool {
        let written = self.steps.iter().rev().find_map(|step| match &step.undo {
            Undo::File { path: of, sha256, .. } if of == path => Some(sha256),
            _ => None,
        });
        written.is_some_and(|written| written == sha256)
    }
}

fn standing_steps(context: &PrivateContext) -> impl Iterator<Item = &StepRecord> {
    context.steps.iter().filter(|step| context.undo_state(step.seq) != Some(StepState::Done))
}

fn is_about(step: &StepRecord, service: &str) -> bool {
    matches!(&step.undo, Undo::ServiceUnit { name, .. } if name == service)
}

#[cfg(test)]
mod tests {
    use manifest::{Intent, JournalOutcome, MachineFingerprint, PreviousFile, PriorState, RunId};
    use schema::{Id, Mode, UtcSeconds};

    use super::*;

    fn at(second: u32) -> UtcSeconds {
        UtcSeconds::parse(&format!("2026-11-22T07:00:{second:02}Z")).expect("a time")
    }

    /// A run that began then and wrote a unit with this SHA-256.
    fn run(second: u32, sha256: &str) -> PrivateContext {
        let machine = MachineFingerprint::of(&MachineId::read(Path::new("/")));
        let id = RunId::new(Id::random());
        let mut run = PrivateContext::begin(&id, Execution::Apply, Mode::Agent, machine, at(second));
        let undo = Undo::ServiceUnit {
            name: "k3s-agent".to_owned(),
            sha256: Some(sha256.to_owned()),
            unit: PreviousFile::Absent,
            environment: PreviousFile::Absent,
            enabled: false,
        };
        let component = Component::K3s;
        let intent = Intent { component, action: String::new(), before: PriorState::Absent, undo };
        let seq = run.begin_step(intent, at(second));
        run.end_step(seq, JournalOutcome::Done { wrote: None, undo: None }, at(second));
        run
    }

    #[test]
    fn after_a_rollback_the_unit_is_that_of_the_run_before() {
        let (first, mut second) = (run(1, "a"), run(2, "b"));
        let wrote = |second: &PrivateContext, sha256| {
            RunHistory::new(vec![second.clone(), first.clone()]).wrote_unit("k3s-agent", Some(sha256))
        };
        assert_eq!(["a", "b"].map(|sha256| wrote(&second, sha256)), [false, true]);
        second.note_gone(1, at(3));
        assert_eq!(["a", "b"].map(|sha256| wrote(&second, sha256)), [true, false]);
    }
}
