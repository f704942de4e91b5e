//! YAML of releases: larger and deeper than a reader allows by default.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The only document of a YAML file.
pub(super) fn document<T: DeserializeOwned>(text: &str) -> Result<T, serde_saphyr::Error> {
    serde_saphyr::from_str_with_options(text, large())
}

/// The documents of a YAML file, without empty ones.
pub(super) fn documents(text: &str) -> Result<Vec<Value>, serde_saphyr::Error> {
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, large())?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

/// The keys of a YAML file of settings; none if it is empty, `None` if it is no mapping.
pub fn yaml_keys(text: &str) -> Option<Vec<String>> {
    match document::<Value>(text).ok()? {
        Value::Object(object) => Some(object.into_iter().map(|(key, _)| key).collect()),
        Value::Null => Some(Vec::new()),
        _ => None,
    }
}

/// The largest of these files are the definitions of cert-manager, deeply nested, and the index of Rancher, long.
fn large() -> serde_saphyr::Options {
    let mut options = serde_saphyr::Options::default();
    let budget = options.budget.get_or_insert_default();
    (budget.max_depth, budget.max_nodes) = (256, 4_000_000);
    options
}
