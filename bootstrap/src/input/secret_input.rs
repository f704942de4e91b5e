//! Passwords and tokens: from an environment variable or a file, never from an argument.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::error::InputError;
use crate::secret::Secret;

const MAX_BYTES: u64 = 4096;

/// Where a secret may come from.
pub(super) struct SecretInput {
    /// Key of the input that names a file.
    pub(super) key: &'static str,
    /// Variable that holds the secret itself.
    pub(super) variable: &'static str,
}

/// The secrets of a run.
pub(super) const SECRET_INPUTS: [SecretInput; 3] = [
    SecretInput { key: "agent.token_file", variable: "PRODUCTIVE_K3S_AGENT_TOKEN" },
    SecretInput { key: "rancher.password_file", variable: "PRODUCTIVE_K3S_RANCHER_PASSWORD" },
    SecretInput { key: "registry.password_file", variable: "PRODUCTIVE_K3S_REGISTRY_PASSWORD" },
];

impl SecretInput {
    /// The secret, if it was given at all. A file goes before the variable: it was named on purpose.
    pub(super) fn read(
        &self,
        file: Option<&Path>,
        variable: &dyn Fn(&str) -> Option<OsString>,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Secret>, InputError> {
        if let Some(path) = file {
            return self.read_file(path, warnings).map(Some);
        }
        let Some(value) = variable(self.variable).filter(|value| !value.is_empty()) else { return Ok(None) };
        let value = value.into_string().map_err(|_| self.unusable(self.variable))?;
        self.check(&value, self.variable).map(Some)
    }

    fn read_file(&self, path: &Path, warnings: &mut Vec<String>) -> Result<Secret, InputError> {
        let unreadable = |source: std::io::Error| InputError::UnreadableSecret {
            key: self.key,
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_file() && metadata.mode() & 0o077 != 0 {
            warnings.push(format!("{} is readable by others: chmod 600 {}", self.key, path.display()));
        }
        let mut text = String::new();
        file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
        self.check(&text, &path.display().to_string())
    }

    /// A trailing line feed is an editor's, anything else that does not print is a mistake.
    fn check(&self, text: &str, place: &str) -> Result<Secret, InputError> {
        let value = text.strip_suffix('\n').unwrap_or(text);
        let value = value.strip_suffix('\r').unwrap_or(value);
        let printable = value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if value.is_empty() || text.len() as u64 > MAX_BYTES || !printable || value.trim() != value {
            return Err(self.unusable(place));
        }
        Ok(Secret::new(value))
    }

    fn unusable(&self, place: &str) -> InputError {
        InputError::UnusableSecret { key: self.key, place: place.to_owned() }
    }
}
