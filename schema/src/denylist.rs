//! The denylist as data (placeholder until the rules are in).

/// The published denylist.
pub fn published() -> serde_json::Value {
    serde_json::json!({})
}
