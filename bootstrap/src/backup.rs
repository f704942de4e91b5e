//! What a backup of this host holds: files that configure k3s and what this program sets up around it, and the objects of the
//! cluster in a form that `kubectl apply` takes.
//!
//! Secrets are left out unless they are asked for, and what is left out is listed, so that nobody finds out at a restore. The
//! data of volumes and of the cluster's own store is not in it: k3s and Longhorn have snapshots of their own.

mod cluster;
mod contents;
mod files;

pub use contents::{Backup, BackupFile, SecretsInBackup};

use crate::host::Host;

/// Reads what belongs into a backup. Nothing on the host is changed.
pub fn collect(host: &Host, secrets: SecretsInBackup) -> Backup {
    let mut backup = Backup::default();
    files::collect(host, secrets, &mut backup);
    cluster::collect(host, secrets, &mut backup);
    backup
}
