//! Two hosts on one cable: two network namespaces of this machine, joined by a pair of interfaces.

use std::path::PathBuf;
use std::process::Command;

use crate::process;

/// An end of the cable.
#[derive(Clone, Copy)]
pub(crate) enum End {
    /// The host that others join.
    Server,
    /// The one that joins.
    Agent,
}

impl End {
    /// What the host at this end is called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Agent => "agent",
        }
    }

    /// Its address, in a network for documentation that is not routed (RFC 5737).
    pub(crate) const fn address(self) -> &'static str {
        match self {
            Self::Server => "192.0.2.13",
            Self::Agent => "192.0.2.14",
        }
    }

    fn namespace(self) -> String {
        format!("productive-k3s-e2e-{}", self.name())
    }
}

const ENDS: [End; 2] = [End::Server, End::Agent];

/// The cable, which is removed with this value, and everything on its interfaces with it.
pub(crate) struct Cable;

impl Cable {
    /// Makes one, which replaces what a killed run left. Each end has a default route, as k3s requires; it leads nowhere.
    pub(crate) fn lay() -> anyhow::Result<Self> {
        remove();
        let cable = Self;
        for end in ENDS {
            ip(&["netns", "add", &end.namespace()])?;
        }
        let (near, far) = (End::Server.namespace(), End::Agent.namespace());
        ip(&[
            "link", "add", "uplink", "netns", &near, "type", "veth", "peer", "name", "uplink", "netns", &far,
        ])?;
        for end in ENDS {
            let namespace = end.namespace();
            let inside = |words: &[&str]| ip(&[&["-netns", &namespace], words].concat());
            inside(&["address", "add", &format!("{}/24", end.address()), "dev", "uplink"])?;
            inside(&["link", "set", "lo", "up"])?;
            inside(&["link", "set", "uplink", "up"])?;
            inside(&["route", "add", "default", "via", "192.0.2.1"])?;
        }
        Ok(cable)
    }

    /// The network namespace at an end.
    pub(crate) fn namespace(end: End) -> PathBuf {
        PathBuf::from("/run/netns").join(end.namespace())
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        remove();
    }
}

fn remove() {
    for end in ENDS {
        // Most of the time there is none to remove.
        let _ = ip(&["netns", "delete", &end.namespace()]);
    }
}

fn ip(words: &[&str]) -> anyhow::Result<()> {
    process::output(Command::new("ip").args(words)).map(drop)
}
