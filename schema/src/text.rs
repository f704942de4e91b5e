//! Strings that are not words of a list: each has an anchored ASCII pattern and a maximum length.

/// Joins the lines of a doc comment into one description.
pub(crate) fn joined(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// Implements serialisation, parsing and the JSON Schema of a newtype over `String`.
///
/// `valid` is the same rule as `pattern`, without a regular expression engine; a test holds the two together.
macro_rules! patterned_string {
    ($(#[doc = $doc:literal])+ $vis:vis struct $name:ident, error $error:ident, pattern $pattern:expr,
     max_length $max:expr, valid $valid:path, examples $examples:expr) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        $vis struct $name(String);

        impl $name {
            /// The anchored ASCII pattern, in the dialect that ECMA 262, Python and Rust share.
            pub const PATTERN: &'static str = $pattern;

            /// Takes over text that fits the pattern.
            pub fn parse(text: &str) -> Result<Self, $error> {
                if text.len() <= $max && $valid(text) { Ok(Self(text.to_owned())) } else { Err($error) }
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let examples: &[&str] = &$examples;
                schemars::json_schema!({
                    "description": $crate::text::joined(&[$($doc),+]),
                    "type": "string",
                    "pattern": $pattern,
                    "maxLength": $max,
                    "examples": examples,
                })
            }
        }
    };
}
