//! Times of the contract.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Datelike, NaiveDateTime, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

const FORMAT: &str = "%Y-%m-%dT%H:%M:%SZ";

/// A UTC time in whole seconds, written `2026-11-22T07:50:02Z`.
///
/// A local offset would give away a place and milliseconds help to tell hosts apart, so neither can be expressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UtcSeconds(DateTime<Utc>);

impl UtcSeconds {
    /// The anchored pattern of the text form.
    pub const PATTERN: &'static str =
        "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$";

    /// Seconds since the Unix epoch.
    pub fn timestamp(self) -> i64 {
        self.0.timestamp()
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// The text is not of the one form, or names a time that does not exist.
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        let parsed = NaiveDateTime::parse_from_str(text, FORMAT).map_err(|_| InvalidTime)?;
        let time = Self::from(parsed.and_utc());
        // chrono also takes short fields, leap seconds and signs; the text form is one only.
        if time.to_string() == text { Ok(time) } else { Err(InvalidTime) }
    }
}

/// Fractions of a second are cut off, and years that have no four digits become the nearest that do: a host whose
/// clock is absurd must still be able to write a valid manifest.
impl From<DateTime<Utc>> for UtcSeconds {
    fn from(time: DateTime<Utc>) -> Self {
        const LAST_SECOND_OF_9999: i64 = 253_402_300_799;
        let seconds = match time.year() {
            year if year < 1970 => 0,
            year if year > 9999 => LAST_SECOND_OF_9999,
            _ => time.timestamp(),
        };
        Self(DateTime::from_timestamp(seconds, 0).unwrap_or_default())
    }
}

/// The text is not a UTC time of the contract's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidTime;

impl fmt::Display for InvalidTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a UTC time such as 2026-11-22T07:50:02Z")
    }
}

impl std::error::Error for InvalidTime {}

impl TryFrom<String> for UtcSeconds {
    type Error = InvalidTime;

    fn try_from(text: String) -> Result<Self, InvalidTime> {
        Self::parse(&text)
    }
}

impl From<UtcSeconds> for String {
    fn from(time: UtcSeconds) -> Self {
        time.to_string()
    }
}

impl fmt::Display for UtcSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.format(FORMAT).fmt(f)
    }
}

impl JsonSchema for UtcSeconds {
    fn schema_name() -> Cow<'static, str> {
        "UtcSeconds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "UTC time in whole seconds with a `Z`.",
            "type": "string",
            // Both are needed: the pattern admits February 30, and the format admits offsets and fractions.
            "format": "date-time",
            "pattern": Self::PATTERN,
            "maxLength": 20,
            "examples": ["2026-11-22T07:50:02Z"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_text_form_is_read() {
        let time = UtcSeconds::parse("2026-11-22T07:50:02Z").expect("valid");
        assert_eq!(time.to_string(), "2026-11-22T07:50:02Z");
        for text in [
            "2026-11-22T07:50:02+01:00",
            "2026-11-22T07:50:02.5Z",
            "2026-11-22 07:50:02Z",
            "2026-1-22T07:50:02Z",
            "2026-11-22T07:50:60Z",
            "2026-02-30T00:00:00Z",
            "2026-11-22T07:50:02Z\n",
            "yesterday",
        ] {
            assert_eq!(UtcSeconds::parse(text), Err(InvalidTime), "{text:?}");
        }
    }

    #[test]
    fn absurd_clocks_are_clamped() {
        assert_eq!(UtcSeconds::from(DateTime::<Utc>::MIN_UTC).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(UtcSeconds::from(DateTime::<Utc>::MAX_UTC).to_string(), "9999-12-31T23:59:59Z");
    }
}
