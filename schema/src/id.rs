//! Correlation ids and event ids.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limits::MAX_ID_CHARS;

/// The text is not a correlation id. The text itself is withheld: it may be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "not an id of 1 to {MAX_ID_CHARS} ASCII letters, digits, `-` and `_` that starts with a letter or digit"
        )
    }
}

impl std::error::Error for InvalidId {}

patterned_string! {
    /// Correlation id. Ours are random UUIDs (version 4); ids handed down by a neighbouring layer are opaque.
    pub struct Id, error InvalidId, pattern "^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length MAX_ID_CHARS,
    valid is_id, examples ["6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10", "9f86d081884c7d65"]
}

impl From<Uuid> for Id {
    fn from(uuid: Uuid) -> Self {
        Self(uuid.hyphenated().to_string())
    }
}

fn is_id(text: &str) -> bool {
    // Ids become file names and headers: without dots and slashes they cannot leave a directory, and one that begins
    // with a letter or digit is never taken for an option.
    text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Random UUID (version 4) of one event. It stays the same on every attempt, so receivers drop duplicates by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Uuid", into = "Uuid")]
pub struct EventId(Uuid);

impl EventId {
    /// Lower-case hyphenated UUID of version 4 and RFC 9562 variant.
    pub const PATTERN: &'static str = "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";

    /// A fresh random id.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Reads an id from its text form.
    ///
    /// Upper case and braces are read as well, and are never written: the schema, which checks what leaves, takes one
    /// form only.
    ///
    /// # Errors
    /// The text is no UUID, or one of another version or variant.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        Uuid::try_parse(text).map_err(|_| InvalidId)?.try_into()
    }
}

impl TryFrom<Uuid> for EventId {
    type Error = InvalidId;

    fn try_from(uuid: Uuid) -> Result<Self, InvalidId> {
        // Version 1 holds a hardware address and a time, versions 3 and 5 a hash of a name that can be guessed.
        let random = uuid.get_version() == Some(uuid::Version::Random);
        if random && uuid.get_variant() == uuid::Variant::RFC4122 { Ok(Self(uuid)) } else { Err(InvalidId) }
    }
}

impl From<EventId> for Uuid {
    fn from(id: EventId) -> Self {
        id.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl JsonSchema for EventId {
    fn schema_name() -> Cow<'static, str> {
        "EventId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Random UUID (version 4) of one event, the same on every attempt.",
            "type": "string",
            // The format alone would let other versions pass, and some validators do not check formats at all.
            "format": "uuid",
            "pattern": Self::PATTERN,
            "maxLength": 36,
            "examples": ["0d5a1c7e-6a53-4a9e-8c0f-51b7a2f4d3c8"],
        })
    }
}
