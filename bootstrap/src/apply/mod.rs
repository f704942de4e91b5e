//! Carrying plans out: each change is written down before and after it happens, and a component counts as done only
//! when its verification has passed.

mod change;
mod chart;
mod error;
mod fetch;
mod files;
mod objects;
mod sums;
mod system;
#[cfg(test)]
mod tests;
mod vault;
mod wait;

use std::path::Path;
use std::time::Duration;

use manifest::{Intent, JournalOutcome, ManifestError};
use schema::{Component, ComponentResult};

pub(crate) use error::{ApplyError, StepFailure};
pub(crate) use vault::Vault;

use crate::host::Host;
use crate::recipe::Plan;
use crate::step::{Action, Step, promise_file};
use error::Trouble;

/// Where intents and outcomes are written down. Both return only when what they were given is on disk.
pub(crate) trait Journal {
    /// A change is about to happen. Returns its number.
    fn begin(&mut self, intent: Intent) -> Result<u32, ManifestError>;

    /// The change with the number `seq` happened or failed.
    fn end(&mut self, seq: u32, outcome: JournalOutcome) -> Result<(), ManifestError>;
}

/// Something to show while a plan is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// A step begins.
    Started {
        /// Its title.
        title: &'a str,
        /// Its number in the component, from 1; the verification is the last one.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// The step goes on and waits for this.
    Waiting(&'a str),
    /// The step is done.
    Done {
        /// Its title.
        title: &'a str,
        /// Whether it changed anything.
        effect: Effect,
    },
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It changed the host or the cluster.
    Changed,
    /// Everything was as it should be already.
    Unchanged,
}

/// What carries plans out.
pub(crate) struct Apply<'a> {
    host: &'a Host,
    journal: &'a mut dyn Journal,
    report: &'a mut dyn FnMut(Event<'_>),
    stop: &'a dyn Fn() -> bool,
    vault: Vault,
    poll: Duration,
}

impl<'a> Apply<'a> {
    /// Carries plans out on `host`. `report` is told what goes on; `stop` says whether to stop at the next safe point,
    /// which is between two changes or while waiting.
    pub(crate) fn new(
        host: &'a Host,
        journal: &'a mut dyn Journal,
        report: &'a mut dyn FnMut(Event<'_>),
        stop: &'a dyn Fn() -> bool,
    ) -> Self {
        Self { host, journal, report, stop, vault: Vault::default(), poll: Duration::from_secs(2) }
    }

    /// Looks at conditions this often while waiting, instead of every two seconds.
    #[cfg(test)]
    pub(crate) fn polling_every(mut self, poll: Duration) -> Self {
        self.poll = poll;
        self
    }

    /// Takes the steps of a plan and verifies what they brought about.
    ///
    /// # Errors
    /// The step that failed and why, or that the run was asked to stop. What was done until then stays.
    pub(crate) fn component(
        &mut self,
        component: Component,
        plan: &Plan,
    ) -> Result<ComponentResult, ApplyError> {
        if let Some(reason) = &plan.blocked {
            return Err(StepFailure::blocked(reason).into());
        }
        let of = plan.steps.len() + usize::from(!plan.verify.is_empty());
        for (step, number) in plan.steps.iter().zip(1..) {
            self.check_stop()?;
            (self.report)(Event::Started { title: &step.title, number, of });
            let effect = self.step(component, step).map_err(|trouble| trouble.at(&step.title))?;
            (self.report)(Event::Done { title: &step.title, effect });
        }
        self.verify(plan, of)?;
        remove_staged(plan);
        Ok(plan.result())
    }

    /// The passwords that were made, to be shown once at the end.
    pub(crate) fn into_vault(self) -> Vault {
        self.vault
    }

    fn step(&mut self, component: Component, step: &Step) -> Result<Effect, Trouble> {
        let title = &step.title;
        match &step.action {
            Action::Run(command) => self.run(component, title, command),
            Action::Fetch { artifact, to } => self.fetch(artifact, to),
            Action::Install { from, path, mode } => self.install(component, title, from, path, *mode),
            Action::Write { path, mode, content } => self.write(component, title, path, *mode, content),
            Action::EnsureDir { path, mode } => self.ensure_dir(component, title, path, *mode),
            Action::EnsureBlock { path, marker, lines } => {
                self.ensure_block(component, title, path, marker, lines)
            }
            Action::EnsureLine { path, line } => self.ensure_line(component, title, path, line),
            Action::EnsurePackages(packages) => self.ensure_packages(component, title, packages),
            Action::EnsureService(name) => self.ensure_service(component, title, name),
            Action::Apply(object) => self.apply_document(component, title, object),
            Action::ApplyFile(file) => self.apply_file(component, file),
            Action::Helm(release) => self.helm(component, title, release),
            Action::MakeDefaultClass(class) => self.make_default_class(component, title, class),
            Action::Wait(check) => self.wait(check).map(|()| Effect::Unchanged),
        }
    }

    fn verify(&mut self, plan: &Plan, of: usize) -> Result<(), ApplyError> {
        const TITLE: &str = "verification";
        if plan.verify.is_empty() {
            return Ok(());
        }
        self.check_stop()?;
        (self.report)(Event::Started { title: TITLE, number: of, of });
        for check in &plan.verify {
            self.wait(check).map_err(|trouble| trouble.in_verification(TITLE))?;
        }
        (self.report)(Event::Done { title: TITLE, effect: Effect::Unchanged });
        Ok(())
    }

    fn check_stop(&self) -> Result<(), ApplyError> {
        if (self.stop)() { Err(ApplyError::Interrupted) } else { Ok(()) }
    }
}

/// What was fetched is in its place now. If it cannot be removed, it is in nobody's way.
fn remove_staged(plan: &Plan) {
    let remove = |path: &Path| drop(std::fs::remove_file(path));
    for step in &plan.steps {
        match &step.action {
            Action::Fetch { to, .. } => {
                remove(to);
                remove(&promise_file(to));
            }
            Action::Install { from, .. } => remove(from),
            _ => {}
        }
    }
}
