//! Looking whether a condition is met.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::kube::KUBECONFIG;
use super::{Condition, Found, Kube, ObjectRef};
use crate::host::{Command, Host};

/// What a look at a condition gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConditionStatus {
    /// It is so.
    Met,
    /// It is not so yet, or it cannot be told; the text says what is missing.
    NotYet(String),
}

impl Condition {
    /// Looks once.
    pub fn look(&self, host: &Host) -> ConditionStatus {
        let met = match self {
            Self::ServiceActive(name) => service(host, name),
            Self::NodeReady => list(host, "/api/v1/nodes").and_then(|nodes| node(&nodes)),
            Self::Rollout { namespace, deployments } => {
                deployments.iter().try_for_each(|name| rollout(host, namespace, name))
            }
            Self::PodsReady(namespace) => {
                list(host, &format!("/api/v1/namespaces/{namespace}/pods")).and_then(|pods| pods_ready(&pods))
            }
            Self::Endpoints { namespace, service } => endpoints(host, namespace, service),
            Self::Ready(reference) => object(host, reference).and_then(|object| condition(&object, "Ready")),
            Self::CertificateIn(secret) => certificate(host, secret).map(drop),
            Self::CertificateInstalled { path, secret } => certificate_installed(host, path, secret),
            Self::HelmDeployed { namespace, release } => helm_deployed(host, namespace, release),
            Self::Exported { path, network } => exported(host, path, network),
            Self::Resolves(names) => names.iter().try_for_each(|name| resolves(host, name)),
            Self::Succeeds(command) => host.run(command).map(drop).map_err(|error| error.to_string()),
        };
        met.map_or_else(ConditionStatus::NotYet, |()| ConditionStatus::Met)
    }
}

/// The certificate in a TLS secret: of its authority if there is one, else its own.
///
/// # Errors
/// There is none, or it cannot be told; in words.
pub fn certificate(host: &Host, secret: &ObjectRef) -> Result<String, String> {
    let secret = object(host, secret)?;
    let entry = |key| secret.pointer(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let encoded = entry("/data/ca.crt").or_else(|| entry("/data/tls.crt"));
    let encoded = encoded.ok_or("the secret holds no certificate yet")?;
    let decoded = BASE64_STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.ok_or_else(|| "the secret's certificate is not base64 text".to_owned())
}

fn service(host: &Host, name: &str) -> Result<(), String> {
    // An activating service is on its way and not there yet.
    let output =
        host.ask(&Command::new("systemctl").args(["is-active", name])).map_err(|error| error.to_string())?;
    match output.text().trim() {
        "active" => Ok(()),
        state => Err(format!(
            "service {name} is {}",
            if state.is_empty() { "not known to systemd" } else { state }
        )),
    }
}

fn rollout(host: &Host, namespace: &str, name: &str) -> Result<(), String> {
    let reference = ObjectRef::namespaced("apps/v1", "Deployment", namespace, name);
    let found = object(host, &reference)?;
    let number = |pointer| found.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let wanted = number("/spec/replicas");
    let seen = number("/status/observedGeneration") >= number("/metadata/generation");
    let (updated, available) = (number("/status/updatedReplicas"), number("/status/availableReplicas"));
    if seen && wanted > 0 && updated == wanted && available == wanted && number("/status/replicas") == wanted
    {
        Ok(())
    } else {
        Err(format!("deployment {namespace}/{name}: {available} of {wanted} replicas available"))
    }
}

fn node(nodes: &[Value]) -> Result<(), String> {
    let ready = nodes.iter().filter(|node| condition(node, "Ready").is_ok()).count();
    if ready > 0 { Ok(()) } else { Err(format!("0 of {} nodes Ready", nodes.len())) }
}

fn pods_ready(pods: &[Value]) -> Result<(), String> {
    let phase = |pod: &Value| pod.pointer("/status/phase").and_then(Value::as_str).map(str::to_owned);
    let done = |pod: &&Value| phase(pod).as_deref() == Some("Succeeded") || condition(pod, "Ready").is_ok();
    let ready = pods.iter().filter(done).count();
    if ready > 0 && ready == pods.len() {
        Ok(())
    } else {
        Err(format!("{ready} of {} pods Ready", pods.len()))
    }
}

fn endpoints(host: &Host, namespace: &str, service: &str) -> Result<(), String> {
    let found = object(host, &ObjectRef::namespaced("v1", "Endpoints", namespace, service))?;
    let subsets = found.pointer("/subsets").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let addresses = |subset: &Value| subset.get("addresses").and_then(Value::as_array).map_or(0, Vec::len);
    if subsets.iter().map(addresses).sum::<usize>() > 0 {
        Ok(())
    } else {
        Err(format!("service {namespace}/{service} has no endpoints"))
    }
}

fn condition(object: &Value, name: &str) -> Result<(), String> {
    let all = object.pointer("/status/conditions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let word = |condition: &Value, key: &str| condition.get(key).and_then(Value::as_str).map(str::to_owned);
    let found = all.iter().find(|condition| word(condition, "type").as_deref() == Some(name));
    match found.and_then(|condition| word(condition, "status")).as_deref() {
        Some("True") => Ok(()),
        Some(status) => Err(format!("condition {name} is {status}")),
        None => Err(format!("condition {name} is not reported yet")),
    }
}

fn certificate_installed(host: &Host, path: &Path, secret: &ObjectRef) -> Result<(), String> {
    let wanted = certificate(host, secret)?;
    match host.read_text(path).map_err(|error| error.to_string())? {
        Some(found) if found == wanted => Ok(()),
        Some(_) => Err(format!("{} holds another certificate", path.display())),
        None => Err(format!("{} is not there", path.display())),
    }
}

fn helm_deployed(host: &Host, namespace: &str, release: &str) -> Result<(), String> {
    let command = Command::new("helm")
        .args(["status", release, "--namespace", namespace, "--kubeconfig", KUBECONFIG, "--output", "json"])
        .as_root()
        .withhold_output();
    let output = host.run(&command).map_err(|error| error.to_string())?;
    let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    match status.pointer("/info/status").and_then(Value::as_str) {
        Some("deployed") => Ok(()),
        Some(state) => Err(format!("helm release {namespace}/{release} is {state}")),
        None => Err(format!("helm does not say how release {namespace}/{release} is")),
    }
}

/// `exportfs -v` puts the client on the next line where the path is long, so it is read word by word.
fn exported(host: &Host, path: &Path, network: &str) -> Result<(), String> {
    let output =
        host.run(&Command::new("exportfs").args(["-v"]).as_root()).map_err(|error| error.to_string())?;
    let (listing, path) = (output.text(), path.to_string_lossy());
    let mut folder = "";
    for word in listing.split_whitespace() {
        if word.starts_with('/') {
            folder = word;
        } else if folder == path && word.split('(').next() == Some(network) {
            return Ok(());
        }
    }
    Err("exportfs does not list the export".to_owned())
}

fn resolves(host: &Host, name: &str) -> Result<(), String> {
    let asked = host.ask(&Command::new("getent").args(["hosts", name])).map_err(|error| error.to_string())?;
    if asked.succeeded() { Ok(()) } else { Err(format!("{name} does not resolve")) }
}

fn object(host: &Host, reference: &ObjectRef) -> Result<Value, String> {
    match Kube(host).get(reference) {
        Found::Object(object) => Ok(object),
        Found::NotFound => Err(format!("{reference} is not there")),
        Found::Unknown(reason) => Err(reason),
    }
}

fn list(host: &Host, path: &str) -> Result<Vec<Value>, String> {
    match Kube(host).get_path(path) {
        Found::Object(mut list) => match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            _ => Err("the API server did not answer with a list".to_owned()),
        },
        Found::NotFound => Ok(Vec::new()),
        Found::Unknown(reason) => Err(reason),
    }
}
