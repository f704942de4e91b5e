//! The denylist as data, published as `denylist.json`: what may not stand in a document even where a schema has room.
//!
//! The gate in `privacy` works from these tables and from nothing else, and so can a receiver in any language: each
//! step is either a table, a pattern of the subset that ECMA 262, Python and Rust share, or a sentence in `notes`.

mod document;
mod values;

use serde::Serialize;

pub use document::{DOCUMENT_RULES, Exemption, KEYS, KeyRules, LOCAL_IDENTIFIER, NamedRule};
pub use values::{ALLOWLISTED_SHAPES, AllowlistedShape, VALUE_RULES, ValueRule};

/// Everything that `denylist.json` holds.
#[derive(Clone, Debug, Serialize)]
pub struct Denylist {
    contract_version: &'static str,
    notes: &'static [&'static str],
    document: DocumentRules,
    keys: &'static KeyRules,
    values: ValueRules,
    local_identifier: NamedRule,
}

#[derive(Clone, Debug, Serialize)]
struct DocumentRules {
    max_bytes: usize,
    max_depth: usize,
    rules: &'static [NamedRule],
}

#[derive(Clone, Debug, Serialize)]
struct ValueRules {
    innocent_words: Vec<&'static str>,
    innocent_shapes: &'static [AllowlistedShape],
    rules: &'static [ValueRule],
}

const NOTES: &[&str] = &[
    "A document is refused if any rule trips. Order does not matter: report every rule that trips, each with a JSON \
     pointer whose unknown segments are replaced by `*`, and never a value.",
    "The document is read strictly: a second key of the same name is refused, and so, as `syntax`, are a byte order mark, \
     `NaN`, and an escape that stands for half a surrogate pair; many readers let these pass.",
    "Patterns use ASCII classes, no look-around, no back-references and no inline flags. Unless a table says otherwise \
     a pattern is searched for anywhere in the string. `^` and `$` mean the very beginning and the very end: no \
     multi-line mode, and in Python `\\Z` for `$` (or `re.fullmatch`), for its `$` lets a trailing newline pass. Where \
     `ignore_case` is true, only ASCII letters are folded (Python: `re.ASCII`; JavaScript: no `u` flag).",
    "Keys: every key of every object is checked. It must match `keys.shape`. Then it is cut into tokens as \
     `keys.normalisation` says, and trips `keys.token` if any token is in `tokens`, and `keys.sequence` if two \
     neighbouring tokens are one of `sequences`. A token equals a word of these tables if any of its forms, as \
     `keys.forms` lists them, equals it. A key whose JSON pointer is a prefix of `exempt_prefixes` followed by an \
     entry of `exempt` is exempt from both tables.",
    "Values: every string value is checked. A string that is an entry of `innocent_words`, or fits one of \
     `innocent_shapes` as a whole, is innocent and looked at no further. Any other string trips each rule whose \
     pattern it contains. Numbers and booleans are bounded by the schemas alone.",
    "Nothing is decoded: a document that satisfies its schema has no room for encoded text, since every string is a word \
     of a list, a time, a bounded version or an id that is random by its form.",
    "`local_identifier` is checked where a document is made, against names that only that machine knows, as they are and \
     decoded; ids are checked too. A receiver cannot and need not apply it.",
];

/// The denylist as it is published.
pub fn published() -> Denylist {
    Denylist {
        contract_version: crate::CONTRACT_VERSION,
        notes: NOTES,
        document: DocumentRules {
            max_bytes: crate::limits::MAX_DOCUMENT_BYTES,
            max_depth: crate::limits::MAX_DEPTH,
            rules: DOCUMENT_RULES,
        },
        keys: &KEYS,
        values: ValueRules {
            innocent_words: allowlisted_words(),
            innocent_shapes: ALLOWLISTED_SHAPES,
            rules: VALUE_RULES,
        },
        local_identifier: LOCAL_IDENTIFIER,
    }
}

/// Every word of the contract's vocabularies, sorted and each once: finite, reviewed, and so innocent as a whole string.
/// This is what lets `core.bootstrap.server.started` pass, which looks like a domain name.
pub fn allowlisted_words() -> Vec<&'static str> {
    let mut words: Vec<&str> =
        // Words are matched whole, so a list of hundreds lets no combination of them pass.
        crate::VOCABULARIES.iter().flat_map(|vocabulary| vocabulary.words).map(|word| word.word).collect();
    words.sort_unstable();
    words.dedup();
    words
}
