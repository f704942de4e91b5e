//! Plans carried out on the stub host.

mod charts;
mod faults;
mod fetching;
mod foreign;
mod host_parts;
mod k3s;
mod node;
mod registry;
mod resume;
mod runs;
mod user_copy;
mod verified;

use std::path::{Path, PathBuf};
use std::time::Duration;

use manifest::{MachineFingerprint, MachineId, ManifestError, PrivateContext, RunId, StepRecord, StepState};
use schema::{Component, ComponentResult, Execution, FailureReason, Id, Mode, PlannedAction};

use crate::support::settings::{SECRETS, settings};
use crate::support::stub_host::StubHost;
use crate::support::{IMPATIENT, PATIENT, RUN, detect_all_after, now, with_timeouts};
use bootstrap::component::{self, BuiltInSums, COMPONENTS, ComponentPlan, PlanContext};
use bootstrap::host::STAGING;
use bootstrap::settings::{Artifacts, Password, RegistryAuth, Settings};
use bootstrap::step::{Effect, ExecutionError, Executor, Journal, StepEvent, StepFailure, Update};

/// A journal that keeps everything, and dies when it is told to.
struct Records {
    context: PrivateContext,
    /// After this many writes the process is dead.
    dies_after: Option<usize>,
    writes: usize,
}

impl Default for Records {
    fn default() -> Self {
        Self::dying_after(None)
    }
}

impl Records {
    fn dying_after(dies_after: Option<usize>) -> Self {
        let run = RunId::new(Id::parse(RUN).expect("an id"));
        let machine = MachineFingerprint::of(&MachineId::read(Path::new("/")));
        let context = PrivateContext::begin(&run, Execution::Apply, Mode::SingleNode, machine, now());
        Self { context, dies_after, writes: 0 }
    }

    /// The steps that were written down.
    fn steps(&self) -> &[StepRecord] {
        &self.context.steps
    }
}

impl Journal for Records {
    fn context(&self) -> &PrivateContext {
        &self.context
    }

    fn update(&mut self, change: Update<'_>) -> Result<(), ManifestError> {
        self.writes += 1;
        match self.dies_after {
            Some(last) if self.writes > last => Err(ManifestError::Unwritable { path: PathBuf::new() }),
            _ => {
                change(&mut self.context, now());
                Ok(())
            }
        }
    }
}

/// Checks every component of the table, side by side, so that a new one is covered without another line here.
fn for_each_component(check: impl Fn(Component) + Sync) {
    std::thread::scope(|scope| {
        for spec in COMPONENTS {
            let check = &check;
            scope.spawn(move || {
                let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(spec.id())));
                assert!(checked.is_ok(), "{}: see the panic above", spec.id());
            });
        }
    });
}

/// What a run came to.
pub(crate) struct Ran {
    result: Result<Vec<(Component, ComponentResult)>, ExecutionError>,
    journal: Records,
    changed: Vec<String>,
    waited: Vec<String>,
}

impl Ran {
    pub(crate) fn results(self) -> Vec<(Component, ComponentResult)> {
        self.result.unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// What became of the first component.
    fn first(self) -> ComponentResult {
        self.results()[0].1
    }

    fn failure(&self) -> &StepFailure {
        match &self.result {
            Err(ExecutionError::Failed(failure)) => failure,
            other => panic!("did not fail: {other:?}"),
        }
    }
}

/// Detects, plans and applies, as a run does.
pub(crate) fn run(stub: &StubHost, settings: &Settings) -> Ran {
    run_with(stub, settings, Records::default(), &|| false)
}

/// As [`run`], in which something is waited for that never comes.
pub(crate) fn run_in_vain(stub: &StubHost, settings: &Settings) -> Ran {
    stub.set_timing(IMPATIENT);
    let ran = run(stub, settings);
    stub.set_timing(PATIENT);
    ran
}

/// As [`run`], killed when it has written so much of its record. Whether it was, or had ended before.
pub(crate) fn run_and_die(stub: &StubHost, settings: &Settings, writes: usize) -> bool {
    run_with(stub, settings, Records::dying_after(Some(writes)), &|| false).result.is_err()
}

fn run_with(stub: &StubHost, settings: &Settings, mut journal: Records, stop: &dyn Fn() -> bool) -> Ran {
    let host = stub.host();
    let staging = stub.staging();
    let context = PlanContext { settings, arch: host.arch(), staging: &staging, sums: BuiltInSums::NONE };
    let plans: Vec<(Component, ComponentPlan)> = detect_all_after(&host, settings, stub.history())
        .iter()
        .map(|(component, found)| {
            (*component, with_timeouts(component::plan(*component, found, &context), stub.timing()))
        })
        .collect();
    let (mut changed, mut waited) = (Vec::new(), Vec::new());
    let mut report = |event: StepEvent<'_>| match event {
        StepEvent::Done { title, effect: Effect::Changed } => changed.push(title.to_owned()),
        StepEvent::Waiting(what) => waited.push(what.to_owned()),
        _ => {}
    };
    let mut executor = Executor::new(&host, &mut journal, &mut report, stop).with_timing(stub.timing());
    let result = plans
        .iter()
        .map(|(component, plan)| {
            refuse_blocked(plan)?;
            executor.component(*component, &plan.steps, &plan.verify)?;
            Ok((*component, plan.result()))
        })
        .collect::<Result<Vec<_>, ExecutionError>>();
    host.clear_staging().expect("removable");
    stub.remember(&journal.context);
    Ran { result, journal, changed, waited }
}

/// A run refuses a plan with a blocked component before it applies anything.
fn refuse_blocked(plan: &ComponentPlan) -> Result<(), ExecutionError> {
    let Some(reason) = &plan.blocked else { return Ok(()) };
    let (step, message) = ("plan".to_owned(), reason.clone());
    let reason = FailureReason::CommandFailed;
    Err(StepFailure { step, reason, message, tail: Vec::new(), hint: None }.into())
}

/// Every file of the host that is not the stub's own, with its content.
fn tree(stub: &StubHost) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in ["etc", "usr", "srv", "data", "var", "stub/api", "stub/services", "stub/packages"] {
        collect(&stub.path(folder), &mut files);
    }
    files.sort();
    files
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            let content = std::fs::read(&path).expect("content");
            files.push((path, content));
        }
    }
}

fn actions(stub: &StubHost, settings: &Settings) -> Vec<PlannedAction> {
    let host = stub.host();
    let staging = stub.staging();
    let context = PlanContext { settings, arch: host.arch(), staging: &staging, sums: BuiltInSums::NONE };
    let plan = |(component, found): &(Component, component::Detection)| {
        component::plan(*component, found, &context).action
    };
    detect_all_after(&host, settings, stub.history()).iter().map(plan).collect()
}
