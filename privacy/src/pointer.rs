//! JSON pointers that give nothing away.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::OnceLock;

use serde_json::Value;

use crate::structure;

/// One step from a value to a value inside it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Segment<'a> {
    Key(&'a str),
    Index(usize),
}

/// The pointer of a place (RFC 6901), with every key that is no property of the contract written as `*`.
pub(crate) fn masked<'a>(path: impl IntoIterator<Item = Segment<'a>>) -> String {
    written(path, |key| if properties().contains(key) { Cow::Borrowed(key) } else { Cow::Borrowed("*") })
}

/// The pointer of a place (RFC 6901) with every key as it is: for comparing, never for a report.
pub(crate) fn exact<'a>(path: impl IntoIterator<Item = Segment<'a>>) -> String {
    written(path, |key| {
        if key.contains(['~', '/']) {
            Cow::Owned(key.replace('~', "~0").replace('/', "~1"))
        } else {
            Cow::Borrowed(key)
        }
    })
}

fn written<'a>(
    path: impl IntoIterator<Item = Segment<'a>>,
    name: impl Fn(&'a str) -> Cow<'a, str>,
) -> String {
    use std::fmt::Write as _;

    let mut pointer = String::new();
    for segment in path {
        // Writing to a String cannot fail.
        let _ = match segment {
            Segment::Key(key) => write!(pointer, "/{}", name(key)),
            Segment::Index(index) => write!(pointer, "/{index}"),
        };
    }
    pointer
}

/// The names of all properties of the contract. Only reports need them, so they are read from the published schemas
/// once something was refused.
fn properties() -> &'static HashSet<String> {
    static PROPERTIES: OnceLock<HashSet<String>> = OnceLock::new();
    PROPERTIES.get_or_init(|| {
        let mut names = HashSet::new();
        structure::published_schemas().for_each(|schema| collect(&schema, &mut names));
        names
    })
}

fn collect(schema: &Value, names: &mut HashSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                names.extend(properties.keys().cloned());
            }
            members.values().for_each(|member| collect(member, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        _ => {}
    }
}
