//! The host name that a component is served under already.

use serde_json::Value;

use super::{Conflict, Keep};
use crate::step::text;

/// What speaks against serving a component under `asked`: that clients know it by another name. `keep` says how a run keeps it, and a
/// run gives the component another one after `change`.
pub(super) fn conflict(ingress: &Value, asked: &str, keep: Keep, change: String) -> Option<Conflict> {
    let rules = ingress.pointer("/spec/rules").and_then(Value::as_array)?;
    let hosts: Vec<&str> = rules.iter().filter_map(|rule| text(rule, "/host")).collect();
    let found = hosts.first().filter(|_| !hosts.contains(&asked))?;
    let (found, asked) = ((*found).to_owned(), asked.to_owned());
    Some(Conflict::OtherSetting { what: "host name", found, asked, keep, change })
}
