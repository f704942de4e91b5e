//! Whether the node of this very host works.
//!
//! Neither of the obvious questions answers that. A service of k3s is active long before its node is ready, and for ever
//! where it never gets ready; a cluster has Ready nodes while this one is dead; and `Ready` of this one stays as it is for
//! as long as nobody has noticed that its kubelet is gone. So the node is found by the name in the kubelet's certificate,
//! and must have said since the service started that it is Ready, have renewed its lease since, have a kubelet that answers
//! here, and an address of this host. Ids of machine and boot can only speak against it: not every host has them.

use std::net::IpAddr;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::kube::{KubeletApi, text};
use super::node_fault::NodeFault;
use super::unmet::Unmet;
use crate::host::{Host, ProbeError};

/// The certificate with which the kubelet is known to the API server.
const CERTIFICATE: &str = "/var/lib/rancher/k3s/agent/client-kubelet.crt";

/// What the API server calls a kubelet, before the name of its node.
const USER: &str = "system:node:";

/// Passes if the node of this host works, whose `service` of k3s runs.
///
/// # Errors
/// What is missing, or that it cannot be found out.
pub(super) fn observe(host: &Host, service: &str) -> Result<(), Unmet> {
    let Running { started, active } = running(host, service)?;
    let api = KubeletApi(host);
    let name = name(host)?;
    let node =
        api.get_path(&format!("/api/v1/nodes/{name}"))?.ok_or_else(|| NodeFault::Absent(name.clone()))?;
    same_host(host, &name, &node)?;
    ready(&name, &node, started)?;
    let lease =
        api.get_path(&format!("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}"))?;
    let renewed = lease.as_ref().and_then(|lease| text(lease, "/spec/renewTime")).and_then(time);
    if renewed.is_none_or(|renewed| renewed <= active) {
        return Err(NodeFault::LeaseStale(name).into());
    }
    api.health().map_err(|error| NodeFault::Kubelet(error).into())
}

/// The arguments that the k3s of this node says it was started with, those of files of settings counted; `None` if it says
/// none.
///
/// # Errors
/// The node could not be asked.
pub fn node_arguments(host: &Host) -> Result<Option<Value>, ProbeError> {
    let name = name(host)?;
    let node = KubeletApi(host).get_path(&format!("/api/v1/nodes/{name}"))?;
    let annotations = node.as_ref().and_then(|node| node.pointer("/metadata/annotations"));
    let arguments = annotations.and_then(|all| all.get("k3s.io/node-args")).and_then(Value::as_str);
    Ok(arguments.and_then(|arguments| serde_json::from_str(arguments).ok()))
}

/// Since when the service runs.
struct Running {
    /// When its process started. The kubelet may report before systemd is told that k3s is up, and then for minutes not again.
    started: DateTime<Utc>,
    /// When systemd was told that it is up.
    active: DateTime<Utc>,
}

fn running(host: &Host, service: &str) -> Result<Running, Unmet> {
    let status = host.service_status(service)?;
    let running = status.as_ref().filter(|status| status.is_running());
    let times = running.and_then(|status| {
        let active = status.active_since?;
        Some(Running { started: status.started_at.unwrap_or(active), active })
    });
    times.ok_or_else(|| Unmet::service(service, status.as_ref()))
}

/// The name of the node of this host, by its kubelet's certificate: the host name may have changed since.
///
/// # Errors
/// This host has joined no cluster, or the certificate cannot be read.
pub(super) fn name(host: &Host) -> Result<String, Unmet> {
    let pem = host.read(Path::new(CERTIFICATE))?.ok_or(NodeFault::NotJoined)?;
    let name = String::from_utf8(pem).ok().and_then(|pem| node_of(&pem));
    Ok(name.ok_or(NodeFault::Nameless)?)
}

/// The node that a certificate in PEM form is for. Of all names in it, that of the issuer included, only the one of its
/// subject begins with [`USER`].
fn node_of(pem: &str) -> Option<String> {
    let body = pem.split_once("-----BEGIN CERTIFICATE-----")?.1.split_once("-----END")?.0;
    let der = BASE64_STANDARD.decode(body.split_whitespace().collect::<String>()).ok()?;
    common_names(&der).find_map(|name| name.strip_prefix(USER).map(str::to_owned))
}

/// The identifier of a common name in DER, RFC 5280: 2.5.4.3. A text follows: its type, its length, its bytes.
const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];

fn common_names(der: &[u8]) -> impl Iterator<Item = &str> {
    let found = der.windows(COMMON_NAME.len()).enumerate().filter(|(_, bytes)| *bytes == COMMON_NAME);
    found.filter_map(|(at, _)| {
        let rest = der.get(at + COMMON_NAME.len()..)?;
        // A name of 128 bytes and more has another form of length; a host name is shorter.
        let length = usize::from(*rest.get(1)?);
        std::str::from_utf8(rest.get(2..2 + length)?).ok()
    })
}

fn same_host(host: &Host, name: &str, node: &Value) -> Result<(), Unmet> {
    let other = |what| Unmet::from(NodeFault::OtherHost { name: name.to_owned(), what });
    for (what, pointer, file) in [
        ("machine id", "/status/nodeInfo/machineID", "/etc/machine-id"),
        ("boot id", "/status/nodeInfo/bootID", "/proc/sys/kernel/random/boot_id"),
    ] {
        let here = host.read_text(Path::new(file))?.unwrap_or_default();
        let (here, there) = (here.trim(), text(node, pointer).unwrap_or_default());
        if !here.is_empty() && !there.is_empty() && here != there {
            return Err(other(what));
        }
    }
    let local = host.local_addresses()?;
    let is_local = |address: &Value| {
        text(address, "/address")
            .and_then(|text| text.parse::<IpAddr>().ok())
            .is_some_and(|ip| local.contains(&ip))
    };
    let mut internal =
        list(node, "/status/addresses").iter().filter(|address| text(address, "/type") == Some("InternalIP"));
    // The kubelet says its addresses after it has registered.
    if internal.clone().next().is_none() {
        return Err(NodeFault::NotReady { name: name.to_owned(), reason: None }.into());
    }
    if internal.all(is_local) { Ok(()) } else { Err(other("address")) }
}

/// The kubelet reports at its start, before its runtime is up, and says so then: until that report the API server has the
/// word of the former start, which of a service that was stopped for a moment is Ready.
fn ready(name: &str, node: &Value, started: DateTime<Utc>) -> Result<(), NodeFault> {
    let condition =
        list(node, "/status/conditions").iter().find(|found| text(found, "/type") == Some("Ready"));
    if condition.and_then(|condition| text(condition, "/status")) != Some("True") {
        let reason = condition.and_then(|condition| text(condition, "/message")).map(str::to_owned);
        return Err(NodeFault::NotReady { name: name.to_owned(), reason });
    }
    let reported = condition.and_then(|condition| text(condition, "/lastHeartbeatTime")).and_then(time);
    // It is cut to whole seconds.
    if reported.is_none_or(|reported| reported.timestamp() < started.timestamp()) {
        return Err(NodeFault::ReportStale(name.to_owned()));
    }
    Ok(())
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_that_of_the_subject_and_not_of_the_issuer() {
        let name = |name: &str| {
            let mut der = COMMON_NAME.to_vec();
            der.extend([0x0c, u8::try_from(name.len()).expect("short")]);
            der.extend(name.as_bytes());
            der
        };
        let der = [name("k3s-client-ca@1"), name("system:node:worker-1")].concat();
        let body = BASE64_STANDARD.encode(der);
        let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        assert_eq!(node_of(&pem).as_deref(), Some("worker-1"));
        assert_eq!(node_of("nothing"), None);
        let cut = BASE64_STANDARD.encode(&name("system:node:x")[..8]);
        assert_eq!(node_of(&format!("-----BEGIN CERTIFICATE-----\n{cut}\n-----END")), None);
    }
}
