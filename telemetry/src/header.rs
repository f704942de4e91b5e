//! Header values that we choose: they pass the gate as documents do.

use std::fmt;

use privacy::Gate;

/// The text is not fit to be sent as a header. The text itself is withheld: it may be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidHeaderValue;

impl fmt::Display for InvalidHeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a header value that may be sent")
    }
}

impl std::error::Error for InvalidHeaderValue {}

/// A header value that may be sent: printable ASCII without spaces at its ends, at most 256 characters, that passed the
/// gate or is a word of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VettedHeaderValue(String);

impl VettedHeaderValue {
    const MAX_CHARS: usize = 256;

    /// Takes over text that passes the gate.
    pub fn parse(text: &str, gate: &Gate) -> Result<Self, InvalidHeaderValue> {
        let printable = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        let fits = (1..=Self::MAX_CHARS).contains(&text.len()) && text.trim() == text;
        if printable && fits && gate.check_text(text).is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidHeaderValue)
        }
    }

    /// The marker that every sender uses unless it is told another.
    pub fn default_marker() -> Self {
        Self(schema::DEFAULT_MARKER.to_owned())
    }

    /// Name and version of this program.
    pub fn default_user_agent() -> Self {
        Self(format!("{}/{}", schema::TOOL_NAME, schema::ToolVersion::current()))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use privacy::LocalIdentifiers;

    use super::*;

    #[test]
    fn headers_are_printable_bounded_and_pass_the_gate() {
        let gate = Gate::new(LocalIdentifiers::default().with_private(["srv01"]));
        for text in ["pk3s-public-v1", "productive-k3s-core/1.2.3", "my layer 2"] {
            assert_eq!(VettedHeaderValue::parse(text, &gate).expect(text).as_str(), text);
        }
        let long = "a".repeat(257);
        for text in [
            "",
            " a",
            "a ",
            "a\r\nX-Other: b",
            "a\tb",
            "caf\u{e9}",
            &long,
            "on-srv01",
            "192.0.2.7",
            "alice@example.com",
        ] {
            assert_eq!(VettedHeaderValue::parse(text, &gate), Err(InvalidHeaderValue), "{text:?}");
        }
    }

    #[test]
    fn a_machine_that_is_called_like_the_defaults_still_sends_them() {
        assert_eq!(VettedHeaderValue::default_marker().as_str(), "pk3s-public-v1");
        assert!(VettedHeaderValue::default_user_agent().as_str().starts_with("productive-k3s-core/"));
    }
}
