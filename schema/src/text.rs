//! The two ways in which text gets into a document: a word of a closed list, or a string of a pattern and a length.
//!
//! Both are macros, because a type of the contract is several things that must agree: the Rust type, its JSON, its
//! JSON Schema and its description. Written by hand they would diverge; a derive macro would need a separate crate.

/// One word of a closed list with its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word as documents contain it.
    pub word: &'static str,
    /// The meaning of the word.
    pub meaning: &'static str,
}

/// A closed list of words, as `CONTRACT.md` describes it.
#[derive(Clone, Copy, Debug)]
pub struct Vocabulary {
    /// Name of the definition in the schemas.
    pub name: &'static str,
    /// All words in order of declaration.
    pub words: &'static [Word],
}

/// Declares an enum whose variants are words of the contract, each with its meaning as doc comment.
macro_rules! vocabulary {
    ($(#[doc = $doc:literal])+ $vis:vis enum $name:ident {
        $($(#[doc = $meaning:literal])+ $variant:ident => $word:literal,)+
    }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        $vis enum $name {
            // The word is stated and never derived from the variant's name, so that a rename in Rust cannot
            // change the contract.
            $($(#[doc = $meaning])+ #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every value, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The list as data, for documentation and for the gate.
            pub const VOCABULARY: $crate::Vocabulary = $crate::Vocabulary {
                name: stringify!($name),
                words: &[$($crate::Word { word: $word, meaning: concat!($($meaning),+) }),+],
            };

            /// The word as documents contain it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value whose word is `word`, compared with its case: receivers compare words the same way.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let description = $crate::text::joined(&[$($doc),+]);
                let words: Vec<&str> = Self::ALL.iter().map(|value| value.as_str()).collect();
                match words.as_slice() {
                    // A list of one word is a constant; `const` shows that to code generators.
                    [only] => schemars::json_schema!({ "description": description, "type": "string", "const": only }),
                    _ => schemars::json_schema!({ "description": description, "type": "string", "enum": words }),
                }
            }
        }
    };
}

/// Implements serialisation, parsing and the JSON Schema of a newtype over `String`.
///
/// `valid` is the same rule as `pattern`, without a regular expression engine: this crate is at the bottom of everything,
/// and an engine would be larger than all of its types. A test compares the two.
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

            /// Checks that `text` matches the pattern and the length.
            ///
            /// # Errors
            /// The text is not of the form. The error does not repeat it: it may be private.
            pub fn parse(text: &str) -> Result<Self, $error> {
                // Bytes are characters here, since `valid` takes ASCII only.
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

/// Joins the lines of a doc comment into one description.
pub(crate) fn joined(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").trim().to_owned()
}
