//! What a run writes down of itself, kept true at every moment.

use chrono::Utc;
use manifest::{LocalFacts, MachineId, ManifestError, PrivateContext, RunFiles};
use privacy::Gate;
use schema::{
    Component, ComponentRecord, ComponentResult, Features, Finish, Issuer, RunManifest, Step, UtcSeconds,
};

use crate::component::RunHistory;
use crate::secret::Secret;
use crate::step::{Journal, Update};

/// The current time as documents state it.
pub fn now() -> UtcSeconds {
    UtcSeconds::from(Utc::now())
}

/// An error with its sources, outermost first. Messages of this workspace leave their sources out, so that a caller which
/// prints the whole chain says nothing twice.
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

/// The public manifest and the private context of one run, written after every change.
///
/// A record that cannot be written does not stop the run: the first problem of each file is kept as a warning. A
/// manifest that the gate refuses is never written in public form.
#[derive(Debug)]
pub struct RunRecorder {
    files: RunFiles,
    gate: Gate,
    public: RunManifest,
    private: PrivateContext,
    warnings: Vec<String>,
}

impl RunRecorder {
    /// Writes the first record: `running`.
    ///
    /// # Errors
    /// The directory does not take the files; nothing has happened on the host yet, so the run should not begin.
    pub fn begin(
        files: RunFiles,
        gate: Gate,
        public: RunManifest,
        private: PrivateContext,
    ) -> Result<Self, ManifestError> {
        // The private context first: a public manifest without one would promise a rollback that cannot be made.
        files.write_private(&private)?;
        let mut record = Self { files, gate, public, private, warnings: Vec::new() };
        match record.files.write_public(&record.public, &record.gate) {
            Err(refused @ ManifestError::Rejected(_)) => record.keep_warning(&refused),
            written => written?,
        }
        Ok(record)
    }

    /// The public manifest as it stands.
    pub fn public(&self) -> &RunManifest {
        &self.public
    }

    /// The files of the run.
    pub fn files(&self) -> &RunFiles {
        &self.files
    }

    /// Problems with the files so far, each told once.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Records that the run has come to `step`.
    pub fn enter_step(&mut self, step: Step) {
        self.public.current_step = step;
        self.write_public();
    }

    /// Records the settings of the run.
    pub fn set_settings(&mut self, features: Features, local: LocalFacts) {
        self.public.features = features;
        self.private.local = local;
        self.write_private();
        self.write_public();
    }

    /// Records what is planned for the components, all at once.
    pub fn set_plan(
        &mut self,
        components: impl IntoIterator<Item = (Component, ComponentRecord)>,
        issuer: Issuer,
    ) {
        for (component, record) in components {
            self.public.components.set(component, record);
        }
        self.public.components.set_issuer(issuer);
        self.write_public();
    }

    /// Records what became of a component.
    pub fn set_result(&mut self, component: Component, result: ComponentResult) {
        self.public.components.set_result(component, result);
        self.write_public();
    }

    /// Takes over the passwords that earlier runs on `machine` generated and did not show. To be called while no other run
    /// changes the host.
    pub fn adopt_passwords(&mut self, machine: &MachineId) {
        let runs = self.files.runs();
        let adopted = runs.left_passwords(machine).and_then(|left| {
            self.private.generated_passwords.clone_from(&left.by_component);
            if left.by_component.is_empty() {
                return Ok(());
            }
            // Written here before it is removed there: a crash in between leaves two, and never none.
            self.files.write_private(&self.private)?;
            runs.forget_passwords(&left)
        });
        if let Err(error) = adopted {
            self.keep_warning(&error);
        }
    }

    /// Passwords that were generated and not shown yet.
    pub fn generated_passwords(&self) -> Vec<(Component, Secret)> {
        let made = self.private.generated_passwords.iter();
        made.map(|(component, password)| (*component, Secret::new(password.as_str()))).collect()
    }

    /// Removes the passwords, which the operator has seen, from the record.
    pub fn forget_passwords(&mut self) {
        if !self.private.generated_passwords.is_empty() {
            self.private.generated_passwords.clear();
            self.write_private();
        }
    }

    /// What former runs on this machine did.
    pub fn history(&self) -> RunHistory {
        RunHistory::of(self.files.runs())
    }

    /// Records the version of a component that was found, where it is another one than the run would have installed.
    pub fn set_version(&mut self, component: Component, version: String) {
        self.private.local.versions.insert(component, version);
        self.write_private();
    }

    /// Records the end of the run.
    pub fn finish(&mut self, finish: Finish, exit_code: u8) {
        let at = now();
        self.public.finish(finish, exit_code, at);
        self.private.finish(finish.status(), at);
        self.write_private();
        self.write_public();
    }

    fn write_public(&mut self) {
        if let Err(error) = self.files.write_public(&self.public, &self.gate) {
            self.keep_warning(&error);
        }
    }

    fn write_private(&mut self) {
        if let Err(error) = self.files.write_private(&self.private) {
            self.keep_warning(&error);
        }
    }

    fn keep_warning(&mut self, error: &ManifestError) {
        let warning = format!("the record of this run is incomplete: {}", error_chain(error));
        // A full disk fails every write of the run; once is enough.
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

impl Journal for RunRecorder {
    fn context(&self) -> &PrivateContext {
        &self.private
    }

    fn update(&mut self, change: Update<'_>) -> Result<(), ManifestError> {
        change(&mut self.private, now());
        self.files.write_private(&self.private)
    }
}
