//! What rollback needs to know of one step.
//!
//! An undo names one thing that the run made, with what tells it from a later thing of the same name: a checksum, a
//! UID, a revision. Commands are not recorded: rollback decides what to run from what it sees then, and a record
//! that was tampered with can at most name another thing, never another program.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::fingerprint::sha256_hex;

/// What a step created or changed, exactly enough to undo that and nothing else.
///
/// What is only known afterwards is absent in the intent of a step. It stays absent after a crash in the middle, and
/// rollback then cannot tell what is the run's own and leaves it to the operator.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Undo {
    /// The step created and changed nothing.
    None,
    /// A file was created or replaced.
    File {
        /// Absolute path.
        path: PathBuf,
        /// SHA-256 of what was written, in hexadecimal: another content means that it was changed since.
        sha256: String,
        /// What was there.
        previous: PreviousFile,
    },
    /// A directory was created, to be removed only when empty.
    Directory {
        /// Absolute path.
        path: PathBuf,
    },
    /// A marked block was put into a file.
    LineBlock {
        /// Absolute path of the file.
        path: PathBuf,
        /// Word in the first and last line of the block that tells it from others.
        marker: String,
        /// SHA-256 of the block, marker lines included, in hexadecimal.
        sha256: String,
        /// The block that was there under the same marker, marker lines included.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<String>,
        /// The mode that the step took from the file; absent if it left the mode as it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        former_mode: Option<FormerMode>,
    },
    /// One line was added to a file.
    Line {
        /// Absolute path of the file.
        path: PathBuf,
        /// The line without its line break.
        line: String,
    },
    /// A Kubernetes object was created.
    Object {
        /// Such as `apps/v1`.
        api_version: String,
        /// Such as `Deployment`. Named apart from `kind`, which is the tag of this enum.
        object_kind: String,
        /// Its namespace, absent for objects of the whole cluster.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        /// Its name.
        name: String,
        /// Its UID, known once it was created: an object with another UID is not the run's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uid: Option<String>,
    },
    /// A helm release was installed.
    HelmRelease {
        /// Its name.
        release: String,
        /// Its namespace.
        namespace: String,
        /// Its revision, known once it was installed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revision: Option<u32>,
    },
    /// A package was installed that was not there.
    Package {
        /// Its name.
        name: String,
    },
    /// A service was enabled that was not.
    Service {
        /// Name of its unit.
        name: String,
    },
    /// A script wrote the unit of a service, and enabled it.
    ServiceUnit {
        /// Name of the service.
        name: String,
        /// SHA-256 of the unit in hexadecimal, known once it was written: another content means that another program
        /// wrote it since.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha256: Option<String>,
        /// The former unit.
        unit: PreviousFile,
        /// The former file of the service's environment.
        environment: PreviousFile,
        /// Whether the service was started at boot.
        enabled: bool,
    },
    /// The default storage class was switched.
    DefaultStorageClass {
        /// The former default, absent if there was none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// The new default.
        to: String,
    },
}

/// The mode of a file before a step put a secret into it, and therefore closed it to all but its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormerMode {
    /// Permission bits.
    pub mode: u32,
    /// SHA-256 of the file without the block, in hexadecimal. What was added to a closed file may be a secret as well, so
    /// that only a file with the same other lines gets its mode back.
    pub rest_sha256: String,
}

impl FormerMode {
    /// The permission bits of the closed file.
    pub fn closed(&self) -> u32 {
        self.mode & 0o700
    }
}

/// What was at the path of a file that a step wrote.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum PreviousFile {
    /// Nothing.
    Absent,
    /// A text, kept whole so that it can be restored. Never used for a file that holds secrets.
    Text {
        /// The text.
        content: String,
        /// Permission bits.
        mode: u32,
    },
    /// Something that is not kept: binary or too long. Rollback cannot restore it.
    NotKept {
        /// SHA-256 in hexadecimal.
        sha256: String,
    },
}

impl PreviousFile {
    /// Longer texts are not kept.
    pub const MAX_TEXT_BYTES: usize = 64 * 1024;

    /// What `content` with permission bits `mode` was, kept if it can be.
    pub fn of(content: &[u8], mode: u32) -> Self {
        match std::str::from_utf8(content) {
            Ok(text) if text.len() <= Self::MAX_TEXT_BYTES => {
                Self::Text { content: text.to_owned(), mode: mode & 0o7777 }
            }
            _ => Self::NotKept { sha256: sha256_hex(content) },
        }
    }

    /// Whether putting it back sets none of the bits above the permissions, such as set-user-ID.
    pub fn has_plain_mode(&self) -> bool {
        !matches!(self, Self::Text { mode, .. } if mode & !0o777 != 0)
    }
}

impl Undo {
    /// The undo of a file that is about to be written with `content`.
    pub fn file(path: &Path, content: &[u8], previous: PreviousFile) -> Self {
        Self::File { path: path.to_owned(), sha256: sha256_hex(content), previous }
    }
}

impl std::fmt::Debug for Undo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Undo(withheld)")
    }
}

impl std::fmt::Debug for PreviousFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PreviousFile(withheld)")
    }
}
