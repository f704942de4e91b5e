//! Stand-ins: a machine made of a directory, settings for every mode, and what releases publish.

mod releases;
pub(crate) mod settings;
pub(crate) mod stub_host;

use bootstrap::component::{self, Detection, Probe, components};
use bootstrap::host::Host;
use bootstrap::settings::Settings;
use schema::Component;

/// Looks at every component of the mode, in the order in which they are worked on.
pub(crate) fn detect_all(host: &Host, settings: &Settings) -> Vec<(Component, Detection)> {
    let probe = Probe::new(host, settings);
    components(settings.mode).map(|component| (component, component::detect(component, &probe))).collect()
}
