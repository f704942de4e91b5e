//! The address under which the node of this host is reached.

use std::net::IpAddr;
use std::path::Path;

use serde_json::Value;

use super::kube::{Kube, text};
use super::node;
use super::unmet::Unmet;
use crate::host::Host;

/// The internal address of this host's node. In a cluster of several nodes it is the one that the kubelet of this host has
/// joined as, which need not have the host's name; where that cannot be read, it is the one with the host's name.
///
/// # Errors
/// The cluster cannot be asked, or does not know the address yet.
pub fn node_address(host: &Host) -> Result<IpAddr, Unmet> {
    let nodes = Kube(host).items("/api/v1/nodes")?;
    let ours = match nodes.as_slice() {
        [only] => Some(only),
        several => {
            let name = node::name(host).or_else(|_| host_name(host))?;
            several.iter().find(|node| text(node, "/metadata/name") == Some(&name))
        }
    };
    ours.and_then(internal).ok_or(Unmet::NodeAddress)
}

/// The name under which a kubelet registers its node unless it is told another: that of the host in lower case.
fn host_name(host: &Host) -> Result<String, Unmet> {
    let name = host.read_text(Path::new("/etc/hostname"))?.unwrap_or_default();
    Ok(name.trim().to_ascii_lowercase())
}

fn internal(node: &Value) -> Option<IpAddr> {
    let addresses = node.pointer("/status/addresses")?.as_array()?;
    let internal = addresses.iter().find(|address| text(address, "/type") == Some("InternalIP"))?;
    text(internal, "/address")?.parse().ok()
}
