//! The entry of a registry in the file by which k3s knows it.

use manifest::{PreviousFile, Undo};
use schema::Component;

use super::document::SecretSource;
use super::error::StepError;
use super::executor::{Change, Effect, Executor, StepOutcome};
use super::lines;
use super::registries::{Merged, RegistryEntry, RegistryLogin, merged};
use crate::host::Written;
use crate::secret::Secret;

impl Executor<'_> {
    pub(super) fn ensure_registry(
        &mut self,
        component: Component,
        title: &str,
        wanted: &RegistryEntry,
    ) -> Result<Effect, StepError> {
        let path = &wanted.path;
        let old = self.host.read_text(path)?;
        let refused = |fault| StepError::Registries { path: path.clone(), fault, lines: wanted.masked() };
        let password =
            wanted.login.as_ref().map(|login| self.login_password(component, login)).transpose()?;
        let value = wanted.value(password.as_ref().map(Secret::expose));
        let Some(Merged { text, block }) =
            merged(old.as_deref().unwrap_or_default(), &wanted.host, &value).map_err(refused)?
        else {
            return Ok(Effect::Unchanged);
        };
        let ours = old.as_deref().is_some_and(|old| lines::find_block(old, RegistryEntry::MARKER).is_some());
        let change = match &old {
            None => {
                Change::of_absent(component, title, Undo::file(path, text.as_bytes(), PreviousFile::Absent))
            }
            // Its former content holds a password, and records hold none.
            Some(_) if ours => Change::of_present(component, title, None, Undo::None),
            Some(_) => {
                let (sha256, marker) =
                    (manifest::sha256_hex(block.as_bytes()), RegistryEntry::MARKER.to_owned());
                let undo = Undo::LineBlock { path: path.clone(), marker, sha256, previous: None };
                Change::of_absent(component, title, undo)
            }
        };
        let mode = if old.is_none() { Some(0o600) } else { None };
        self.change(change, |this| {
            let how = this.host.write(path, &text, mode)?;
            let created = if how == Written::Created { "created" } else { "our entry is in it" };
            Ok(StepOutcome::wrote(format!("{}: {created}", path.display())))
        })
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
