//! The entry of a registry in the file by which k3s knows it.

use manifest::{FormerMode, PreviousFile, Undo};
use schema::Component;

use super::document::SecretSource;
use super::error::StepError;
use super::executor::{Change, Effect, Executor, StepOutcome};
use super::lines;
use super::registries::{Merged, RegistryEntry, RegistryLogin, merged};
use crate::host::{FileStatus, Written};
use crate::secret::Secret;

impl Executor<'_> {
    pub(super) fn ensure_registry(
        &mut self,
        component: Component,
        title: &str,
        wanted: &RegistryEntry,
    ) -> Result<Effect, StepError> {
        let path = &wanted.path;
        let found = self.host.read_text(path)?;
        let old = found.as_deref().unwrap_or_default();
        let refused = |fault| StepError::Registries { path: path.clone(), fault, lines: wanted.masked() };
        let password =
            wanted.login.as_ref().map(|login| self.login_password(component, login)).transpose()?;
        let value = wanted.value(password.as_ref().map(Secret::expose));
        let ours = lines::find_block(old, RegistryEntry::MARKER);
        let open = self.open_mode(wanted)?;
        let Merged { text, block } = match (merged(old, &wanted.host, &value).map_err(refused)?, ours) {
            (Some(new), _) => new,
            // Nothing is to be added, but others can read the password that is in it.
            (None, Some(block)) if open.is_some() => Merged { text: old.to_owned(), block: block.to_owned() },
            (None, _) => return Ok(Effect::Unchanged),
        };
        let rest_sha256 = manifest::sha256_hex(text.replacen(&block, "", 1).as_bytes());
        let former_mode = open.map(|mode| FormerMode { mode, rest_sha256 });
        let closed = former_mode.as_ref().map(FormerMode::closed);
        let change = match &found {
            None => {
                Change::of_absent(component, title, Undo::file(path, text.as_bytes(), PreviousFile::Absent))
            }
            // Its former content holds a password, and records hold none.
            Some(_) if ours.is_some() => Change::of_present(component, title, None, Undo::None),
            Some(_) => {
                let (sha256, marker) =
                    (manifest::sha256_hex(block.as_bytes()), RegistryEntry::MARKER.to_owned());
                let undo =
                    Undo::LineBlock { path: path.clone(), marker, sha256, previous: None, former_mode };
                Change::of_absent(component, title, undo)
            }
        };
        let mode = if found.is_none() { Some(0o600) } else { closed };
        self.change(change, |this| {
            let how = this.host.write(path, &text, mode)?;
            let created = if how == Written::Created { "created" } else { "our entry is in it" };
            let closed = closed.map_or_else(String::new, |mode| format!(", mode {mode:04o}"));
            Ok(StepOutcome::wrote(format!("{}: {created}{closed}", path.display())))
        })
    }

    /// The mode of a file that others than its owner can use, and that is to hold a password.
    fn open_mode(&self, wanted: &RegistryEntry) -> Result<Option<u32>, StepError> {
        let file = self.host.file_status(&wanted.path)?.filter(|found| found.is_file());
        let mode = file.map(FileStatus::permissions);
        Ok(mode.filter(|mode| wanted.login.is_some() && mode & 0o077 != 0))
    }

    /// The password of a login of the registry, made if it is to be made and was not.
    pub(super) fn login_password(
        &mut self,
        component: Component,
        login: &RegistryLogin,
    ) -> Result<Secret, StepError> {
        let source = SecretSource::Password { password: login.password.clone(), stored_in: None };
        self.resolve_secret(component, &source)
    }
}
