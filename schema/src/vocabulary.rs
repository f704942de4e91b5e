//! Closed lists of words: the only way text gets into a document, apart from ids, versions and times.

/// One word of a closed list with its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word as it stands in a document.
    pub word: &'static str,
    /// What the word says.
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

            /// The word as it stands in a document.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value whose word is `word`, if there is one.
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
                    [only] => schemars::json_schema!({ "description": description, "type": "string", "const": only }),
                    _ => schemars::json_schema!({ "description": description, "type": "string", "enum": words }),
                }
            }
        }
    };
}

/// Every vocabulary of the contract: their words are the ones the gate knows to be innocent.
pub const VOCABULARIES: &[Vocabulary] = &[
    crate::SchemaVersion::VOCABULARY,
    crate::ToolName::VOCABULARY,
    crate::Execution::VOCABULARY,
    crate::Mode::VOCABULARY,
    crate::Status::VOCABULARY,
    crate::Step::VOCABULARY,
    crate::FailureReason::VOCABULARY,
    crate::Support::VOCABULARY,
    crate::OsFamily::VOCABULARY,
    crate::OsId::VOCABULARY,
    crate::Arch::VOCABULARY,
    crate::InstallationEngine::VOCABULARY,
    crate::TlsMode::VOCABULARY,
    crate::LetsencryptEnvironment::VOCABULARY,
    crate::ArtifactsSource::VOCABULARY,
    crate::Component::VOCABULARY,
    crate::DetectedBefore::VOCABULARY,
    crate::PlannedAction::VOCABULARY,
    crate::ComponentResult::VOCABULARY,
    crate::Issuer::VOCABULARY,
    crate::UsageFamily::VOCABULARY,
    crate::InstallFamily::VOCABULARY,
    crate::OperationAttempt::VOCABULARY,
    crate::ModeUsage::VOCABULARY,
    crate::ComponentEnabled::VOCABULARY,
    crate::Install::VOCABULARY,
    crate::CommandEventName::VOCABULARY,
    crate::ModeEventName::VOCABULARY,
    crate::ComponentEventName::VOCABULARY,
    crate::DeliveryEventName::VOCABULARY,
    crate::ComponentLabel::VOCABULARY,
    crate::CommandName::VOCABULARY,
    crate::CommandResult::VOCABULARY,
    crate::EnabledResult::VOCABULARY,
    crate::DeliveryMode::VOCABULARY,
];
