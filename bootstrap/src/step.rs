//! What a run does to a host, as data: a dry run prints the very steps that a run carries out.

mod artifact;
mod check;
mod command;
mod describe;
mod document;
mod kube;
pub mod lines;
mod observe;
mod revision;
mod storage;

use std::path::PathBuf;

pub use artifact::{Artifact, ChecksumSource, Origin, Sha256Sum, checksum_path};
pub use check::{Check, Condition};
pub use command::{
    FIELD_MANAGER, apply_object, default_class_patch, delete_object, delete_secret, download, enable_service,
    helm_uninstall, helm_upgrade, install_packages, list_namespace, longhorn_setting, namespaced_kinds,
};
pub use document::{Document, SecretKeyRef, SecretSource};
pub use kube::{Found, Kube, ObjectRef};
pub use observe::{ConditionStatus, certificate};
pub use revision::Revision;
pub use storage::{STORAGE_CLASSES, default_classes};

use crate::host::Command;
use crate::secret::Secret;

/// One step of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it is for, in a few words: `install script of k3s`.
    pub title: String,
    /// What it does.
    pub action: Action,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Runs a command that changes nothing that is worth undoing by itself.
    Run(Command),
    /// Brings an artifact to `to`, a path of this machine, and checks it. An artifact that is there and passes the check
    /// is left alone.
    Fetch {
        /// The artifact.
        artifact: Artifact,
        /// Where it goes.
        to: PathBuf,
    },
    /// Puts a copy of a fetched file in its place in the system. A file that was not there to fetch is left out.
    Install {
        /// The fetched file.
        from: PathBuf,
        /// Its place.
        path: PathBuf,
        /// Permission bits.
        mode: u32,
    },
    /// Writes a file.
    Write {
        /// The file.
        path: PathBuf,
        /// Permission bits.
        mode: u32,
        /// What it holds.
        content: Content,
    },
    /// Makes a folder and those above it.
    EnsureDir {
        /// The folder.
        path: PathBuf,
        /// Permission bits.
        mode: u32,
    },
    /// Puts marked lines into a text file, in place of the block of the same name.
    EnsureBlock {
        /// The file.
        path: PathBuf,
        /// Word in the marker lines.
        marker: String,
        /// The lines between them.
        lines: Vec<String>,
    },
    /// Adds a line to a text file unless it is there. All other lines stay as they are.
    EnsureLine {
        /// The file, which is made if it is missing.
        path: PathBuf,
        /// The line without its line break.
        line: String,
    },
    /// Installs packages of the distribution that are not there.
    EnsurePackages(Vec<String>),
    /// Enables and starts a service.
    EnsureService(String),
    /// Gives the cluster an object by server-side apply.
    Apply(Document),
    /// Gives the cluster every object of a fetched YAML file, one by one.
    ApplyFile(PathBuf),
    /// Installs a chart or brings its release up to date.
    Helm(HelmRelease),
    /// Makes a storage class the default one and no other.
    MakeDefaultClass(String),
    /// Waits until something is so.
    Wait(Check),
}

/// What a written file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Text that must not be shown.
    Secret(Secret),
    /// The certificate that a secret of the cluster holds: that of its authority, or else its own.
    Certificate(ObjectRef),
}

/// A release of a fetched chart.
#[derive(Clone, Debug, PartialEq)]
pub struct HelmRelease {
    /// Name of the release.
    pub release: String,
    /// Its namespace, made if it is missing.
    pub namespace: String,
    /// The fetched chart.
    pub chart: PathBuf,
    /// Values of the chart.
    pub values: Document,
}

impl Step {
    /// A step.
    pub fn new(title: impl Into<String>, action: Action) -> Self {
        Self { title: title.into(), action }
    }
}
