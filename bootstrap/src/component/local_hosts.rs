//! The names of the cluster in the hosts file.

use std::path::Path;

use manifest::Undo;
use schema::{Component, Mode};

use super::{Cluster, ComponentPlan, Detection, Gap, PlanContext, Probe, RollbackClass, Spec};
use crate::host::ProbeError;
use crate::settings::Settings;
use crate::step::{Action, Check, Condition, Step, lines, node_address};

const HOSTS: &str = "/etc/hosts";
const MARKER: &str = "productive-k3s";

pub(super) struct LocalHostsSpec;

impl Spec for LocalHostsSpec {
    fn id(&self) -> Component {
        Component::LocalHosts
    }

    fn title(&self) -> &'static str {
        "The names in the hosts file"
    }

    fn makes(&self, settings: &Settings) -> Vec<String> {
        let count = names(settings).len();
        vec![HOSTS.to_owned(), format!("{count} {}", if count == 1 { "name" } else { "names" })]
    }

    fn modes(&self) -> &'static [Mode] {
        &[Mode::SingleNode]
    }

    /// One block of the hosts file; what was there before is put back only if it is such a block as well.
    fn could_make(&self, undo: &Undo) -> bool {
        let Undo::LineBlock { path, marker, previous, former_mode: None, .. } = undo else { return false };
        let is_block = |text: &String| lines::find_block(text, MARKER) == Some(text);
        path == Path::new(HOSTS) && marker == MARKER && previous.iter().all(is_block)
    }

    fn rollback_class(&self) -> RollbackClass {
        RollbackClass::Safe
    }

    fn wanted(&self, settings: &Settings) -> bool {
        settings.manage_hosts_file
    }

    fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError> {
        if names(probe.settings).is_empty() {
            return Ok(Detection::NotNeeded);
        }
        let text = probe.host.read_text(Path::new(HOSTS))?.unwrap_or_default();
        Ok(match lines::find_block(&text, MARKER) {
            Some(found) if found == wanted(probe)? => Detection::Present,
            Some(_) => Detection::Incomplete(Gap::OtherLines),
            None => Detection::Missing,
        })
    }

    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
        let settings = context.settings;
        let verify = vec![Check::within(10, Condition::Resolves(names(settings)))];
        let steps = || {
            let (path, marker, names) = (HOSTS.into(), MARKER.to_owned(), names(settings));
            vec![Step::new("names in the hosts file", Action::EnsureHosts { path, marker, names })]
        };
        ComponentPlan::ensuring(detection, steps, verify)
    }
}

/// The block as it should be: with the node's own address. To Docker a name with an address of the loopback is a registry
/// without TLS, and other hosts could not use such an address. Without a cluster there is no address, and the block is to
/// be written anew once there is one.
fn wanted(probe: &Probe<'_>) -> Result<String, ProbeError> {
    match probe.cluster() {
        Cluster::Here => {
            let address = node_address(probe.host)?;
            Ok(lines::block(MARKER, &lines::of_hosts(address, &names(probe.settings))))
        }
        Cluster::None => Ok(String::new()),
        Cluster::Unknown(error) => Err(error.clone()),
    }
}

/// What is not installed is not given a name.
fn names(settings: &Settings) -> Vec<String> {
    let hosts =
        [(Component::Rancher, &settings.rancher.host), (Component::Registry, &settings.registry.host)];
    hosts
        .into_iter()
        .filter(|(component, _)| !settings.skipped.contains(component))
        .map(|(_, host)| host.clone())
        .collect()
}
