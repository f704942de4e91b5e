//! The run on disk: public manifest, private context, locks, and recovery after a crash.
//!
//! A run owns three files in its [`RunsDir`]: the public manifest, which has passed the gate and may be shared; the
//! private context, which is read by this crate alone and tells rollback what to undo; and the log. The log is made
//! first and locked for as long as the process lives, so that its lock distinguishes a living run from a dead one, even
//! if a process id is reused. Another lock, [`RunsDir::lock`], allows one mutating run at a time; dry runs do not need
//! it.

mod context;
mod error;
mod fingerprint;
mod history;
mod lock;
mod passwords;
mod recovery;
mod run_id;
mod runs_dir;

pub use context::{
    FormerMode, Intent, JournalOutcome, LocalFacts, LonghornFacts, ManifestEvent, NfsFacts, PreviousFile,
    PriorState, PrivateContext, RegistryFacts, RollbackRecord, StepRecord, StepState, TlsFacts, Undo,
};
pub use error::{LockHolder, ManifestError};
pub use fingerprint::{MachineFingerprint, MachineId, sha256_hex};
pub use history::History;
pub use lock::FileLock;
pub use passwords::LeftPasswords;
pub use recovery::{CRASHED_RUN_EXIT_CODE, Recovery, recover_crashed_runs};
pub use run_id::RunId;
pub use runs_dir::{RunFiles, RunsDir};
