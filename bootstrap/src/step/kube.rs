//! The cluster's API, by the kubectl that k3s brings along.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use manifest::Undo;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::host::{Command, Host, ProbeError};

/// Which object is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ObjectRef {
    /// Such as `apps/v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Its namespace, absent for objects of the whole cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// Where k3s keeps the credentials of its administrator.
pub const KUBECONFIG: &str = "/etc/rancher/k3s/k3s.yaml";

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

    /// Whether `undo` takes this object back.
    pub fn is_made_by(&self, undo: &Undo) -> bool {
        let Undo::Object { api_version, object_kind, namespace, name, .. } = undo else { return false };
        (api_version, object_kind, namespace, name)
            == (&self.api_version, &self.kind, &self.namespace, &self.name)
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
    /// The object `reference`, or `None` if the API server says that there is no such object or no such kind.
    ///
    /// # Errors
    /// No answer, which says nothing about the object.
    pub fn get(self, reference: &ObjectRef) -> Result<Option<Value>, ProbeError> {
        self.get_path(&reference.path())
    }

    /// What the API server has at `path`. A path is asked for, and not a kind, because kubectl takes a kind that it
    /// could not find out about for one that does not exist.
    ///
    /// # Errors
    /// No answer, which says nothing about what is at the path.
    pub fn get_path(self, path: &str) -> Result<Option<Value>, ProbeError> {
        let command = kubectl(["get", "--raw", path]).withhold_output();
        let command = if self.0.readable(Path::new(KUBECONFIG)) { command } else { command.as_root() };
        answer(self.0, &command)
    }

    /// The items of the list at `path`; none if there is no such list.
    ///
    /// # Errors
    /// No answer, or one that is no list.
    pub fn items(self, path: &str) -> Result<Vec<Value>, ProbeError> {
        let Some(mut list) = self.get_path(path)? else { return Ok(Vec::new()) };
        match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(ProbeError::Malformed { expected: "with a list" }),
        }
    }
}

/// What the API server answers to a `kubectl get --raw`; `None` if it says that there is no such thing.
fn answer(host: &Host, command: &Command) -> Result<Option<Value>, ProbeError> {
    let output = host.ask(command)?;
    if output.succeeded() {
        let malformed = |_| ProbeError::Malformed { expected: "in JSON" };
        return serde_json::from_slice(&output.stdout).map(Some).map_err(malformed);
    }
    let stderr = output.stderr_text();
    match StatusReason::of(stderr.lines()) {
        Some(StatusReason::NotFound) => Ok(None),
        _ => Err(ProbeError::Api { message: last_line(&host.log().masked(&stderr)) }),
    }
}

/// What the kubelet of this host may ask, with its own credentials: servers and agents have them alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct KubeletApi<'a>(pub(super) &'a Host);

/// Where k3s keeps the credentials of the kubelet.
const KUBELET_KUBECONFIG: &str = "/var/lib/rancher/k3s/agent/kubelet.kubeconfig";

/// Where the kubelet says whether it is well. It never leaves the loopback interface.
const KUBELET_HEALTH: &str = "--server=http://127.0.0.1:10248";

impl KubeletApi<'_> {
    /// What the API server, which may be on another host, has at `path`.
    ///
    /// # Errors
    /// No answer, which says nothing about what is at the path.
    pub(super) fn get_path(self, path: &str) -> Result<Option<Value>, ProbeError> {
        let args = ["--kubeconfig", KUBELET_KUBECONFIG, "get", "--raw", path];
        answer(self.0, &kubectl(args).as_root().withhold_output())
    }

    /// What the kubelet itself answers when it is asked whether it is well. kubectl asks, because not every host has curl.
    ///
    /// # Errors
    /// It does not answer, or says that it is not well.
    pub(super) fn health(self) -> Result<(), ProbeError> {
        let args = ["--kubeconfig=/dev/null", KUBELET_HEALTH, "get", "--raw", "/healthz"];
        // As root, for whom k3s has unpacked its programs already: for another user it would do so once more, in the home.
        let output = self.0.ask(&kubectl(args).as_root())?;
        if output.succeeded() && output.text().trim() == "ok" {
            return Ok(());
        }
        Err(ProbeError::Api { message: last_line(&self.0.log().masked(&output.stderr_text())) })
    }
}

/// Why the API server refused, as far as it makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusReason {
    /// There is no such object, or no such kind of object.
    NotFound,
    /// A precondition does not hold: the object has another UID, or somebody was faster.
    Conflict,
}

impl StatusReason {
    /// The reason of the `Status` object that the server sent. kubectl writes it in brackets after `Error from server`,
    /// and tells it in no other way, not even with `-o json`.
    pub fn of<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Option<Self> {
        lines.into_iter().find_map(|line| match line.as_ref() {
            line if line.contains("(NotFound)") => Some(Self::NotFound),
            line if line.contains("(Conflict)") => Some(Self::Conflict),
            _ => None,
        })
    }
}

/// Whether the API server would perhaps accept the same request a little later. kubectl tells a status by its reason in
/// brackets and a broken connection by the words of Go's libraries. An internal error is for good, unless it is that a
/// webhook did not answer: after its installation, and at each of its restarts, that passes.
pub(super) fn is_transient<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> bool {
    const PASSING: [&str; 17] = [
        "(TooManyRequests)",
        "(ServiceUnavailable)",
        "(ServerTimeout)",
        "(Timeout)",
        "failed calling webhook",
        "etcdserver:",
        "TLS handshake",
        "tls:",
        "x509:",
        "connection refused",
        "was refused",
        "connection reset",
        "i/o timeout",
        "EOF",
        "client connection lost",
        "deadline exceeded",
        "Unable to connect to the server",
    ];
    lines.into_iter().any(|line| PASSING.iter().any(|words| line.as_ref().contains(words)))
}

/// A text in a JSON document.
pub fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// kubectl as k3s brings it along, which gives up when the API server does not answer.
pub(super) fn kubectl<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    Command::new("k3s").args(["kubectl", "--request-timeout=15s"]).args(args)
}

/// Warnings come first; the error is the last line.
fn last_line(stderr: &str) -> String {
    stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("kubectl failed").to_owned()
}

/// One revision of a release. Helm keeps a secret for each; its labels tell all that is needed, so the secret itself is
/// not looked into, and the host needs no helm for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Name of the secret.
    pub secret: String,
    /// Its number, from 1.
    pub number: u64,
    /// Such as `deployed`, `failed`, `pending-install`, `superseded`.
    pub state: String,
    /// When helm last touched it, since 1970. `None` if the record does not say it.
    pub touched: Option<Duration>,
}

impl Revision {
    /// Where the API server lists the revisions of a release.
    pub fn path(namespace: &str, release: &str) -> String {
        format!("/api/v1/namespaces/{namespace}/secrets?labelSelector=owner%3Dhelm%2Cname%3D{release}")
    }

    /// The revisions in such a list, the oldest first.
    pub fn all(list: &Value) -> Vec<Self> {
        let items = list.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut all: Vec<Self> = items.iter().filter_map(Self::of).collect();
        all.sort_by_key(|revision| revision.number);
        all
    }

    fn of(secret: &Value) -> Option<Self> {
        let label = |name| secret.pointer("/metadata/labels")?.get(name)?.as_str();
        Some(Self {
            secret: secret.pointer("/metadata/name")?.as_str()?.to_owned(),
            number: label("version")?.parse().ok()?,
            state: label("status")?.to_owned(),
            touched: touched(secret),
        })
    }
}

/// Helm gives a record the label `createdAt` when it makes it and `modifiedAt` when it changes it, both in seconds since
/// 1970 (`pkg/storage/driver/secrets.go`); a record that was never changed has the first alone. The API server's own time
/// stands for a record without either.
fn touched(secret: &Value) -> Option<Duration> {
    let label = |name| secret.pointer("/metadata/labels")?.get(name)?.as_str()?.parse().ok();
    let by_helm = [label("createdAt"), label("modifiedAt")].into_iter().flatten().max();
    let by_server = || {
        let created = text(secret, "/metadata/creationTimestamp")?;
        u64::try_from(schema::UtcSeconds::parse(created).ok()?.timestamp()).ok()
    };
    by_helm.or_else(by_server).map(Duration::from_secs)
}

/// Where the API server lists the storage classes.
pub const STORAGE_CLASSES: &str = "/apis/storage.k8s.io/v1/storageclasses";

/// What marks the default storage class.
pub(super) const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// Names of the storage classes in `list` that are marked as the default one.
pub fn default_classes(list: &Value) -> Vec<String> {
    let items = list.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let marked = |item: &&Value| {
        let annotations = item.pointer("/metadata/annotations");
        annotations.and_then(|all| all.get(DEFAULT_CLASS)).and_then(Value::as_str) == Some("true")
    };
    let name = |item: &Value| item.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
    items.iter().filter(marked).filter_map(name).collect()
}
