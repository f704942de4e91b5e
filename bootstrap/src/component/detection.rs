//! What was found of a component before anything was changed.

use std::fmt;
use std::path::PathBuf;

use schema::{Component, DetectedBefore};

use super::deviation::Deviation;
use crate::host::ProbeError;
use crate::step::{FormerCopy, ObjectRef};

/// State of a component. A probe that failed says [`Detection::Unknown`], never [`Detection::Missing`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detection {
    /// It is there.
    Present,
    /// A part of it is there, such as a former run left it.
    Incomplete(Gap),
    /// It is certainly not there.
    Missing,
    /// It could not be found out.
    Unknown(ProbeError),
    /// The host is something that rules the component out.
    Conflict(Conflict),
    /// The run has no use for it.
    NotNeeded,
    /// The NFS server is there and the export is listed.
    PresentWithExport,
    /// The NFS server is there and the export is not listed.
    PresentWithoutExport,
}

/// What a component lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gap {
    /// Its service ends again and again, or has not become ready in its time.
    #[error("service {service} is {state}")]
    ServiceState {
        /// Its name.
        service: &'static str,
        /// The state, as systemd calls it.
        state: String,
    },
    /// Its service does not run, and would run just what a run installs.
    #[error("service {0} does not run")]
    Stopped(&'static str),
    /// Its program is gone.
    #[error("{0} is missing")]
    NoProgram(&'static str),
    /// What a run installed is set otherwise than this one would set it.
    #[error("service {service} runs with other settings: {}", listed(deviations))]
    OtherFlags {
        /// The service.
        service: &'static str,
        /// What differs.
        deviations: Vec<Deviation>,
    },
    /// Its service runs, and it does not work.
    #[error("{0}")]
    NotVerified(String),
    /// Its helm release did not get as far as being deployed.
    #[error("its helm release is {0}")]
    Release(String),
    /// Some of its objects do not exist.
    #[error("{} missing", list(.0))]
    Objects(Vec<ObjectRef>),
    /// The storage class that the settings ask for does not exist.
    #[error("storage class {0} is missing")]
    StorageClass(&'static str),
    /// The storage class that the settings ask for is not the default one.
    #[error("storage class {0} is not the default")]
    DefaultClass(&'static str),
    /// k3s on this host does not know the registry, or not with the login and the certificate of now.
    #[error("k3s' registries.yaml lacks its entry, or the login or the authority in it")]
    NodesTrust,
    /// A run ended in the middle of it, and nothing else tells what is left to do.
    #[error("a run ended before it was done with it")]
    Unfinished,
    /// The registry lets everybody in, and the settings ask for a login.
    #[error("its deployment asks for no login")]
    NoLogin,
    /// k3s would make its own storage class the default again at its next start.
    #[error("k3s marks its own storage class as the default at each start")]
    DefaultClassUndone,
    /// The exports were not reloaded since the line was added.
    #[error("the kernel does not export what /etc/exports lists")]
    NotExported,
    /// Packages of the distribution are missing.
    #[error("package {0} is missing")]
    Package(&'static str),
    /// The block of the hosts file holds other lines.
    #[error("the block holds other lines")]
    OtherLines,
    /// The file holds another certificate.
    #[error("the file holds another certificate")]
    OtherCertificate,
    /// The caller asked for a copy of the credentials and has none, or not that of now.
    #[error("~/.kube/k3s.yaml is no private copy of the cluster's credentials")]
    UserKubeconfig(FormerCopy),
    /// There is a file, and no cluster whose certificate it could be compared with.
    #[error("there is no cluster to compare the file with")]
    NoCluster,
}

/// Something on the host that rules a component out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// A host is a server or an agent, not both.
    #[error("service {0} is active on this host")]
    OtherRole(&'static str),
    /// A host is a server or an agent, not both, even if the other one is stopped.
    #[error("service {0} is installed on this host; remove it by its own uninstall script first")]
    OtherRoleInstalled(&'static str),
    /// A service that no run of this host installed would run otherwise than after a run.
    #[error(
        "service {service} is not of a run of this host, and differs from what a run would install: {}; to keep it as it is: \
         --skip k3s",
        listed(deviations)
    )]
    ForeignService {
        /// The service.
        service: &'static str,
        /// What differs.
        deviations: Vec<Deviation>,
    },
    /// The caller has other credentials where a copy of the cluster's is asked for.
    #[error(
        "{} is there and is not for the cluster of this host; move it to another name, or leave host.user_kubeconfig out",
        .0.display()
    )]
    ForeignKubeconfig(PathBuf),
    /// Clients use it as it is set, and the run would set it otherwise.
    #[error(
        "its {what} is {found}, and this run asks for {asked}; to keep it, {keep}; to change it, rerun after: {change}"
    )]
    OtherSetting {
        /// What differs.
        what: &'static str,
        /// How it is set.
        found: String,
        /// How the run would set it.
        asked: String,
        /// How a run keeps it.
        keep: Keep,
        /// After what a run sets it: a command, or words where there is none.
        change: String,
    },
    /// It has a login, and no record has the password that was generated for it.
    #[error(
        "the password of its login is not known here; to keep it, set {input}; for a new one, rerun after: {change}"
    )]
    UnknownPassword {
        /// The input that says the password.
        input: &'static str,
        /// The command after which a run makes another one.
        change: &'static str,
    },
}

/// How a run keeps what is there as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// These inputs say how it is set.
    Set(&'static str),
    /// No input can say it, and the run leaves the component out.
    LeaveOut(Component),
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(inputs) => write!(f, "set {inputs}"),
            Self::LeaveOut(component) => {
                let (name, upper) = (component.as_str(), component.as_str().to_uppercase());
                write!(f, "leave it out (--skip {name}, or PRODUCTIVE_K3S_COMPONENTS_{upper}=skip)")
            }
        }
    }
}

impl Detection {
    /// The word of the manifest.
    pub fn word(&self) -> DetectedBefore {
        match self {
            Self::Present | Self::Incomplete(_) => DetectedBefore::Present,
            Self::Missing => DetectedBefore::Missing,
            Self::Unknown(_) | Self::Conflict(_) => DetectedBefore::Unknown,
            Self::NotNeeded => DetectedBefore::NotNeeded,
            Self::PresentWithExport => DetectedBefore::PresentWithExport,
            Self::PresentWithoutExport => DetectedBefore::PresentWithoutExport,
        }
    }

    /// What there is to say beyond the word, for the operator.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Incomplete(gap) => Some(gap.to_string()),
            Self::Unknown(error) => Some(error.to_string()),
            Self::Conflict(conflict) => Some(conflict.to_string()),
            _ => None,
        }
    }
}

impl From<Result<Self, ProbeError>> for Detection {
    fn from(found: Result<Self, ProbeError>) -> Self {
        found.unwrap_or_else(Self::Unknown)
    }
}

fn listed(deviations: &[Deviation]) -> String {
    deviations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn list(objects: &[ObjectRef]) -> String {
    let names: Vec<String> = objects.iter().map(ToString::to_string).collect();
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}
