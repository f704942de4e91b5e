//! Storage classes of the cluster.

use serde_json::Value;

/// Where the API server lists them.
pub const STORAGE_CLASSES: &str = "/apis/storage.k8s.io/v1/storageclasses";

/// What marks the default one.
pub(super) const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// Names of the storage classes in `list` that are marked as the default one.
pub fn default_classes(list: &Value) -> Vec<String> {
    let items = list.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let marked = |item: &&Value| {
        let annotations = item.pointer("/metadata/annotations");
        annotations.and_then(|all| all.get(DEFAULT_CLASS)).and_then(Value::as_str) == Some("true")
    };
    let name = |item: &Value| item.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
    items.iter().filter(marked).filter_map(name).collect()
}
