//! Values of inputs. Each type states its bounds once; flags, variables, the config file, prompts and the JSON Schema of
//! the file all use that one statement.
//!
//! A trait of our own and not `FromStr`: most types belong to the contract, and `bool` has a `FromStr` that refuses `yes`.

use std::fmt::{self, Debug};

use schema::{Bounded, LetsencryptEnvironment, Mode, TlsMode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::step::Sha256Sum;

/// The type of an input's value. Its JSON Schema describes the value in the config file.
pub trait InputValue: JsonSchema + Clone + Debug + 'static {
    /// What stands for the value in the help.
    const PLACEHOLDER: &'static str;

    /// The words that are allowed, where the list is closed; empty otherwise.
    fn words() -> Vec<&'static str> {
        Vec::new()
    }

    /// The JSON Schema of the value in the config file, with every form that [`Self::read`] takes.
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        Self::json_schema(generator)
    }

    /// Reads a value that has no control characters.
    ///
    /// # Errors
    /// A fragment that says what is expected and does not repeat the value: it may be a secret in the wrong place.
    fn parse(text: &str) -> Result<Self, InvalidValue>;

    /// Reads a value. Values go into files, commands and messages line by line, so no type accepts a control character.
    ///
    /// # Errors
    /// As [`InputValue::parse`].
    fn read(text: &str) -> Result<Self, InvalidValue> {
        if text.chars().any(char::is_control) {
            return Err(InvalidValue::ControlCharacter);
        }
        Self::parse(text)
    }
}

/// Why a value was refused, as the end of a sentence that begins with its key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValue {
    /// A line feed, a tab or the like.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// Not a mode.
    #[error("is not {0}")]
    Mode(UnknownWord),
    /// Not a word of a closed list.
    #[error("must be {0}")]
    Word(UnknownWord),
    /// No whole number, or one outside the bounds.
    #[error("must be a whole number from {min} to {max}")]
    Number {
        /// Smallest number allowed.
        min: u32,
        /// Largest number allowed.
        max: u32,
    },
    /// Text of another form.
    #[error("must {expected}")]
    Form {
        /// What the text must do: `be a DNS name`.
        expected: &'static str,
    },
}

/// A word that is not in a closed list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    words: Vec<&'static str>,
    nearest: Option<&'static str>,
}

impl UnknownWord {
    fn new(word: &str, words: Vec<&'static str>) -> Self {
        Self { nearest: nearest(word, words.iter().copied()), words }
    }
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}{}", self.words.join(", "), suggestion(self.nearest))
    }
}

/// Below this likeness a suggestion would be a guess.
const LEAST_LIKENESS: f64 = 0.7;

/// The known word most like `word`, if any is like it at all.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LEAST_LIKENESS)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// The nearest known word as the end of a message, or nothing.
pub(super) fn suggestion(nearest: Option<&str>) -> String {
    nearest.map(|known| format!("; did you mean {known}?")).unwrap_or_default()
}

/// Reads a mode where it is no input: `telemetry preview --mode`.
///
/// # Errors
/// A fragment that lists the modes and names the nearest one.
pub fn parse_mode(text: &str) -> Result<Mode, String> {
    Mode::from_word(text).ok_or_else(|| format!("not {}", UnknownWord::new(text, Mode::words())))
}

/// Whether a component is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// As the mode says.
    Install,
    /// Never.
    Skip,
}

impl Choice {
    const ALL: &'static [Self] = &[Self::Install, Self::Skip];

    /// The word in the config file and in the variable.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Skip => "skip",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.as_str() == word)
    }
}

impl JsonSchema for Choice {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Choice".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": Self::words() })
    }
}

/// Values that are words of a closed list: they come with their words and with their JSON Schema.
macro_rules! word_values {
    ($($type:ty, $placeholder:literal, $unknown:path;)+) => {$(
        impl InputValue for $type {
            const PLACEHOLDER: &'static str = $placeholder;

            fn words() -> Vec<&'static str> {
                Self::ALL.iter().map(|value| value.as_str()).collect()
            }

            fn parse(text: &str) -> Result<Self, InvalidValue> {
                Self::from_word(text).ok_or_else(|| $unknown(UnknownWord::new(text, Self::words())))
            }
        }
    )+};
}

word_values! {
    Mode, "MODE", InvalidValue::Mode;
    LetsencryptEnvironment, "WORD", InvalidValue::Word;
    Choice, "WORD", InvalidValue::Word;
}

/// The numbers are those of the shell core's question, which people and drivers of the layers know by heart.
impl InputValue for TlsMode {
    const PLACEHOLDER: &'static str = "WORD";

    fn words() -> Vec<&'static str> {
        Self::ALL.iter().map(|value| value.as_str()).collect()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        let numbers = [1, 2].map(serde_json::Value::from);
        let words = Self::words().into_iter().map(serde_json::Value::from);
        let numerals = ["1", "2"].map(serde_json::Value::from);
        json_schema!({ "enum": words.chain(numbers).chain(numerals).collect::<Vec<_>>() })
    }

    fn parse(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "1" => Ok(Self::Letsencrypt),
            "2" => Ok(Self::SelfSigned),
            word => {
                Self::from_word(word).ok_or_else(|| InvalidValue::Word(UnknownWord::new(word, Self::words())))
            }
        }
    }
}

/// True and false as people write them, by the parser of the telemetry settings.
impl InputValue for bool {
    const PLACEHOLDER: &'static str = "BOOL";

    fn parse(text: &str) -> Result<Self, InvalidValue> {
        telemetry::parse_bool(text).ok_or(InvalidValue::Form { expected: "be true or false" })
    }
}

impl<const MIN: u32, const MAX: u32> InputValue for Bounded<MIN, MAX> {
    const PLACEHOLDER: &'static str = "NUMBER";

    fn parse(text: &str) -> Result<Self, InvalidValue> {
        // Rust reads `+1` as a number; no other reader of the config file does.
        let number = text.parse::<u32>().ok().filter(|_| !text.starts_with('+'));
        number
            .and_then(|number| Self::try_from(number).ok())
            .ok_or(InvalidValue::Number { min: MIN, max: MAX })
    }
}

/// A size of a volume in GiB, written as a number or as Kubernetes writes it: `20Gi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gibibytes(Bounded<1, 65_536>);

impl Gibibytes {
    /// The number of GiB.
    pub const fn number(self) -> Bounded<1, 65_536> {
        self.0
    }
}

impl InputValue for Gibibytes {
    const PLACEHOLDER: &'static str = "NUMBER";

    fn parse(text: &str) -> Result<Self, InvalidValue> {
        const EXPECTED: &str = "be a size in GiB from 1 to 65536, such as 20 or 20Gi";
        let number = <Bounded<1, 65_536> as InputValue>::parse(text.strip_suffix("Gi").unwrap_or(text));
        number.map(Self).map_err(|_| InvalidValue::Form { expected: EXPECTED })
    }
}

impl JsonSchema for Gibibytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Gibibytes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": 65_536,
            "pattern": "^0*[1-9][0-9]{0,4}(Gi)?$",
        })
    }
}

impl JsonSchema for Sha256Sum {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Sha256Sum".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9A-Fa-f]{64}$" })
    }
}

impl InputValue for Sha256Sum {
    const PLACEHOLDER: &'static str = "WORD";

    fn parse(text: &str) -> Result<Self, InvalidValue> {
        const EXPECTED: &str = "be a SHA-256 checksum of 64 hexadecimal digits";
        Self::parse(text).ok_or(InvalidValue::Form { expected: EXPECTED })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_and_numbers_are_read_as_people_write_them() {
        for (text, value) in [("true", true), ("No", false), ("1", true), ("off", false), (" on ", true)] {
            assert_eq!(bool::read(text), Ok(value), "{text}");
        }
        for text in ["", "maybe", "truee"] {
            assert!(bool::read(text).is_err(), "{text}");
        }
        for text in ["1", "9"] {
            assert!(Bounded::<1, 9>::read(text).is_ok(), "{text}");
        }
        for text in ["0", "10", "-1", "+1", "1.0", "", "9999999999999"] {
            assert_eq!(Bounded::<1, 9>::read(text), Err(InvalidValue::Number { min: 1, max: 9 }), "{text}");
        }
    }

    #[test]
    fn what_the_layers_write_is_read_everywhere() {
        for (text, mode) in [
            ("1", TlsMode::Letsencrypt),
            ("letsencrypt", TlsMode::Letsencrypt),
            ("2", TlsMode::SelfSigned),
            ("self-signed", TlsMode::SelfSigned),
        ] {
            assert_eq!(TlsMode::read(text), Ok(mode), "{text}");
        }
        for text in ["0", "3", "12", "one", ""] {
            assert!(matches!(TlsMode::read(text), Err(InvalidValue::Word(_))), "{text}");
        }
        for (text, size) in [("20", 20), ("20Gi", 20), ("1Gi", 1), ("65536Gi", 65_536)] {
            assert_eq!(Gibibytes::read(text).map(|size| size.number().get()), Ok(size), "{text}");
        }
        for text in ["", "Gi", "0Gi", "65537Gi", "+1Gi", "20GiB", "20G", "20Mi", "20 Gi", "20GiGi", "1.5Gi"] {
            assert!(matches!(Gibibytes::read(text), Err(InvalidValue::Form { .. })), "{text}");
        }
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_nearest_known_one() {
        let unknown = |nearest| UnknownWord { words: vec!["staging", "production"], nearest };
        let read = LetsencryptEnvironment::read;
        assert_eq!(read("staging"), Ok(LetsencryptEnvironment::Staging));
        assert_eq!(read("Staging"), Err(InvalidValue::Word(unknown(Some("staging")))));
        assert_eq!(read("x"), Err(InvalidValue::Word(unknown(None))));
    }

    #[test]
    fn a_checksum_has_64_digits() {
        assert!(<Sha256Sum as InputValue>::read(&"0a".repeat(32)).is_ok());
        for text in ["", "0a", &"0g".repeat(32)] {
            assert!(<Sha256Sum as InputValue>::read(text).is_err(), "{text}");
        }
    }
}
