//! Passwords and tokens: from an environment variable or a file, never from an argument, which every user of the host
//! can read in the list of processes.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::declaration::{
    AnyInput, Attributes, Declaration, Input, InputField, Lookup, ValueSource, variable,
};
use super::error::InputError;
use super::text::AnyPath;
use crate::secret::Secret;

const MAX_BYTES: u64 = 4096;

/// An input that names the file of a secret, and the secret. Its key ends in `_file`; the variable without that end holds
/// the secret itself.
#[derive(Clone, Debug)]
pub struct SecretInput {
    file: Input<AnyPath>,
    variable: String,
    secret: Option<Secret>,
}

impl SecretInput {
    /// The secret, if it was given.
    pub fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// Takes an answer for the secret.
    ///
    /// # Errors
    /// [`InputError::SecretMalformed`].
    pub fn answer(&mut self, text: &str) -> Result<(), InputError> {
        self.secret = Some(self.checked(text, "your answer")?);
        Ok(())
    }

    /// The error for a secret that is needed and was not given.
    pub(super) fn missing(&self, why: &'static str) -> InputError {
        let Declaration { key, flag, .. } = self.declaration();
        let file = flag.as_ref().map(|flag| format!("give --{flag} FILE or set {}", self.variable));
        InputError::MissingInput { key: key.clone(), why, remedy: file }
    }

    fn read_file(&self, path: &Path, warnings: &mut Vec<String>) -> Result<Secret, InputError> {
        let key = &self.declaration().key;
        let unreadable =
            |source| InputError::SecretUnreadable { key: key.clone(), path: path.into(), source };
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        // A pipe from a password manager has a mode too, but nobody else can open it by name.
        if metadata.is_file() && metadata.mode() & 0o077 != 0 {
            warnings.push(format!("{key} is readable by others: chmod 600 {}", path.display()));
        }
        let mut text = String::new();
        file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
        self.checked(&text, &path.display().to_string())
    }

    /// A trailing line feed is an editor's, anything else that does not print is a mistake.
    fn checked(&self, text: &str, place: &str) -> Result<Secret, InputError> {
        let value = text.strip_suffix('\n').unwrap_or(text);
        let value = value.strip_suffix('\r').unwrap_or(value);
        let printable = value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if value.is_empty() || text.len() as u64 > MAX_BYTES || !printable || value.trim() != value {
            return Err(self.malformed(place));
        }
        Ok(Secret::new(value))
    }

    fn malformed(&self, place: &str) -> InputError {
        InputError::SecretMalformed { key: self.declaration().key.clone(), place: place.to_owned() }
    }
}

impl AnyInput for SecretInput {
    fn declaration(&self) -> &Declaration {
        self.file.declaration()
    }

    fn text(&self) -> Option<&str> {
        self.file.text()
    }

    fn source(&self) -> Option<ValueSource> {
        self.file.source()
    }

    fn set(&mut self, text: &str, source: ValueSource) -> Result<(), InputError> {
        self.file.set(text, source)
    }

    fn given_at(&self) -> Option<String> {
        self.file.given_at().or_else(|| self.secret.is_some().then(|| self.variable.clone()))
    }

    fn secret_variable(&self) -> Option<&str> {
        Some(&self.variable)
    }

    /// A file goes before the variable, wherever it was named: it was named on purpose, and a variable may be left over.
    fn load_secret(&mut self, variable: Lookup<'_>, warnings: &mut Vec<String>) -> Result<(), InputError> {
        if let Some(path) = self.file.text().map(PathBuf::from) {
            self.secret = Some(self.read_file(&path, warnings)?);
        } else if let Some(value) = variable(&self.variable).filter(|value| !value.is_empty()) {
            let value = value.into_string().map_err(|_| self.malformed(&self.variable))?;
            self.secret = Some(self.checked(&value, &self.variable)?);
        }
        Ok(())
    }
}

impl InputField for SecretInput {
    type Attributes = Attributes;

    fn declare(key: &str, help: &'static str, attributes: Attributes) -> Self {
        let variable = variable(key.strip_suffix("_file").unwrap_or(key));
        Self { file: Input::declare(key, help, attributes), variable, secret: None }
    }

    fn inputs(&self) -> Vec<&dyn AnyInput> {
        vec![self]
    }

    fn inputs_mut(&mut self) -> Vec<&mut dyn AnyInput> {
        vec![self]
    }
}
