//! The cluster's API, by the kubectl that k3s brings along.

use std::fmt;
use std::path::Path;

use serde_json::Value;

use crate::host::{Command, Host};

/// Which object is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRef {
    /// Such as `apps/v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Its namespace, absent for objects of the whole cluster.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// What the cluster says of an object or a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// Here it is.
    Object(Value),
    /// The API server answered that there is no such object, or no such kind of object.
    NotFound,
    /// No answer, for this reason. It says nothing about the object.
    Unknown(String),
}

/// Where k3s keeps the credentials of its administrator.
pub(super) const KUBECONFIG: &str = "/etc/rancher/k3s/k3s.yaml";

/// The API server of this host, asked for objects.
#[derive(Clone, Copy, Debug)]
pub struct Kube<'a>(pub &'a Host);

impl ObjectRef {
    /// An object in a namespace.
    pub fn namespaced(api_version: &str, kind: &str, namespace: &str, name: &str) -> Self {
        Self { namespace: Some(namespace.to_owned()), ..Self::cluster_wide(api_version, kind, name) }
    }

    /// An object of the whole cluster.
    pub fn cluster_wide(api_version: &str, kind: &str, name: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: None,
            name: name.to_owned(),
        }
    }

    /// Which object `value` is, if it is one.
    pub fn of(value: &Value) -> Option<Self> {
        let text = |pointer| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            api_version: text("/apiVersion")?,
            kind: text("/kind")?,
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name")?,
        })
    }

    /// Its path on the API server.
    pub fn path(&self) -> String {
        let group = if self.api_version.contains('/') { "apis" } else { "api" };
        let namespace =
            self.namespace.as_ref().map_or_else(String::new, |name| format!("/namespaces/{name}"));
        format!("/{group}/{}{namespace}/{}/{}", self.api_version, plural(&self.kind), self.name)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.api_version, self.kind)?;
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// The resource of a kind, by the rule that Kubernetes itself guesses by (`UnsafeGuessKindToResource`).
fn plural(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    match kind.as_bytes().last() {
        _ if kind == "endpoints" => kind,
        Some(b's') => format!("{kind}es"),
        Some(b'y') => format!("{}ies", &kind[..kind.len() - 1]),
        _ => format!("{kind}s"),
    }
}

impl Kube<'_> {
    /// The object `reference`.
    pub fn get(self, reference: &ObjectRef) -> Found {
        self.get_path(&reference.path())
    }

    /// What the API server has at `path`. A path is asked for, and not a kind, because kubectl takes a kind that it
    /// could not find out about for one that does not exist.
    pub fn get_path(self, path: &str) -> Found {
        let command = kubectl(["get", "--raw", path]).withhold_output();
        let command = if self.0.readable(Path::new(KUBECONFIG)) { command } else { command.as_root() };
        match self.0.ask(&command) {
            Ok(output) if output.succeeded() => match serde_json::from_slice(&output.stdout) {
                Ok(value) => Found::Object(value),
                Err(_) => Found::Unknown("the API server did not answer in JSON".to_owned()),
            },
            Ok(output) if output.stderr_text().contains("(NotFound)") => Found::NotFound,
            Ok(output) => Found::Unknown(reason(&self.0.log().masked(&output.stderr_text()))),
            Err(error) => Found::Unknown(error.to_string()),
        }
    }
}

/// kubectl as k3s brings it along, which gives up when the API server does not answer.
pub(super) fn kubectl<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    Command::new("k3s").args(["kubectl", "--request-timeout=15s"]).args(args)
}

fn reason(stderr_text: &str) -> String {
    // Warnings come first; the error is the last line.
    stderr_text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("kubectl failed").to_owned()
}
