//! Looking at the host and its cluster for components, without changing either.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use schema::Mode;

use super::Detection;
use crate::host::{Answer, Host};
use crate::settings::Settings;
use crate::step::{Found, Kube, ObjectRef};

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
        self.cluster.get_or_init(|| match k3s_state(self.host, Mode::Server) {
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

/// The state of k3s for `mode`. A host without a unit file and without the program has certainly no k3s, and nobody is
/// asked; that also makes a dry run on a fresh host fast.
pub(super) fn k3s_state(host: &Host, mode: Mode) -> Detection {
    let (wanted, other) = if mode == Mode::Agent { ("k3s-agent", "k3s") } else { ("k3s", "k3s-agent") };
    match host.service_active(other) {
        Answer::Yes => return Detection::Conflict(format!("service {other} is active on this host")),
        Answer::Unknown(reason) => return Detection::Unknown(reason),
        Answer::No => {}
    }
    match host.service_active(wanted) {
        Answer::Yes => Detection::Present,
        Answer::Unknown(reason) => Detection::Unknown(reason),
        Answer::No if host.has_unit(wanted) => {
            Detection::Incomplete(format!("service {wanted} is not active"))
        }
        Answer::No => Detection::Missing,
    }
}
