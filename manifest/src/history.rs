//! What former runs recorded, for a run that must distinguish our changes from those of others.

use crate::context::PrivateContext;
use crate::error::ManifestError;
use crate::fingerprint::MachineId;
use crate::recovery::newest_first;
use crate::runs_dir::RunsDir;

/// At most this many of the newest runs are read.
const MAX_READ: usize = 512;

impl RunsDir {
    /// The private contexts of the runs on `machine`, the newest first. What a record that cannot be read
    /// is about counts as foreign, and is left alone.
    ///
    /// # Errors
    /// [`ManifestError::Disk`] if the directory cannot be listed.
    pub fn contexts(&self, machine: &MachineId) -> Result<Vec<PrivateContext>, ManifestError> {
        let runs = newest_first(self)?.into_iter().take(MAX_READ);
        let contexts = runs.filter_map(|(_, run)| self.load_private(&run).ok());
        Ok(contexts.filter(|context| context.machine.matches(machine)).collect())
    }
}
