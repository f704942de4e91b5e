//! What former runs wrote down, for a run that has to tell its own from what is somebody else's.

use crate::context::PrivateContext;
use crate::error::ManifestError;
use crate::fingerprint::MachineId;
use crate::recovery::newest_first;
use crate::runs_dir::RunsDir;

/// At most this many of the newest runs are looked into.
const MAX_READ: usize = 512;

impl RunsDir {
    /// The private contexts of the runs on `machine`, the newest first. A record that cannot be read tells nothing, so what
    /// it is about is taken for somebody else's and left alone.
    ///
    /// # Errors
    /// [`ManifestError::Disk`] if the directory cannot be listed.
    pub fn contexts(&self, machine: &MachineId) -> Result<Vec<PrivateContext>, ManifestError> {
        let runs = newest_first(self)?.into_iter().take(MAX_READ);
        let contexts = runs.filter_map(|(_, run)| self.load_private(&run).ok());
        Ok(contexts.filter(|context| context.machine.matches(machine)).collect())
    }
}
