//! The volume that the images are in.

use serde_json::{Value, json};

use super::super::Probe;
use super::names::{NAMESPACE, metadata};
use crate::host::ProbeError;
use crate::settings;
use crate::step::{ObjectRef, text};

/// Name of its claim.
pub(super) const NAME: &str = "registry-data";

/// The claim.
pub(super) fn claim() -> ObjectRef {
    ObjectRef::namespaced("v1", "PersistentVolumeClaim", NAMESPACE, NAME)
}

/// The claim as a run makes it.
pub(super) fn object(registry: &settings::Registry) -> Value {
    let mut spec = json!({
        "accessModes": ["ReadWriteOnce"],
        "resources": { "requests": { "storage": format!("{}Gi", registry.pvc_size_gib.get()) } },
    });
    if let Some(class) = &registry.storage_class {
        spec["storageClassName"] = json!(class);
    }
    json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata(NAME), "spec": spec })
}

/// What of the settings a run leaves as it is: a volume keeps its class for ever, and its size until somebody with a class
/// that can grow changes it.
pub(super) fn ignored(probe: &Probe<'_>) -> Result<Option<String>, ProbeError> {
    let Some(found) = probe.object(&claim())? else { return Ok(None) };
    let wanted = object(&probe.settings.registry);
    let other = |pointer, is_same: fn(&str, &str) -> bool| {
        let (found, wanted) = (text(&found, pointer)?, text(&wanted, pointer)?);
        (!is_same(found, wanted)).then(|| format!("{found}, not {wanted}"))
    };
    let class = other("/spec/storageClassName", str::eq).map(|other| format!("class {other}"));
    let size = other("/spec/resources/requests/storage", is_same_size);
    let others: Vec<String> = size.into_iter().chain(class).collect();
    Ok((!others.is_empty())
        .then(|| format!("the volume of the registry is kept as it is: {}", others.join("; "))))
}

/// The API server answers a size in its own words: `1024Gi` is `1Ti` there.
fn is_same_size(found: &str, wanted: &str) -> bool {
    found == wanted || bytes(found).is_some_and(|size| bytes(wanted) == Some(size))
}

/// The size that a quantity of Kubernetes says, where it is a whole number with a suffix in powers of 1024 or none.
fn bytes(quantity: &str) -> Option<u128> {
    let suffixes = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let found =
        suffixes.iter().zip(1u32..).find_map(|(suffix, power)| Some((quantity.strip_suffix(suffix)?, power)));
    let (number, power) = found.unwrap_or((quantity, 0));
    number.parse::<u128>().ok()?.checked_mul(1024u128.pow(power))
}
