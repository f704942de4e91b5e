//! A generated file, and the index of all of them.

use schema::{CONTRACT_VERSION, DocumentKind, SCHEMA_VERSION};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// One generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublishedFile {
    /// Path below the directory of the contract, with `/` between the parts.
    pub(crate) path: String,
    /// The whole text, ending in a line feed.
    pub(crate) contents: String,
}

impl PublishedFile {
    pub(super) fn json(path: impl Into<String>, value: &impl serde::Serialize) -> Self {
        // Pretty, because every change is reviewed as a diff.
        let mut contents = serde_json::to_string_pretty(value).unwrap_or_default();
        contents.push('\n');
        Self { path: path.into(), contents }
    }
}

/// The name of a kind in file names, in the `$id` of its schema and in vectors.
pub(super) fn name_of(kind: DocumentKind) -> &'static str {
    kind.schema_file().trim_end_matches(".schema.json")
}

/// `index.json`: what is published, with a checksum of each file.
#[derive(Debug, Serialize)]
pub(super) struct Index {
    generated_by: &'static str,
    contract_version: &'static str,
    schema_version: &'static str,
    files: Vec<IndexEntry>,
}

#[derive(Debug, Serialize)]
struct IndexEntry {
    path: String,
    sha256: String,
}

pub(super) fn index_of(files: &[PublishedFile]) -> Index {
    let entries =
        files.iter().map(|file| IndexEntry { path: file.path.clone(), sha256: sha256(&file.contents) });
    Index {
        generated_by: "cargo xtask schema",
        contract_version: CONTRACT_VERSION,
        schema_version: SCHEMA_VERSION,
        files: entries.collect(),
    }
}

/// SHA-256 of `bytes` in lower-case hex, as the index states it.
pub(crate) fn sha256(bytes: impl AsRef<[u8]>) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes.as_ref()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
