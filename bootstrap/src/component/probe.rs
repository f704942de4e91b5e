//! Looking at the host and its cluster for components, without changing either.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use schema::Mode;
use serde_json::Value;

use super::Detection;
use super::detection::Gap;
use super::history::RunHistory;
use crate::host::{Host, ProbeError};
use crate::settings::Settings;
use crate::step::{Kube, ObjectRef};

/// What detection looks at.
#[derive(Debug)]
pub struct Probe<'a> {
    /// The machine.
    pub host: &'a Host,
    /// The inputs of the run.
    pub settings: &'a Settings,
    history: RunHistory,
    cluster: OnceCell<Cluster>,
    /// What became of a question that the API server let time out. It is not asked any more then: each further question
    /// would take as long, and there are dozens.
    timed_out: OnceCell<ProbeError>,
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
    Unknown(ProbeError),
}

impl<'a> Probe<'a> {
    /// Looks at `host` for a run with `settings`.
    pub fn new(host: &'a Host, settings: &'a Settings) -> Self {
        let (history, cluster) = (RunHistory::default(), OnceCell::new());
        Self { host, settings, history, cluster, timed_out: OnceCell::new() }
    }

    /// With what former runs on this host did.
    pub fn with_history(mut self, history: RunHistory) -> Self {
        self.history = history;
        self
    }

    /// What former runs on this host did.
    pub(super) fn history(&self) -> &RunHistory {
        &self.history
    }

    /// Whether there is a cluster to ask; found out once.
    pub fn cluster(&self) -> &Cluster {
        self.cluster.get_or_init(|| match k3s_service(self.host, Mode::Server) {
            Ok(K3sService::Active) => Cluster::Here,
            Ok(K3sService::Absent) => Cluster::None,
            Ok(K3sService::Inactive(service)) => {
                Cluster::Unknown(ProbeError::Service { service: service.to_owned(), active: false })
            }
            Ok(K3sService::OtherRole(service)) => {
                Cluster::Unknown(ProbeError::Service { service: service.to_owned(), active: true })
            }
            Err(error) => Cluster::Unknown(error),
        })
    }

    /// What the cluster of this host says of an object.
    ///
    /// # Errors
    /// It could not be asked.
    pub fn object(&self, reference: &ObjectRef) -> Result<Option<Value>, ProbeError> {
        self.path(&reference.path())
    }

    /// What the API server of this host has at `path`.
    ///
    /// # Errors
    /// It could not be asked.
    pub fn path(&self, path: &str) -> Result<Option<Value>, ProbeError> {
        match self.cluster() {
            Cluster::Here => self.ask(path),
            Cluster::None => Ok(None),
            Cluster::Unknown(error) => Err(error.clone()),
        }
    }

    fn ask(&self, path: &str) -> Result<Option<Value>, ProbeError> {
        if let Some(error) = self.timed_out.get() {
            return Err(error.clone());
        }
        let began = Instant::now();
        let found = Kube(self.host).get_path(path);
        if let Err(error) = &found
            && began.elapsed() >= SILENCE
        {
            let _ = self.timed_out.set(error.clone());
        }
        found
    }

    /// The state of a component that consists of `objects`: missing if the cluster has none of them, present if it has
    /// all, incomplete in between.
    pub(super) fn objects(&self, objects: &[ObjectRef]) -> Result<Detection, ProbeError> {
        let mut missing = Vec::new();
        for reference in objects {
            if self.object(reference)?.is_none() {
                missing.push(reference.clone());
            }
        }
        Ok(match missing.len() {
            0 => Detection::Present,
            all if all == objects.len() => Detection::Missing,
            _ => Detection::Incomplete(Gap::Objects(missing)),
        })
    }
}

/// What a host is to k3s, as its services tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum K3sService {
    /// The service of the mode runs.
    Active,
    /// It is installed and does not run.
    Inactive(&'static str),
    /// The service of the other role runs.
    OtherRole(&'static str),
    /// There is none.
    Absent,
}

/// A host without a unit file has certainly no k3s, and nobody is asked; that also makes a dry run on a fresh host fast.
fn k3s_service(host: &Host, mode: Mode) -> Result<K3sService, ProbeError> {
    let (wanted, other) = if mode == Mode::Agent { ("k3s-agent", "k3s") } else { ("k3s", "k3s-agent") };
    Ok(if host.service_active(other)? {
        K3sService::OtherRole(other)
    } else if host.service_active(wanted)? {
        K3sService::Active
    } else if host.has_unit(wanted) {
        K3sService::Inactive(wanted)
    } else {
        K3sService::Absent
    })
}

/// Whether there is a k3s whose API server could be asked. A host without k3s has no cluster, and a cluster that is gone
/// holds nothing.
pub fn has_cluster(host: &Host) -> bool {
    host.program("k3s").is_some() || host.has_unit("k3s")
}
