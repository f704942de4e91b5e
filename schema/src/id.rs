//! Correlation ids and event ids.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is not an id. The text itself is withheld: it may be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a random id: a UUID of version 4 or 7 in lower case, or 16 or 32 lower-case hexadecimal digits")
    }
}

impl std::error::Error for InvalidId {}

patterned_string! {
    /// Random id: a UUID of version 4 or 7 in lower case, or 16 or 32 lower-case hexadecimal digits. Ours are UUIDs of
    /// version 4; the neighbouring layers make 16 hexadecimal digits.
    // A closed form instead of a list of forbidden ones: no denylist knows every name, but no name has this form. UUIDs of
    // other versions are left out because they hold a hardware address or the hash of a name (RFC 9562, section 5).
    pub struct Id, error InvalidId,
    pattern "^([0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$",
    max_length 36, valid is_id, examples ["6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10", "9f86d081884c7d65"]
}

impl Id {
    /// A fresh random id: a UUID of version 4.
    pub fn random() -> Self {
        Self(Uuid::new_v4().hyphenated().to_string())
    }
}

/// Compares byte by byte: `h` stands for a hexadecimal digit in lower case, `r` for a version of random UUIDs, `v` for
/// their variant.
fn is_id(text: &str) -> bool {
    const UUID: &str = "hhhhhhhh-hhhh-rhhh-vhhh-hhhhhhhhhhhh";
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    match text.len() {
        16 | 32 => text.bytes().all(is_digit),
        length if length == UUID.len() => {
            text.bytes().zip(UUID.bytes()).all(|(byte, expected)| match expected {
                b'h' => is_digit(byte),
                b'r' => matches!(byte, b'4' | b'7'),
                b'v' => matches!(byte, b'8' | b'9' | b'a' | b'b'),
                hyphen => byte == hyphen,
            })
        }
        _ => false,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_random_forms_is_an_id() {
        for text in [
            "9f86d081884c7d65",
            "9f86d081884c7d659a2feaa0c55ad015",
            "6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10",
            "019a0c1f-3b8e-7d53-8a55-0b6f3a2c7d10",
            Id::random().as_str(),
        ] {
            assert!(Id::parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "7",
            "run",
            "session-123",
            "1795334402",
            "20261122-075002-3078-565430571",
            "9F86D081884C7D65",
            "9f86d081884c7d6",
            "9f86d081884c7d65a",
            "9f86d081884c7d65\n",
            "9f86d081884c7d6g",
            "6F1C1F3E-3B8E-4D53-9A55-0B6F3A2C7D10",
            "6f1c1f3e-3b8e-1d53-9a55-0b6f3a2c7d10",
            "6f1c1f3e-3b8e-5d53-9a55-0b6f3a2c7d10",
            "6f1c1f3e-3b8e-4d53-ca55-0b6f3a2c7d10",
            "6f1c1f3e3b8e-4d53-9a55-0b6f3a2c7d10-",
            "{6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10}",
            "\u{ff19}f86d081884c7d65",
        ] {
            assert_eq!(Id::parse(text), Err(InvalidId), "{text}");
        }
    }
}
