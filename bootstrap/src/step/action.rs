//! One step of a plan, and what it does. Applying and undoing are both lists of these.

use std::path::PathBuf;

use manifest::{FormerMode, PreviousFile};

use super::artifact::Artifact;
use super::condition::Check;
use super::document::Document;
use super::kube::ObjectRef;
use super::kubeconfig::FormerCopy;
use super::registries::RegistryEntry;
use super::registry_push::RegistryPush;
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
    /// Brings an artifact to `to`, a path of this machine, and checks it. It is fetched anew also where it is there
    /// already: what an earlier run left could be anybody's by now.
    Fetch {
        /// The artifact.
        artifact: Artifact,
        /// Where it goes.
        to: PathBuf,
    },
    /// Puts a copy of a fetched file in its place in the system.
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
    /// Makes a directory and those above it.
    EnsureDir {
        /// The directory.
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
    /// Puts names of the cluster into a hosts file, as [`Action::EnsureBlock`] does, with the address of this host's node.
    /// It is not known before there is a cluster.
    EnsureHosts {
        /// The file.
        path: PathBuf,
        /// Word in the marker lines.
        marker: String,
        /// The names.
        names: Vec<String>,
    },
    /// Puts an entry into the file by which k3s knows private registries. Entries of others stay as they are.
    EnsureRegistry(RegistryEntry),
    /// Pushes a blob to a registry, slowly, and cancels the upload.
    Push(RegistryPush),
    /// Copies the credentials of the cluster to `~/.kube/k3s.yaml` of the user who called, for that user alone.
    CopyKubeconfig(FormerCopy),
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
    /// Runs a script that writes the unit of a service and enables it. The unit, its environment and its enablement are kept
    /// in the record before, and looked at afterwards.
    InstallService {
        /// The service.
        service: String,
        /// The script.
        script: Command,
    },
    /// Enables a service and has systemd start it, or start it once more, without waiting for it.
    StartService(String),
    /// Gives the cluster an object by server-side apply.
    Apply(Document),
    /// Gives the cluster an object, unless somebody else has made one of that name: that one stays as it is.
    Offer(Document),
    /// Gives the cluster every object of a fetched YAML file, one by one.
    ApplyFile(PathBuf),
    /// Installs a chart or brings its release up to date.
    Helm(HelmRelease),
    /// Makes a storage class the default one and no other.
    MakeDefaultClass(String),
    /// Waits until something is so.
    Wait(Check),
    /// Takes something back that an earlier step did.
    Undo(UndoAction),
}

/// What takes a change back. Each touches only what its record names, and is as content if that is gone already.
#[derive(Clone, Debug, PartialEq)]
pub enum UndoAction {
    /// Runs a command.
    Run(Command),
    /// Puts back what was in the place of a file: its content, or nothing.
    RestoreFile {
        /// The file.
        path: PathBuf,
        /// What was there.
        previous: PreviousFile,
    },
    /// Removes a file from a directory of the user who called, if it is what a run wrote.
    RemoveOfCaller {
        /// The file.
        path: PathBuf,
        /// SHA-256 of what the run wrote, in hexadecimal.
        sha256: String,
    },
    /// Removes a directory that must be empty.
    RemoveDir(PathBuf),
    /// Takes marked lines out of a text file, or puts the former ones back.
    RestoreBlock {
        /// The file.
        path: PathBuf,
        /// Word in the marker lines.
        marker: String,
        /// The former block, marker lines included.
        previous: Option<String>,
        /// The mode to put back as well, if nobody has changed the rest of the file or its mode since.
        former_mode: Option<FormerMode>,
    },
    /// Takes a line out of a text file. All other lines stay as they are.
    RemoveLine {
        /// The file.
        path: PathBuf,
        /// The line without its line break.
        line: String,
    },
    /// Puts back what a service was before its unit was written.
    RestoreService(FormerService),
    /// Deletes one object, and no other that took its name. That it is gone already is as good.
    DeleteObject {
        /// The object.
        object: ObjectRef,
        /// Its UID; the API server refuses to delete another.
        uid: String,
    },
    /// Waits until an object is gone, or another has its name.
    AwaitAbsent {
        /// The object.
        object: ObjectRef,
        /// Its UID.
        uid: String,
    },
    /// Removes a release and waits until its objects are gone.
    UninstallRelease {
        /// Its namespace.
        namespace: String,
        /// Its name.
        release: String,
        /// A setting of Longhorn that must say `true` while its release is removed, and again `false` if that fails.
        confirmation: Option<ObjectRef>,
    },
    /// Makes the former storage class the default one again.
    RestoreDefaultClass {
        /// The former default, if there was one.
        from: Option<String>,
        /// The class that a run had made the default.
        to: String,
    },
}

/// A service as it was before a step wrote its unit.
#[derive(Clone, Debug, PartialEq)]
pub struct FormerService {
    /// Its name.
    pub service: String,
    /// Its unit.
    pub unit: PreviousFile,
    /// The file of its environment.
    pub environment: PreviousFile,
    /// Whether it was started at boot.
    pub enabled: bool,
}

/// What a written file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Text that must not be shown.
    Secret(Secret),
    /// Text that may be shown.
    Text(String),
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
    /// Whether all it does is to change a part of a file that belongs to the host.
    pub fn edits_a_shared_file(&self) -> bool {
        matches!(
            self.action,
            Action::EnsureBlock { .. } | Action::EnsureHosts { .. } | Action::EnsureLine { .. }
        )
    }

    /// A step.
    pub fn new(title: impl Into<String>, action: Action) -> Self {
        Self { title: title.into(), action }
    }
}
