//! Passwords at the moment in which they are needed.
//!
//! A generated password is written into the private context before it is used. A run that fails later does not show it, and
//! the run that succeeds must: nobody else can tell it, since the cluster keeps only its hash or may have taken it already.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schema::Component;
use serde_json::Value;

use super::document::{SecretKeyRef, SecretSource};
use super::error::StepError;
use super::executor::Executor;
use super::htpasswd;
use super::kube::Kube;
use crate::host::{Host, ProbeError};
use crate::secret::{Password, Secret};

impl Executor<'_> {
    /// The text that goes to the place of a secret. The host's log masks it from then on.
    pub(super) fn resolve_secret(
        &mut self,
        component: Component,
        source: &SecretSource,
    ) -> Result<Secret, StepError> {
        match source {
            SecretSource::Password { password, stored_in } => {
                self.password(component, password, stored_in.as_ref())
            }
            SecretSource::Htpasswd { user, password } => {
                let password = self.password(component, password, None)?;
                let line = htpasswd::line(user, &password)?;
                self.host.log().redact(&line);
                Ok(line)
            }
        }
    }

    fn password(
        &mut self,
        component: Component,
        password: &Password,
        stored_in: Option<&SecretKeyRef>,
    ) -> Result<Secret, StepError> {
        let secret = match password {
            Password::Given(secret) => {
                // One that an earlier run made does not apply any more.
                self.record_password(component, None)?;
                secret.clone()
            }
            Password::Generate => self.generated(component, stored_in)?,
        };
        self.host.log().redact(&secret);
        Ok(secret)
    }

    fn generated(
        &mut self,
        component: Component,
        stored_in: Option<&SecretKeyRef>,
    ) -> Result<Secret, StepError> {
        if let Some(made) = self.journal().context().generated_passwords.get(&component) {
            return Ok(Secret::new(made.as_str()));
        }
        // What an interrupted run has given already, and no record has: another one would not be taken any more.
        let kept = stored_in.map(|place| stored_password(self.host, place)).transpose()?.flatten();
        let secret = kept.unwrap_or_else(generate);
        self.record_password(component, Some(&secret))?;
        Ok(secret)
    }

    fn record_password(&mut self, component: Component, password: Option<&Secret>) -> Result<(), StepError> {
        let recorded = self.journal().context().generated_passwords.get(&component).map(String::as_str);
        if recorded == password.map(Secret::expose) {
            return Ok(());
        }
        Ok(self.update_journal(&mut |context, _| {
            match password {
                Some(password) => context.generated_passwords.insert(component, password.expose().to_owned()),
                None => context.generated_passwords.remove(&component),
            };
        })?)
    }
}

/// 122 random bits in 32 hexadecimal digits, from the generator of the system.
fn generate() -> Secret {
    Secret::new(uuid::Uuid::new_v4().simple().to_string())
}

/// The password in the secret that `place` names.
///
/// # Errors
/// The API server did not answer.
pub fn stored_password(host: &Host, place: &SecretKeyRef) -> Result<Option<Secret>, ProbeError> {
    Ok(Kube(host).get(&place.secret)?.and_then(|secret| stored_text(&secret, &place.key)))
}

/// The text of an entry of a secret; `None` if there is none.
pub fn stored_text(secret: &Value, key: &str) -> Option<Secret> {
    let encoded = secret.get("data")?.get(key)?.as_str()?;
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    (!text.is_empty()).then(|| Secret::new(text))
}
