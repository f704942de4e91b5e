//! Looking whether a condition is met.

use std::net::IpAddr;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::command::dry_run_object;
use super::condition::Condition;
use super::document::Document;
use super::kube::{KUBECONFIG, Kube, ObjectRef, STORAGE_CLASSES, default_classes};
use super::kubeconfig::observe_copy;
use super::node;
use super::unmet::Unmet;
use crate::host::{Command, CommandError, Host, ProbeError, Stdin};

impl Condition {
    /// Whether it holds now.
    ///
    /// # Errors
    /// It does not, or that cannot be found out; both are worth another look.
    pub fn observe(&self, host: &Host) -> Result<(), Unmet> {
        match self {
            Self::ServiceRunning { service, .. } => running(host, service),
            Self::ThisNode { service, .. } => node::observe(host, service),
            Self::ReportsVersion { program, version } => reports_version(host, program, version),
            Self::Rollout { namespace, deployments } => {
                deployments.iter().try_for_each(|name| rollout(host, namespace, name))
            }
            Self::DaemonSet { namespace, name } => daemon_set(host, namespace, name),
            Self::StorageClass(name) => {
                let found = Kube(host).get_path(&format!("{STORAGE_CLASSES}/{name}"))?;
                found.map(drop).ok_or_else(|| Unmet::StorageClassAbsent(name.clone()))
            }
            Self::DefaultClass(name) => default_class(host, name),
            Self::Argument { namespace, deployment, prefix } => argument(host, namespace, deployment, prefix),
            Self::PodsReady(namespace) => {
                pods_ready(&Kube(host).items(&format!("/api/v1/namespaces/{namespace}/pods"))?)
            }
            Self::Endpoints { namespace, service } => endpoints(host, namespace, service),
            Self::Ready(reference) => condition(&object(host, reference)?, "Ready"),
            Self::Accepted(object) => accepted(host, object),
            Self::CertificateIn(secret) => certificate(host, secret).map(drop),
            Self::CertificateInstalled { path, secret } => certificate_installed(host, path, secret),
            Self::KubeconfigCopied => observe_copy(host),
            Self::HelmDeployed { namespace, release } => helm_deployed(host, namespace, release),
            Self::Exported { path, network } => exported(host, path, network),
            Self::NotExported { path, network } => match exported(host, path, network) {
                Ok(()) => Err(Unmet::StillExported),
                Err(Unmet::NotExported) => Ok(()),
                Err(unmet) => Err(unmet),
            },
            Self::Resolves(names) => names.iter().try_for_each(|name| resolves(host, name)),
            Self::Succeeds(command) => Ok(host.run(command).map(drop)?),
        }
    }
}

/// The certificate in a TLS secret: of its authority if there is one, else its own.
///
/// # Errors
/// There is none yet, or that cannot be found out.
pub fn certificate(host: &Host, secret: &ObjectRef) -> Result<String, Unmet> {
    let secret = object(host, secret)?;
    let entry = |key| secret.pointer(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let encoded = entry("/data/ca.crt").or_else(|| entry("/data/tls.crt"));
    let encoded = encoded.ok_or(Unmet::NoCertificate)?;
    let decoded = BASE64_STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.ok_or(Unmet::CertificateMalformed)
}

/// A webhook that fails closed refuses everything until its certificate is known to the API server, which is seconds
/// after its deployment is rolled out. Only asking tells.
fn accepted(host: &Host, document: &Document) -> Result<(), Unmet> {
    let object = document.reference().map_or_else(String::new, |object| object.to_string());
    let text = document.masked().to_string();
    match host.run(&dry_run_object(Stdin::Public(text))) {
        Ok(_) => Ok(()),
        Err(CommandError::Failed { tail, .. }) if !tail.is_empty() => {
            let said = tail.last().cloned().unwrap_or_default();
            Err(Unmet::Refused { object, said })
        }
        Err(error) => Err(error.into()),
    }
}

fn running(host: &Host, name: &str) -> Result<(), Unmet> {
    // An activating service is on its way and not there yet.
    match host.service_status(name)? {
        Some(status) if status.is_running() => Ok(()),
        status => Err(Unmet::service(name, status.as_ref())),
    }
}

fn reports_version(host: &Host, program: &Path, version: &str) -> Result<(), Unmet> {
    let found = version_of(host, program)?;
    if found == version {
        return Ok(());
    }
    Err(Unmet::OtherVersion { program: program.to_owned(), found, wanted: version.to_owned() })
}

/// The version that a program of Rancher's says: `k3s version v1.35.5+k3s1 (1a2b3c4d)`, more lines follow.
///
/// # Errors
/// It does not run, or says something else.
pub fn version_of(host: &Host, program: &Path) -> Result<String, ProbeError> {
    let at = host.at(program).to_string_lossy().into_owned();
    let output = host.run(&Command::new(at).args(["--version"]))?;
    let text = output.text();
    let version = text.split_whitespace().skip_while(|word| *word != "version").nth(1);
    version.map(str::to_owned).ok_or_else(|| ProbeError::NothingToCompare {
        what: format!("{} does not say which version it is", program.display()),
    })
}

fn rollout(host: &Host, namespace: &str, name: &str) -> Result<(), Unmet> {
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
        Err(Unmet::Deployment { namespace: namespace.to_owned(), name: name.to_owned(), available, wanted })
    }
}

fn daemon_set(host: &Host, namespace: &str, name: &str) -> Result<(), Unmet> {
    let found = object(host, &ObjectRef::namespaced("apps/v1", "DaemonSet", namespace, name))?;
    let number = |pointer| found.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let seen = number("/status/observedGeneration") >= number("/metadata/generation");
    let (wanted, ready) = (number("/status/desiredNumberScheduled"), number("/status/numberReady"));
    if seen && wanted > 0 && ready == wanted && number("/status/updatedNumberScheduled") == wanted {
        return Ok(());
    }
    Err(Unmet::DaemonSet { namespace: namespace.to_owned(), name: name.to_owned(), ready, wanted })
}

fn default_class(host: &Host, name: &str) -> Result<(), Unmet> {
    let defaults = default_classes(&Kube(host).get_path(STORAGE_CLASSES)?.unwrap_or_default());
    if defaults == [name] { Ok(()) } else { Err(Unmet::DefaultClasses(defaults)) }
}

/// Programs in Go take the names of their arguments in any case.
fn argument(host: &Host, namespace: &str, deployment: &str, prefix: &str) -> Result<(), Unmet> {
    let found = object(host, &ObjectRef::namespaced("apps/v1", "Deployment", namespace, deployment))?;
    let containers = found.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let arguments =
        containers.into_iter().flatten().filter_map(|container| container.get("args")?.as_array());
    let wanted = prefix.to_ascii_lowercase();
    let given =
        |value: &Value| value.as_str().is_some_and(|value| value.to_ascii_lowercase().starts_with(&wanted));
    if !arguments.flatten().any(given) {
        let (namespace, deployment) = (namespace.to_owned(), deployment.to_owned());
        return Err(Unmet::NoArgument { namespace, deployment, prefix: prefix.to_owned() });
    }
    rollout(host, namespace, deployment)
}

fn pods_ready(pods: &[Value]) -> Result<(), Unmet> {
    let phase = |pod: &Value| pod.pointer("/status/phase").and_then(Value::as_str).map(str::to_owned);
    let done = |pod: &&Value| phase(pod).as_deref() == Some("Succeeded") || condition(pod, "Ready").is_ok();
    let ready = pods.iter().filter(done).count();
    if ready > 0 && ready == pods.len() { Ok(()) } else { Err(Unmet::Pods { ready, total: pods.len() }) }
}

fn endpoints(host: &Host, namespace: &str, service: &str) -> Result<(), Unmet> {
    let found = object(host, &ObjectRef::namespaced("v1", "Endpoints", namespace, service))?;
    let subsets = found.pointer("/subsets").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let addresses = |subset: &Value| subset.get("addresses").and_then(Value::as_array).map_or(0, Vec::len);
    if subsets.iter().map(addresses).sum::<usize>() > 0 {
        Ok(())
    } else {
        Err(Unmet::Endpoints { namespace: namespace.to_owned(), service: service.to_owned() })
    }
}

fn condition(object: &Value, name: &'static str) -> Result<(), Unmet> {
    let all = object.pointer("/status/conditions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let word = |condition: &Value, key: &str| condition.get(key).and_then(Value::as_str).map(str::to_owned);
    let found = all.iter().find(|condition| word(condition, "type").as_deref() == Some(name));
    match found.and_then(|condition| word(condition, "status")) {
        Some(status) if status == "True" => Ok(()),
        status => Err(Unmet::ObjectCondition { name, status }),
    }
}

fn certificate_installed(host: &Host, path: &Path, secret: &ObjectRef) -> Result<(), Unmet> {
    let wanted = certificate(host, secret)?;
    match host.read_text(path)? {
        Some(found) if found == wanted => Ok(()),
        Some(_) => Err(Unmet::OtherCertificate(path.to_owned())),
        None => Err(Unmet::FileAbsent(path.to_owned())),
    }
}

fn helm_deployed(host: &Host, namespace: &str, release: &str) -> Result<(), Unmet> {
    let command = Command::new("helm")
        .args(["status", release, "--namespace", namespace, "--kubeconfig", KUBECONFIG, "--output", "json"])
        .as_root()
        .withhold_output();
    let output = host.run(&command)?;
    let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    match status.pointer("/info/status").and_then(Value::as_str).unwrap_or("in an unknown state") {
        "deployed" => Ok(()),
        state => {
            let (namespace, release) = (namespace.to_owned(), release.to_owned());
            Err(Unmet::Release { namespace, release, state: state.to_owned() })
        }
    }
}

/// `exportfs -v` puts the client on the next line where the path is long, so it is read word by word. It prints what a path
/// leads to, and not the path that the file has.
fn exported(host: &Host, path: &Path, network: &str) -> Result<(), Unmet> {
    let output = host.run(&Command::new("exportfs").args(["-v"]).as_root())?;
    let (listing, path) = (output.text(), host.resolved(path));
    let path = path.to_string_lossy();
    let mut folder = "";
    for word in listing.split_whitespace() {
        if word.starts_with('/') {
            folder = word;
        } else if folder == path && word.split('(').next() == Some(network) {
            return Ok(());
        }
    }
    Err(Unmet::NotExported)
}

fn resolves(host: &Host, name: &str) -> Result<(), Unmet> {
    let asked = host.ask(&Command::new("getent").args(["hosts", name]))?;
    if !asked.succeeded() {
        return Err(Unmet::Unresolved { name: name.to_owned() });
    }
    let answer = asked.text();
    let mut addresses = answer.lines().filter_map(|line| line.split_whitespace().next());
    match addresses.find(|text| text.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())) {
        Some(address) => Err(Unmet::Loopback { name: name.to_owned(), address: address.to_owned() }),
        None => Ok(()),
    }
}

fn object(host: &Host, reference: &ObjectRef) -> Result<Value, Unmet> {
    Kube(host).get(reference)?.ok_or_else(|| Unmet::ObjectAbsent(reference.clone()))
}
