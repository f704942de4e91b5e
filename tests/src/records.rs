//! What a run leaves behind: its records, the other files in a directory, and whether documents satisfy the published
//! contract.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jsonschema::{PatternOptions, Validator};
use schema::DocumentKind;
use serde_json::Value;

use crate::machine::workspace;

/// The files of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunRecord {
    /// Its id.
    pub id: String,
    /// Public manifest.
    pub public: PathBuf,
    /// Private context.
    pub private: PathBuf,
    /// Log.
    pub log: PathBuf,
}

impl RunRecord {
    /// The runs whose log is in `directory`, by id.
    pub(crate) fn all(directory: &Path) -> Vec<Self> {
        let names = fs::read_dir(directory)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut runs: Vec<Self> = names
            .filter_map(|name| Some(name.strip_prefix("bootstrap-")?.strip_suffix(".log")?.to_owned()))
            .map(|id| Self {
                public: directory.join(format!("bootstrap-{id}.json")),
                private: directory.join(format!("bootstrap-{id}-private.json")),
                log: directory.join(format!("bootstrap-{id}.log")),
                id,
            })
            .collect();
        runs.sort();
        runs
    }

    /// The public manifest.
    pub fn manifest(&self) -> Value {
        read(&self.public)
    }

    /// The private context.
    pub fn context(&self) -> Value {
        read(&self.private)
    }

    /// Status of the public manifest.
    pub fn status(&self) -> String {
        self.manifest()["status"].as_str().expect("a word").to_owned()
    }
}

fn read(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A file or directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Kind and permission bits.
    pub mode: u32,
    /// User id of the owner.
    pub uid: u32,
    /// Group id of the owner.
    pub gid: u32,
    /// Its content; empty for a directory.
    pub content: Vec<u8>,
}

/// Everything below `root`, by its path from there, without directories called `except`.
pub fn tree(root: &Path, except: Option<&str>) -> BTreeMap<PathBuf, Entry> {
    let mut found = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if except.is_some_and(|name| path.ends_with(name)) {
                continue;
            }
            // A delivery may remove an entry while this looks.
            let Ok(data) = path.symlink_metadata() else { continue };
            let content = if data.is_file() { fs::read(&path).unwrap_or_default() } else { Vec::new() };
            if data.is_dir() {
                directories.push(path.clone());
            }
            let relative = path.strip_prefix(root).expect("below").to_owned();
            found.insert(relative, Entry { mode: data.mode(), uid: data.uid(), gid: data.gid(), content });
        }
    }
    found
}

/// Validators made of the published schemas, formats asserted.
#[derive(Debug)]
pub struct Contract {
    manifest: Validator,
    telemetry: Validator,
}

impl Contract {
    /// Reads the published files.
    pub fn published() -> Self {
        Self { manifest: validator(DocumentKind::RunManifest), telemetry: validator(DocumentKind::Telemetry) }
    }

    /// Fails unless `document` is a valid run manifest.
    pub fn check_manifest(&self, document: &Value) {
        check(&self.manifest, document);
    }

    /// Fails unless `document` is a valid telemetry document.
    pub fn check_telemetry(&self, document: &Value) {
        check(&self.telemetry, document);
    }
}

fn validator(kind: DocumentKind) -> Validator {
    let path = workspace().join("schema/contract/v1").join(kind.schema_file());
    let text = fs::read_to_string(&path).expect("the contract is committed");
    let schema = serde_json::from_str(&text).expect("JSON");
    jsonschema::options()
        .offline()
        .should_validate_formats(true)
        // A receiver that ignores a format accepts more than the contract; this one may not.
        .should_ignore_unknown_formats(false)
        .with_pattern_options(PatternOptions::regex())
        .build(&schema)
        .expect("a schema")
}

fn check(validator: &Validator, document: &Value) {
    let errors: Vec<String> = validator.iter_errors(document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {document:#}");
}
