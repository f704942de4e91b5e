//! The denylist as data, published as `denylist.json`: what a document may not contain even where a schema has room.
//!
//! The gate in `privacy` uses only these tables, and so can a receiver in any language: each step is either a table, a
//! pattern of the subset that ECMA 262, Python and Rust share, or a sentence in `notes`.

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
    "Verdict. A document is refused if any rule trips. Report every rule that trips, in any order, each with a JSON \
     pointer, and never a value.",
    "Pointers. A segment that is the name of a property anywhere in the two schemas, and the position in an array, is \
     written as it is; any other key, one of digits included, is written as `*`. Positions count from 0.",
    "Whole document. The rules of `document` are asked first, in their order up to `syntax`; if one trips, nothing else \
     is asked. `size` and `max_bytes` count bytes, white space included. `syntax` is strict: a byte order mark, `NaN`, and \
     an escape that stands for half a surrogate pair trip it, though many readers let them pass. A number of any size is \
     no syntax error: `1e400` is JSON, and the bounds of the schemas refuse it.",
    "Depth and duplicates. An array or object that is the document is at level 1, and one inside another is a level \
     deeper; other values have no level. `max_depth` levels pass; the first array or object below them trips `depth`, and \
     is what its pointer shows. Two keys are the same if they are equal once their escapes are read; the pointer shows \
     the key that came twice. If a document has several of these faults, or one of these and one of `syntax`, it does not \
     matter which is reported.",
    "Patterns. ASCII classes, no look-around, no back-references, no inline flags. The patterns of `values.rules` are \
     searched for: anything may stand around a match. `keys.shape_pattern` and the patterns of `innocent_shapes` must match \
     the whole string, which their anchors say. Where `ignore_case` is true, ASCII letters match in either case, and no \
     other characters do (Python: `re.ASCII`; JavaScript: no `u` flag; Java: no `UNICODE_CASE`).",
    "Anchors. `^` and `$` mean the very first and the very last position of the string, also inside of a group; there is no \
     multi-line mode. In Python, Perl, Ruby, PHP, Java and .NET `$` also matches before a line feed at the end: write `\\Z` \
     in Python and `\\z` in the others, and in Ruby `\\A` for `^`. JavaScript, Go and Rust need no change.",
    "Keys. Every key of every object is checked, in objects inside of arrays and of unknown properties as well. A key that \
     does not match `keys.shape_pattern` as a whole, at most 64 characters, trips `keys.shape`. Whatever its shape, it is \
     then cut into tokens as `keys.normalisation` says, and trips `keys.token` if a form of any token is an entry of \
     `keys.tokens`, and `keys.sequence` if a form of a token and a form of the token right after it are one of \
     `keys.sequences` in that order. Each of the three trips at most once for a key.",
    "Forms. A token is compared in the forms that `keys.forms` lists and in no others. A form is made from the token in one \
     or two steps, never from another form: of `hosts2` they are `hosts2`, `hosts` and `host`; `host2s` has the forms \
     `host2s` and `host2` and so does not name a host.",
    "Exempt keys. A key is exempt from `keys.token` and `keys.sequence`, not from `keys.shape`, if its place is one of \
     `keys.exempt_prefixes` followed by a `pointer` of `keys.exempt`. Compare keys one by one as they stand: a key \
     `components/local_hosts` is one segment, and `local-hosts` is another key than `local_hosts`.",
    "Values. Every string that is no key is checked, as it stands. A string that equals an entry of `innocent_words`, or \
     matches one of `innocent_shapes`, is innocent and looked at no further. Any other string trips each rule whose pattern \
     is found in it, each once. Numbers and booleans are bounded by the schemas alone.",
    "Nothing is decoded, trimmed, folded or normalised: neither is a string refused for what it would decode to, nor is it \
     innocent because that is. A document that satisfies its schema has no room for encoded text, since every string is a \
     word of a list, a time, a bounded version or an id that is random by its form.",
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

/// Every word of the contract's vocabularies, sorted and each once: finite, reviewed, and so allowed as a whole string.
/// This is what lets `core.bootstrap.server.started` pass, which looks like a domain name.
pub fn allowlisted_words() -> Vec<&'static str> {
    let mut words: Vec<&str> =
        // Whole words are matched, so a list of hundreds does not let any combination of them pass.
        crate::VOCABULARIES.iter().flat_map(|vocabulary| vocabulary.words).map(|word| word.word).collect();
    words.sort_unstable();
    words.dedup();
    words
}
