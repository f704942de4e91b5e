//! A backup before it is written.

use serde::Serialize;

/// Whether tokens, passwords and keys are in a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretsInBackup {
    /// They are.
    Included,
    /// They are not.
    Excluded,
}

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFile {
    /// Its path in the backup.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// The permission bits that it had on the host; in the backup it is its owner's alone.
    pub mode: Option<u32>,
}

/// A backup before it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backup {
    /// Its files.
    pub files: Vec<BackupFile>,
    /// What is a secret, or may hold one, and was excluded.
    pub excluded: Vec<String>,
    /// What could not be read.
    pub problems: Vec<String>,
}
