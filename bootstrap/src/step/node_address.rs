//! The address under which the node of this host is reached.

use std::net::IpAddr;
use std::path::Path;

use serde_json::Value;

use super::kube::{Kube, text};
use super::unmet::Unmet;
use crate::host::Host;

/// The internal address of this host's node. In a cluster of several nodes it is the one with the host's name.
///
/// # Errors
/// The cluster cannot be asked, or does not know the address yet.
pub fn node_address(host: &Host) -> Result<IpAddr, Unmet> {
    let nodes = Kube(host).items("/api/v1/nodes")?;
    let ours = match nodes.as_slice() {
        [only] => Some(only),
        several => {
            let name = host.read_text(Path::new("/etc/hostname"))?.unwrap_or_default();
            // The kubelet registers its node under the name in lower case.
            let name = name.trim().to_ascii_lowercase();
            several.iter().find(|node| text(node, "/metadata/name") == Some(&name))
        }
    };
    ours.and_then(internal).ok_or(Unmet::NodeAddress)
}

fn internal(node: &Value) -> Option<IpAddr> {
    let addresses = node.pointer("/status/addresses")?.as_array()?;
    let internal = addresses.iter().find(|address| text(address, "/type") == Some("InternalIP"))?;
    text(internal, "/address")?.parse().ok()
}
