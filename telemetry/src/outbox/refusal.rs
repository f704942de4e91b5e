//! What may not be sent, and why.

use std::borrow::Cow;

use privacy::Rejection;
use schema::{EventId, UtcSeconds};
use serde::{Deserialize, Serialize};

use super::entry::MAX_ENTRY_BYTES;

/// Largest file of ours: a rejected entry is quoted in its file, and a quoted character can take six.
pub(super) const MAX_FILE_BYTES: u64 = 8 * MAX_ENTRY_BYTES;

/// Why a document may not be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Rule of the gate, `entry.<what>` for a file that is no entry, or `http.<status>` for a permanent refusal.
    pub rule: Cow<'static, str>,
    /// Masked JSON pointer of the place; empty where there is none.
    pub pointer: String,
    /// What the rule says.
    pub words: Cow<'static, str>,
    /// HTTP status of a permanent refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Refusal {
    pub(crate) fn entry(rule: &'static str, words: &'static str) -> Self {
        Self { rule: rule.into(), pointer: String::new(), words: words.into(), status: None }
    }

    pub(crate) fn by_endpoint(status: u16) -> Self {
        Self {
            rule: format!("http.{status}").into(),
            pointer: String::new(),
            words: "the endpoint refused the document for good".into(),
            status: Some(status),
        }
    }
}

impl From<&Rejection> for Refusal {
    /// The first violation: the others are seen once it is mended.
    fn from(rejection: &Rejection) -> Self {
        let first = &rejection.violations()[0];
        Self {
            rule: first.rule().to_owned().into(),
            pointer: first.pointer().to_owned(),
            words: first.message().into(),
            status: None,
        }
    }
}

/// A file in `rejected/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejected {
    /// The event, by its file name.
    pub event_id: EventId,
    /// Name of the event, where the document could be read.
    pub event_name: Option<String>,
    /// When it was set aside.
    pub refused_at: UtcSeconds,
    /// Attempts that were made.
    pub attempts: u32,
    /// Why.
    pub refusal: Refusal,
    /// What the file held, where it could be read.
    pub entry: Option<String>,
}
