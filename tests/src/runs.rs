//! The files of a run.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

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
    /// The runs whose log is in `folder`, by id.
    pub(crate) fn all(folder: &Path) -> Vec<Self> {
        let names = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut runs: Vec<Self> = names
            .filter_map(|name| Some(name.strip_prefix("bootstrap-")?.strip_suffix(".log")?.to_owned()))
            .map(|id| Self {
                public: folder.join(format!("bootstrap-{id}.json")),
                private: folder.join(format!("bootstrap-{id}-private.json")),
                log: folder.join(format!("bootstrap-{id}.log")),
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
