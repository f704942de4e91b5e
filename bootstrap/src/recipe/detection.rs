//! What was found of a component before anything was changed.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use schema::{DetectedBefore, Mode};

use super::k3s;
use crate::host::Host;
use crate::settings::Settings;
use crate::step::{Found, Kube, ObjectRef};

/// State of a component. A probe that failed says [`Detection::Unknown`], never [`Detection::Missing`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detection {
    /// It is there.
    Present,
    /// A part of it is there, such as a former run left it. The text says what is missing.
    Incomplete(String),
    /// It is certainly not there.
    Missing,
    /// It could not be told, for this reason.
    Unknown(String),
    /// The host is something that rules the component out, for this reason.
    Conflict(String),
    /// The run has no use for it.
    NotNeeded,
    /// The NFS server is there and the export is listed.
    PresentWithExport,
    /// The NFS server is there and the export is not listed.
    PresentWithoutExport,
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

    /// What there is to say beyond the word.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Incomplete(text) | Self::Unknown(text) | Self::Conflict(text) => Some(text),
            _ => None,
        }
    }
}

/// What detection looks at.
#[derive(Debug)]
pub struct Probe<'a> {
    /// The machine.
    pub host: &'a Host,
    /// The inputs of the run.
    pub settings: &'a Settings,
    cluster: OnceCell<Cluster>,
    /// What became of a question that the API server let time out. It is not asked any more then: each further question
    /// would take as long, and there are dozens.
    silence: OnceCell<String>,
}

/// kubectl gives an API server that does not answer a little more than this.
const SILENCE: Duration = Duration::from_secs(10);

/// Whether this host has a cluster that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cluster {
    /// A server is active: its API server is asked for each object.
    Here,
    /// There is certainly no k3s server on this host. A cluster that does not exist holds nothing, so every object of it
    /// is missing. This is the only case in which that is said without an answer of an API server.
    None,
    /// It cannot be told, so nothing is known of any object either.
    Unknown(String),
}

impl<'a> Probe<'a> {
    /// Looks at `host` for a run with `settings`.
    pub fn new(host: &'a Host, settings: &'a Settings) -> Self {
        Self { host, settings, cluster: OnceCell::new(), silence: OnceCell::new() }
    }

    /// Whether there is a cluster to ask; found out once.
    pub fn cluster(&self) -> &Cluster {
        self.cluster.get_or_init(|| match k3s::state(self.host, Mode::Server) {
            Detection::Missing => Cluster::None,
            Detection::Present => Cluster::Here,
            Detection::Incomplete(reason) | Detection::Unknown(reason) | Detection::Conflict(reason) => {
                Cluster::Unknown(reason)
            }
            other => Cluster::Unknown(format!("k3s is {}", other.word())),
        })
    }

    /// What the cluster of this host says of an object.
    pub fn object(&self, reference: &ObjectRef) -> Found {
        self.path(&reference.path())
    }

    /// What the API server of this host has at `path`.
    pub fn path(&self, path: &str) -> Found {
        match self.cluster() {
            Cluster::Here => self.ask(path),
            Cluster::None => Found::NotFound,
            Cluster::Unknown(reason) => Found::Unknown(reason.clone()),
        }
    }

    fn ask(&self, path: &str) -> Found {
        if let Some(reason) = self.silence.get() {
            return Found::Unknown(reason.clone());
        }
        let began = Instant::now();
        let found = Kube(self.host).get_path(path);
        if let Found::Unknown(reason) = &found
            && began.elapsed() >= SILENCE
        {
            let _ = self.silence.set(reason.clone());
        }
        found
    }

    /// The state of a component that consists of `objects`: missing if the cluster has none of them, present if it has
    /// all, incomplete in between.
    pub(super) fn objects(&self, objects: &[ObjectRef]) -> Detection {
        let mut missing = Vec::new();
        for reference in objects {
            match self.object(reference) {
                Found::Object(_) => {}
                Found::NotFound => missing.push(reference.to_string()),
                Found::Unknown(reason) => return Detection::Unknown(reason),
            }
        }
        match missing.len() {
            0 => Detection::Present,
            all if all == objects.len() => Detection::Missing,
            _ => Detection::Incomplete(format!("{} is missing", missing.join(", "))),
        }
    }
}
