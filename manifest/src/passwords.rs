//! Generated passwords that no run has shown yet.
//!
//! A run writes a password into its private context before it uses it, and removes it when the operator has seen it. What
//! is left belongs to a run that failed or died: the next run moves it to its own record, uses it and shows it.

use std::collections::BTreeMap;

use schema::Component;

use crate::context::PrivateContext;
use crate::error::ManifestError;
use crate::fingerprint::MachineId;
use crate::run_id::RunId;
use crate::runs_dir::{RunsDir, write_private};

/// Passwords that earlier runs have left, and where.
#[derive(Default)]
pub struct LeftPasswords {
    /// The newest password of each component.
    pub by_component: BTreeMap<Component, String>,
    runs: Vec<RunId>,
}

impl RunsDir {
    /// Finds the passwords that earlier runs on `machine` have left. Records that cannot be read are skipped. To be
    /// called while no other run changes the host.
    ///
    /// # Errors
    /// [`ManifestError::Disk`] if the directory cannot be listed.
    pub fn left_passwords(&self, machine: &MachineId) -> Result<LeftPasswords, ManifestError> {
        let mut left = LeftPasswords::default();
        let contexts = self.history(machine)?.contexts.into_iter();
        for context in contexts.filter(|context| !context.generated_passwords.is_empty()) {
            for (component, password) in context.generated_passwords {
                left.by_component.entry(component).or_insert(password);
            }
            left.runs.push(RunId::new(context.run_id));
        }
        Ok(left)
    }

    /// Removes the passwords from the records that they were left in, once they are written down elsewhere.
    ///
    /// # Errors
    /// A record cannot be written. Its passwords are found again by the next run.
    pub fn forget_passwords(&self, left: &LeftPasswords) -> Result<(), ManifestError> {
        for run in &left.runs {
            let mut context: PrivateContext = self.load_private(run)?;
            context.generated_passwords.clear();
            write_private(&self.dir, run, &context)?;
        }
        Ok(())
    }
}
