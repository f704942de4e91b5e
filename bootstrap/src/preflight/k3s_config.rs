//! What the operator wrote for k3s: `/etc/rancher/k3s/config.yaml`, and the files of `config.yaml.d` after it.
//!
//! A run writes none of these. What stands there answers some requirements that would fail otherwise.

use std::path::Path;

use serde_json::{Map, Value};

use crate::host::{Host, ProbeError};

const FILE: &str = "/etc/rancher/k3s/config.yaml";
const FOLDER: &str = "/etc/rancher/k3s/config.yaml.d";

/// The settings of k3s that stand in files.
#[derive(Debug, Default)]
pub(super) struct K3sConfig(Map<String, Value>);

impl K3sConfig {
    /// Reads the files in the order in which k3s does; a later one overrides an earlier one.
    ///
    /// # Errors
    /// A file cannot be read, or is no YAML.
    pub(super) fn read(host: &Host) -> Result<Self, ProbeError> {
        let mut names: Vec<String> = host.entries(Path::new(FOLDER))?;
        names.retain(|name| Path::new(name).extension().is_some_and(|extension| extension == "yaml"));
        names.sort();
        let files = [FILE.to_owned()].into_iter().chain(names.iter().map(|name| format!("{FOLDER}/{name}")));
        let mut all = Map::new();
        for file in files {
            let Some(text) = host.read_text(Path::new(&file))?.filter(|text| !text.trim().is_empty()) else {
                continue;
            };
            match serde_saphyr::from_str::<Value>(&text) {
                Ok(Value::Object(settings)) => all.extend(settings),
                Ok(Value::Null) => {}
                _ => return Err(ProbeError::File { message: format!("{file} is no YAML mapping") }),
            }
        }
        Ok(Self(all))
    }

    /// Whether there is a value for `key`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| !value.is_null())
    }

    /// The text of `key`.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str)
    }

    /// Whether `key`, a word or a list of words, has `word`.
    pub(super) fn lists(&self, key: &str, word: &str) -> bool {
        match self.0.get(key) {
            Some(Value::Array(words)) => words.iter().any(|found| found.as_str() == Some(word)),
            Some(Value::String(found)) => found == word,
            _ => false,
        }
    }
}
