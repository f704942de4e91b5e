//! Plans carried out on the stub host.

/// Makes a test of `check` for every component, so that they run side by side.
macro_rules! for_each_component {
    ($check:ident) => {
        mod $check {
            use schema::Component;

            for_each_component!(@tests $check
                k3s K3s, helm Helm, cert_manager CertManager, clusterissuer Clusterissuer, longhorn Longhorn,
                rancher Rancher, registry Registry, nfs Nfs, local_hosts LocalHosts,
                docker_registry_trust DockerRegistryTrust);
        }
    };
    (@tests $check:ident $($name:ident $component:ident),+) => {
        $(
            #[test]
            fn $name() {
                super::$check(Component::$component);
            }
        )+
    };
}

mod faults;
mod fetching;
mod resume;
mod runs;

use std::path::{Path, PathBuf};
use std::time::Duration;

use manifest::{Intent, JournalOutcome, ManifestError};
use schema::{Component, ComponentResult, Mode, PlannedAction};

use super::{Apply, ApplyError, Effect, Event, Journal, StepFailure, Vault};
use crate::host::stub::StubHost;
use crate::recipe::{self, Context, Plan};
use crate::settings::samples::{SECRETS, settings};
use crate::settings::{Artifacts, Password, RegistryAuth, Settings};

/// A journal that keeps everything, and dies when it is told to.
#[derive(Default)]
struct Records {
    intents: Vec<(Intent, Option<JournalOutcome>)>,
    /// After this many writes the process is dead.
    dies_after: Option<usize>,
    writes: usize,
}

impl Records {
    fn write(&mut self) -> Result<(), ManifestError> {
        self.writes += 1;
        match self.dies_after {
            Some(last) if self.writes > last => Err(ManifestError::Unwritable { path: PathBuf::new() }),
            _ => Ok(()),
        }
    }
}

impl Journal for Records {
    fn begin(&mut self, intent: Intent) -> Result<u32, ManifestError> {
        self.write()?;
        self.intents.push((intent, None));
        Ok(u32::try_from(self.intents.len()).expect("few"))
    }

    fn end(&mut self, seq: u32, outcome: JournalOutcome) -> Result<(), ManifestError> {
        self.write()?;
        self.intents[seq as usize - 1].1 = Some(outcome);
        Ok(())
    }
}

/// What a run came to.
struct Ran {
    result: Result<Vec<(Component, ComponentResult)>, ApplyError>,
    journal: Records,
    vault: Vault,
    changed: Vec<String>,
    waited: Vec<String>,
}

impl Ran {
    fn results(self) -> Vec<(Component, ComponentResult)> {
        self.result.unwrap_or_else(|error| panic!("{error:?}"))
    }

    fn failure(&self) -> &StepFailure {
        match &self.result {
            Err(ApplyError::Failed(failure)) => failure,
            other => panic!("did not fail: {other:?}"),
        }
    }
}

/// Detects, plans and applies, as a run does.
fn run(stub: &StubHost, settings: &Settings) -> Ran {
    run_with(stub, settings, Records::default(), &|| false)
}

fn run_with(stub: &StubHost, settings: &Settings, mut journal: Records, stop: &dyn Fn() -> bool) -> Ran {
    let host = stub.host();
    let staging = stub.staging();
    let context = Context { settings, arch: host.arch(), staging: &staging };
    let plans: Vec<(Component, Plan)> = recipe::detect_all(&host, settings)
        .iter()
        .map(|(component, found)| (*component, hasty(recipe::plan(*component, found, &context))))
        .collect();
    let (mut changed, mut waited) = (Vec::new(), Vec::new());
    let mut report = |event: Event<'_>| match event {
        Event::Done { title, effect: Effect::Changed } => changed.push(title.to_owned()),
        Event::Waiting(what) => waited.push(what.to_owned()),
        _ => {}
    };
    let mut apply =
        Apply::new(&host, &mut journal, &mut report, stop).polling_every(Duration::from_millis(5));
    let result = plans
        .iter()
        .map(|(component, plan)| Ok((*component, apply.component(*component, plan)?)))
        .collect::<Result<Vec<_>, ApplyError>>();
    let vault = apply.into_vault();
    Ran { result, journal, vault, changed, waited }
}

/// Nothing on the stub host takes long, so what is not so soon never will be.
fn hasty(mut plan: Plan) -> Plan {
    for check in &mut plan.verify {
        check.timeout = Duration::from_millis(40);
    }
    for step in &mut plan.steps {
        if let crate::step::Action::Wait(check) = &mut step.action {
            check.timeout = Duration::from_millis(40);
        }
    }
    plan
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
    let context = Context { settings, arch: host.arch(), staging: &staging };
    let plan = |(component, found): &(Component, recipe::Detection)| {
        recipe::plan(*component, found, &context).action
    };
    recipe::detect_all(&host, settings).iter().map(plan).collect()
}
