//! From the steps of a plan to what each of them does.

use schema::Component;

use super::action::{Action, Step, UndoAction};
use super::condition::Check;
use super::error::{ExecutionError, StepError};
use super::executor::{Effect, Executor, StepEvent};

const VERIFICATION: &str = "verification";

impl Executor<'_> {
    /// Takes the steps of a component and verifies what they brought about. A component counts as done only when its
    /// verification has passed.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use bootstrap::host::{Host, RunLog};
    /// use bootstrap::step::{Action, Executor, Journal, Step, Update};
    /// use manifest::{MachineFingerprint, MachineId, ManifestError, PrivateContext, RunId};
    /// use schema::{Component, Execution, Id, Mode, UtcSeconds};
    ///
    /// /// A journal that is kept in memory; that of a run returns only when the record is on the disk.
    /// struct Memory(PrivateContext, UtcSeconds);
    ///
    /// impl Journal for Memory {
    ///     fn context(&self) -> &PrivateContext {
    ///         &self.0
    ///     }
    ///
    ///     fn update(&mut self, change: Update<'_>) -> Result<(), ManifestError> {
    ///         change(&mut self.0, self.1);
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let root = tempfile::tempdir()?;
    /// let host = Host::stand_in(root.path(), Vec::new(), bootstrap::host::RootAccess::Root, RunLog::discard());
    /// let now = UtcSeconds::parse("2026-11-22T07:50:02Z")?;
    /// let run = RunId::new(Id::parse("9f86d081884c7d65")?);
    /// let machine = MachineFingerprint::of(&MachineId::read(root.path()));
    /// let mut journal = Memory(PrivateContext::begin(&run, Execution::Apply, Mode::Server, machine, now), now);
    ///
    /// let line = Action::EnsureLine { path: "/exports".into(), line: "/srv 10.0.0.0/8(ro)".to_owned() };
    /// let steps = [Step::new("export line", line)];
    /// let (mut show, stop) = (|_: bootstrap::step::StepEvent<'_>| {}, || false);
    /// Executor::new(&host, &mut journal, &mut show, &stop).component(Component::Nfs, &steps, &[])?;
    ///
    /// assert_eq!(std::fs::read_to_string(root.path().join("exports"))?, "/srv 10.0.0.0/8(ro)\n");
    /// assert_eq!(journal.0.steps.len(), 1, "the change is written down, with what undoes it");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The step that failed and why, or that the run was asked to stop. What was done until then stays.
    pub fn component(
        &mut self,
        component: Component,
        steps: &[Step],
        verify: &[Check],
    ) -> Result<(), ExecutionError> {
        let of = steps.len() + usize::from(!verify.is_empty());
        for (step, number) in steps.iter().zip(1..) {
            let title = &step.title;
            self.safe_point().map_err(|error| error.at(component, title))?;
            self.report(StepEvent::Started { title, number, of });
            let effect =
                self.perform(component, step).map_err(|error| self.ended(error).at(component, title))?;
            self.report(StepEvent::Done { title, effect });
        }
        self.verify(component, verify, of)?;
        Ok(())
    }

    /// What fails after a request to stop has failed because of it, or does not matter any more: whoever asked is told that
    /// the run stopped, whatever a command said last.
    fn ended(&self, error: StepError) -> StepError {
        self.safe_point().err().unwrap_or(error)
    }

    fn verify(&mut self, component: Component, verify: &[Check], of: usize) -> Result<(), ExecutionError> {
        if verify.is_empty() {
            return Ok(());
        }
        self.safe_point().map_err(|error| error.in_verification(component, VERIFICATION))?;
        self.report(StepEvent::Started { title: VERIFICATION, number: of, of });
        for check in verify {
            self.wait_for(check)
                .map_err(|error| self.ended(error).in_verification(component, VERIFICATION))?;
        }
        self.report(StepEvent::Done { title: VERIFICATION, effect: Effect::Unchanged });
        Ok(())
    }

    /// Does what one step says.
    ///
    /// # Errors
    /// It failed, part of it may have happened; or the executor was asked to stop while it waited.
    pub fn perform(&mut self, component: Component, step: &Step) -> Result<Effect, StepError> {
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
            Action::EnsureHosts { path, marker, names } => {
                self.ensure_hosts(component, title, path, marker, names)
            }
            Action::EnsureRegistry(entry) => self.ensure_registry(component, title, entry),
            Action::Push(push) => self.push(component, title, push),
            Action::CopyKubeconfig(former) => self.copy_kubeconfig(component, title, *former),
            Action::EnsureLine { path, line } => self.ensure_line(component, title, path, line),
            Action::EnsurePackages(packages) => self.ensure_packages(component, title, packages),
            Action::EnsureService(name) => self.ensure_service(component, title, name),
            Action::InstallService { service, script } => {
                self.install_service(component, title, service, script)
            }
            Action::StartService(service) => self.start_service(component, title, service),
            Action::Apply(object) => self.apply_document(component, title, object),
            Action::Offer(object) => self.offer_document(component, title, object),
            Action::ApplyFile(file) => self.apply_file(component, file),
            Action::Helm(release) => self.helm(component, title, release),
            Action::MakeDefaultClass(class) => self.make_default_class(component, title, class),
            Action::Wait(check) => self.wait_for(check).map(|()| Effect::Unchanged),
            Action::Undo(action) => self.take_back(action).map(|()| Effect::Changed),
        }
    }

    /// These are not written down one by one: their caller writes down which step of the record they undo, see
    /// [`Executor::undo`].
    fn take_back(&mut self, action: &UndoAction) -> Result<(), StepError> {
        match action {
            UndoAction::Run(command) => Ok(self.host.run(command).map(drop)?),
            UndoAction::RestoreFile { path, previous } => self.restore_file(path, previous),
            UndoAction::RemoveOfCaller { path, sha256 } => Ok(self.host.remove_of_caller(path, sha256)?),
            UndoAction::RemoveDir(path) => self.remove_dir(path),
            UndoAction::RestoreBlock { path, marker, previous, former_mode } => {
                self.restore_block(path, marker, previous.as_deref(), former_mode.as_ref())
            }
            UndoAction::RemoveLine { path, line } => self.remove_line(path, line),
            UndoAction::RestoreService(former) => self.restore_service(former),
            UndoAction::DeleteObject { object, uid } => self.delete_object(object, uid),
            UndoAction::AwaitAbsent { object, uid } => self.await_absent(object, uid),
            UndoAction::UninstallRelease { namespace, release, confirmation } => {
                self.uninstall_release(namespace, release, confirmation.as_ref())
            }
            UndoAction::RestoreDefaultClass { from, to } => self.restore_default_class(from.as_deref(), to),
        }
    }
}
