//! What a Longhorn that is there was told at its installation, and a run would tell it otherwise.
//!
//! Longhorn takes the values of its chart into settings of its own once, and a release that is deployed is not touched. How
//! many copies a volume gets is told by its storage class: one of another number must not become the default, nor be taken
//! for what was asked for, so that is a conflict. The settings are for what is added later, and are only told of.

use std::path::Path;

use serde_json::Value;

use super::super::chart::Chart;
use super::super::{Conflict, Keep, Probe};
use crate::host::ProbeError;
use crate::step::{ObjectRef, text};

const DATA_PATH: &str = "default-data-path";
const MINIMAL_AVAILABLE: &str = "storage-minimal-available-percentage";

/// What speaks against the storage class of the chart, of which `classes` is the list and `pinned` the version: volumes of
/// it have another number of copies.
pub(super) fn other_copies(
    probe: &Probe<'_>,
    classes: &Value,
    chart: &Chart,
    pinned: &str,
) -> Result<Option<Conflict>, ProbeError> {
    let asked = probe.settings.longhorn.replica_count.get().to_string();
    let all = classes.get("items").and_then(Value::as_array).into_iter().flatten();
    let mut of_chart = all.filter(|class| text(class, "/metadata/name") == Some(chart.name));
    let found = of_chart.next().and_then(|class| text(class, "/parameters/numberOfReplicas"));
    let Some(found) = found.filter(|found| *found != asked) else { return Ok(None) };
    let value = format!("persistence.defaultClassReplicaCount={asked}");
    let change = chart.set_by_hand(probe, pinned, &value)?;
    let (what, found, keep) = ("number of replicas", found.to_owned(), Keep::Set("longhorn.replica_count"));
    Ok(Some(Conflict::OtherSetting { what, found, asked, keep, change }))
}

/// The inputs of which Longhorn has another value, as a warning that repeats none.
pub(super) fn kept_settings(probe: &Probe<'_>, namespace: &str) -> Result<Option<String>, ProbeError> {
    let longhorn = &probe.settings.longhorn;
    let mut kept = Vec::new();
    if setting(probe, namespace, DATA_PATH)?.is_some_and(|found| Path::new(&found) != longhorn.data_path) {
        kept.push(("longhorn.data_path", DATA_PATH));
    }
    let minimal = setting(probe, namespace, MINIMAL_AVAILABLE)?.and_then(|found| found.parse::<u32>().ok());
    if minimal.is_some_and(|found| found != longhorn.minimal_available_percentage.get()) {
        kept.push(("longhorn.minimal_available_percentage", MINIMAL_AVAILABLE));
    }
    let (inputs, settings): (Vec<_>, Vec<_>) = kept.into_iter().unzip();
    let (inputs, settings) = (inputs.join(" and "), settings.join(" "));
    Ok((!inputs.is_empty()).then(|| {
        format!(
            "{inputs} of this run: not used, because Longhorn keeps the settings that it has; to change them: k3s kubectl -n \
             {namespace} edit settings.longhorn.io {settings}"
        )
    }))
}

/// The value of a setting; an empty one is none.
fn setting(probe: &Probe<'_>, namespace: &str, name: &str) -> Result<Option<String>, ProbeError> {
    let setting = ObjectRef::namespaced("longhorn.io/v1beta2", "Setting", namespace, name);
    let found = probe.object(&setting)?;
    let value = found.as_ref().and_then(|found| text(found, "/value"));
    Ok(value.filter(|value| !value.is_empty()).map(str::to_owned))
}
