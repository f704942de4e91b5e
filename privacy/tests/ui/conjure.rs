//! A vetted document cannot come from nothing, from text, or from another type.

use privacy::Vetted;
use schema::TelemetryDocument;
use serde::Deserialize;

fn from_nothing<T: Default>() -> Option<T> {
    None
}

fn from_bytes<T: From<Vec<u8>>>() -> Option<T> {
    None
}

fn main() {
    from_nothing::<Vetted<TelemetryDocument>>();
    let _ = <Vetted<TelemetryDocument>>::deserialize(serde_json::Value::Null);
    from_bytes::<Vetted<TelemetryDocument>>();
}
