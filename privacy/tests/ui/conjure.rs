//! A vetted document cannot come from nothing, from text, or from another type.

use privacy::Vetted;
use schema::TelemetryDocument;

fn from_nothing<T: Default>() -> Option<T> {
    None
}

fn from_text<T: serde::de::DeserializeOwned>() -> Option<T> {
    None
}

fn from_bytes<T: From<Vec<u8>>>() -> Option<T> {
    None
}

fn main() {
    from_nothing::<Vetted<TelemetryDocument>>();
    from_text::<Vetted<TelemetryDocument>>();
    from_bytes::<Vetted<TelemetryDocument>>();
}
