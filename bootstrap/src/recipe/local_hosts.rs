//! The names of the cluster in the hosts file.

use std::path::Path;

use schema::Component;

use super::{ComponentPlan, Detection, PlanContext, Probe};
use crate::settings::Settings;
use crate::step::lines;
use crate::step::{Action, Check, Condition, Step};

const HOSTS: &str = "/etc/hosts";
const MARKER: &str = "productive-k3s";
/// Traefik listens on every address of the host; this one never changes.
const ADDRESS: &str = "127.0.0.1";

pub(super) fn detect(probe: &Probe<'_>) -> Detection {
    if names(probe.settings).is_empty() {
        return Detection::NotNeeded;
    }
    match probe.host.read_text(Path::new(HOSTS)) {
        Ok(text) => match lines::find_block(&text.unwrap_or_default(), MARKER) {
            Some(found) if found == lines::block(MARKER, &wanted(probe.settings)) => Detection::Present,
            Some(_) => Detection::Incomplete("the block holds other lines".to_owned()),
            None => Detection::Missing,
        },
        Err(error) => Detection::Unknown(error.to_string()),
    }
}

pub(super) fn plan(detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
    let settings = context.settings;
    let verify = vec![Check::within(10, Condition::Resolves(names(settings)))];
    let steps = || {
        let (path, marker, lines) = (HOSTS.into(), MARKER.to_owned(), wanted(settings));
        vec![Step::new("names in the hosts file", Action::EnsureBlock { path, marker, lines })]
    };
    ComponentPlan::ensuring(detection, steps, verify)
}

fn wanted(settings: &Settings) -> Vec<String> {
    names(settings).iter().map(|name| format!("{ADDRESS} {name}")).collect()
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
