//! `index.json`: what is published, with a digest of each file.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::PublishedFile;
use schema::{CONTRACT_VERSION, SCHEMA_VERSION};

#[derive(Debug, Serialize)]
pub(super) struct Index {
    generated_by: &'static str,
    contract_version: &'static str,
    schema_version: &'static str,
    files: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    path: String,
    sha256: String,
}

pub(super) fn of(files: &[PublishedFile]) -> Index {
    let entries = files.iter().map(|file| Entry { path: file.path.clone(), sha256: sha256(&file.contents) });
    Index {
        generated_by: "cargo xtask schema",
        contract_version: CONTRACT_VERSION,
        schema_version: SCHEMA_VERSION,
        files: entries.collect(),
    }
}

/// SHA-256 of `text` in lower-case hex, as the index states it.
pub(crate) fn sha256(text: &str) -> String {
    use std::fmt::Write;
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
