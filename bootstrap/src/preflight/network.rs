//! Ports that k3s listens on, and the route that tells it which address the node has.

use std::net::IpAddr;
use std::path::Path;

use schema::Mode;

use super::k3s_config::K3sConfig;
use crate::component::Finding;
use crate::host::{Host, ListeningSocket, ProbeError, SocketHolder, Transport};
use crate::settings::Settings;

const PORTS: &str = "ports";
const ROUTE: &str = "default_route";

/// A port that must be free, or held by the k3s of this host.
struct RequiredPort {
    number: u16,
    transport: Transport,
    scope: Scope,
    user: &'static str,
}

/// Who else on a port is in the way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Whoever listens on it, on whatever address.
    Any,
    /// Who listens on loopback, or on all addresses.
    Loopback,
}

const fn port(number: u16, transport: Transport, scope: Scope, user: &'static str) -> RequiredPort {
    RequiredPort { number, transport, scope, user }
}

/// Of every node, see "Networking" in the requirements of k3s.
const OF_NODE: [RequiredPort; 3] = [
    port(10250, Transport::Tcp, Scope::Any, "kubelet"),
    port(10248, Transport::Tcp, Scope::Loopback, "health of the kubelet"),
    port(8472, Transport::Udp, Scope::Any, "flannel"),
];
const OF_SERVER: [RequiredPort; 3] = [
    port(6443, Transport::Tcp, Scope::Any, "API server"),
    port(80, Transport::Tcp, Scope::Any, "ingress"),
    port(443, Transport::Tcp, Scope::Any, "ingress"),
];
/// An agent reaches the API server through a load balancer of its own.
const OF_AGENT: [RequiredPort; 1] =
    [port(6444, Transport::Tcp, Scope::Loopback, "load balancer of the agent")];

/// The services of k3s. One of the other role than the wanted one is no matter of ports: the check of the role says what is
/// to be done about it, and stopping it would take a node out of its cluster.
const OURS: [&str; 2] = ["k3s", "k3s-agent"];

/// Each port that somebody else holds.
pub(super) fn ports(host: &Host, settings: &Settings) -> Vec<Finding> {
    let of_role: &[RequiredPort] = match settings.mode {
        Mode::Agent => &OF_AGENT,
        _ => &OF_SERVER,
    };
    let sockets = match host.listening() {
        Ok(sockets) => sockets,
        Err(error) => {
            return vec![Finding::warning(
                PORTS,
                format!("cannot determine which ports are in use: {error}"),
            )];
        }
    };
    let needed = || OF_NODE.iter().chain(of_role);
    let taken: Vec<Finding> =
        needed().filter_map(|port| port.conflict(host, &sockets, settings.mode)).collect();
    if taken.is_empty() {
        let names: Vec<String> = needed().map(RequiredPort::name).collect();
        return vec![Finding::pass(PORTS, format!("{} are free or held by k3s", names.join(", ")))];
    }
    taken
}

impl RequiredPort {
    fn name(&self) -> String {
        format!("{}/{}", self.number, self.transport.as_str())
    }

    fn is_on(&self, socket: &ListeningSocket) -> bool {
        let reaches = match self.scope {
            Scope::Any => true,
            Scope::Loopback => socket.address.is_loopback() || socket.address.is_unspecified(),
        };
        socket.transport == self.transport && socket.port == self.number && reaches
    }

    /// Who else holds it, if anybody does.
    fn conflict(&self, host: &Host, sockets: &[ListeningSocket], mode: Mode) -> Option<Finding> {
        let socket = sockets.iter().find(|socket| self.is_on(socket))?;
        let holder = host.holder(socket);
        if holder.is_none() && self.transport == Transport::Udp && has_vxlan(host) {
            return (!has_flannel(host)).then(|| self.held_by_interface());
        }
        let is_ours = match &holder {
            Some(holder) => holder.service.as_deref().is_some_and(|service| OURS.contains(&service)),
            // Only root sees who holds it. k3s runs as root, and its own service is enough of an explanation.
            None => socket.uid == 0 && OURS.iter().any(|service| is_up(host, service)),
        };
        (!is_ours).then(|| self.taken(socket, holder.as_ref(), mode))
    }

    fn taken(&self, socket: &ListeningSocket, holder: Option<&SocketHolder>, mode: Mode) -> Finding {
        let (by, fix) = match holder {
            Some(SocketHolder { name, service: Some(service), .. }) => {
                (format!("{name} of service {service}"), format!("systemctl disable --now {service}"))
            }
            Some(SocketHolder { name, pid, .. }) => (format!("{name}, process {pid}"), format!("kill {pid}")),
            None => {
                let flag = if self.transport == Transport::Tcp { 't' } else { 'u' };
                let look = format!("sudo ss -ln{flag}p 'sport = :{}'", self.number);
                (format!("a process of user id {}", socket.uid), look)
            }
        };
        let evidence = format!("{} ({}) is in use by {by}", self.name(), self.user);
        // A server works without an ingress; what is served in the cluster does not. The traffic of the port goes to
        // the cluster in any case, past who listens now.
        let finding = if self.user == "ingress" && mode == Mode::Server {
            Finding::warning(PORTS, format!("{evidence}; the ingress of k3s takes its traffic over"))
        } else {
            Finding::failure(PORTS, evidence)
        };
        finding.help(fix)
    }

    /// Interfaces of several networks share a port as long as their networks have different numbers.
    fn held_by_interface(&self) -> Finding {
        let evidence =
            format!("{} ({}) is in use by a VXLAN interface of another network", self.name(), self.user);
        Finding::warning(PORTS, evidence).help("ip -details link show type vxlan")
    }
}

/// Whether a service runs, is about to, or has not ended yet: the sockets of a process that ends outlive its descriptors
/// for a moment, and then nobody is seen to hold them.
fn is_up(host: &Host, service: &str) -> bool {
    let status = host.service_status(service).ok().flatten();
    status.is_some_and(|status| !matches!(status.active.as_str(), "inactive" | "failed"))
}

/// Whether there is an interface of the kind of flannel's. Its socket is the kernel's: no process holds it.
fn has_vxlan(host: &Host) -> bool {
    let interfaces = host.entries(Path::new("/sys/class/net")).unwrap_or_default();
    interfaces.iter().any(|name| {
        let about = host.read_text(Path::new(&format!("/sys/class/net/{name}/uevent")));
        about.ok().flatten().is_some_and(|about| about.lines().any(|line| line == "DEVTYPE=vxlan"))
    })
}

/// The interface of flannel outlives k3s, so it is no sign of somebody else where k3s is installed.
fn has_flannel(host: &Host) -> bool {
    host.is_there("/sys/class/net/flannel.1") && OURS.iter().any(|service| host.has_unit(service))
}

/// k3s takes the address of the node from the interface of the default route, and does not start without one.
pub(super) fn default_route(host: &Host, config: &Result<K3sConfig, ProbeError>) -> Finding {
    let route = match default_interface(host) {
        Ok(route) => route,
        Err(error) => return Finding::warning(ROUTE, format!("cannot read the routes: {error}")),
    };
    if let Some(interface) = route {
        return Finding::pass(ROUTE, format!("by interface {interface}"));
    }
    match config {
        Ok(config) if config.has("flannel-iface") || config.has("node-ip") => {
            Finding::pass(ROUTE, "none; /etc/rancher/k3s/config.yaml names the address of the node")
        }
        Err(error) => Finding::warning(ROUTE, format!("there is none, and {error}")),
        Ok(_) => Finding::failure(ROUTE, "there is none; k3s does not start without one").help(
            "ip route add default via <gateway>, or in /etc/rancher/k3s/config.yaml: flannel-iface: <interface> and \
             node-ip: <its address>",
        ),
    }
}

/// `RTF_UP`, and `RTF_REJECT` of a route that refuses, see `route.h`.
const UP: u32 = 0x1;
const REJECT: u32 = 0x200;

fn default_interface(host: &Host) -> Result<Option<String>, ProbeError> {
    let v4 = host.read_text(Path::new("/proc/net/route"))?;
    let v6 = host.read_text(Path::new("/proc/net/ipv6_route"))?.unwrap_or_default();
    let Some(v4) = v4 else {
        return Err(ProbeError::File { message: "/proc/net/route does not exist".to_owned() });
    };
    let by_v4 = v4.lines().skip(1).find_map(|line| {
        // Iface Destination Gateway Flags RefCnt Use Metric Mask
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [interface, destination, _, flags, _, _, _, mask, ..] = fields.as_slice() else { return None };
        (*destination == "00000000" && *mask == "00000000" && is_usable(flags))
            .then(|| (*interface).to_owned())
    });
    let by_v6 = v6.lines().find_map(|line| {
        // destination, its length, source, its length, next hop, metric, references, use, flags, interface
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [destination, length, .., flags, interface] = fields.as_slice() else { return None };
        let is_default = destination.bytes().all(|digit| digit == b'0') && *length == "00";
        (is_default && is_usable(flags) && *interface != "lo").then(|| (*interface).to_owned())
    });
    Ok(by_v4.or(by_v6))
}

fn is_usable(flags: &str) -> bool {
    u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & UP != 0 && flags & REJECT == 0)
}

/// Whether `text` is an address that other hosts reach.
pub(super) fn is_global(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok_and(|address| {
        let link_local = match address {
            IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        !(address.is_loopback() || address.is_unspecified() || address.is_multicast() || link_local)
    })
}
