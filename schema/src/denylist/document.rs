//! Rules about a document as a whole.

use serde::Serialize;

/// A rule that has a name and a meaning but no pattern.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NamedRule {
    /// Id in reports and vectors.
    pub id: &'static str,
    /// What the rule says.
    pub words: &'static str,
}

/// Rules about a document as a whole, checked before anything else. One that trips ends the check, since nothing
/// sure can be said about the rest; all point at the root of the document, but `duplicate_key` and `depth` at the place.
pub const DOCUMENT_RULES: &[NamedRule] = &[
    NamedRule { id: "size", words: "the document is larger than `max_bytes`" },
    NamedRule { id: "utf8", words: "the document is not UTF-8" },
    NamedRule { id: "syntax", words: "the document is not one JSON value (RFC 8259)" },
    NamedRule {
        id: "depth",
        words: "arrays and objects are nested deeper than `max_depth`; the root is level 1",
    },
    NamedRule { id: "duplicate_key", words: "an object has the same key twice" },
];

/// Names that only the machine knows on which the document is made.
pub const LOCAL_IDENTIFIER: NamedRule = NamedRule {
    id: "local_identifier",
    words: "a string contains a name or a private setting of this machine",
};
