//! Passwords at the moment in which they are needed.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schema::Component;
use serde_json::Value;

use super::document::{SecretKeyRef, SecretSource};
use super::error::StepError;
use super::kube::Kube;
use crate::host::Host;
use crate::secret::{Password, Secret};

/// The passwords that a run has made.
#[derive(Debug, Default)]
pub struct GeneratedPasswords {
    made: Vec<(Component, Secret)>,
}

/// Rounds of bcrypt as a power of two. The registry hashes at every request, so it is what libraries take by default and
/// not more.
const BCRYPT_COST: u32 = 10;

impl GeneratedPasswords {
    /// The passwords that were made, with the component that each is for.
    pub fn made(&self) -> &[(Component, Secret)] {
        &self.made
    }

    /// The text that goes to the place of a secret. The host's log masks it from then on.
    pub(super) fn resolve(
        &mut self,
        host: &Host,
        component: Component,
        source: &SecretSource,
    ) -> Result<Secret, StepError> {
        match source {
            SecretSource::Password { password, stored_in } => {
                self.password(host, component, password, stored_in.as_ref())
            }
            SecretSource::Htpasswd { user, password } => {
                let password = self.password(host, component, password, None)?;
                let hash = bcrypt::hash(password.expose(), BCRYPT_COST).map_err(|_| StepError::Bcrypt)?;
                let line = Secret::new(format!("{user}:{hash}\n"));
                host.log().redact(&line);
                Ok(line)
            }
        }
    }

    fn password(
        &mut self,
        host: &Host,
        component: Component,
        password: &Password,
        stored_in: Option<&SecretKeyRef>,
    ) -> Result<Secret, StepError> {
        let secret = match password {
            Password::Given(secret) => secret.clone(),
            Password::Generate => self.generated(host, component, stored_in)?,
        };
        host.log().redact(&secret);
        Ok(secret)
    }

    fn generated(
        &mut self,
        host: &Host,
        component: Component,
        stored_in: Option<&SecretKeyRef>,
    ) -> Result<Secret, StepError> {
        if let Some((_, secret)) = self.made.iter().find(|(owner, _)| *owner == component) {
            return Ok(secret.clone());
        }
        let kept = stored_in.map(|place| kept(host, place)).transpose()?.flatten();
        let secret = kept.unwrap_or_else(generate);
        self.made.push((component, secret.clone()));
        Ok(secret)
    }
}

/// 122 random bits in 32 hexadecimal digits, from the generator of the system.
fn generate() -> Secret {
    Secret::new(uuid::Uuid::new_v4().simple().to_string())
}

/// The password that a former, interrupted run has given already: another one would not be taken any more.
fn kept(host: &Host, place: &SecretKeyRef) -> Result<Option<Secret>, StepError> {
    let Some(object) = Kube(host).get(&place.secret)? else { return Ok(None) };
    let encoded = object.get("data").and_then(|data| data.get(&place.key)).and_then(Value::as_str);
    let text = encoded
        .and_then(|encoded| BASE64_STANDARD.decode(encoded).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(text.filter(|text| !text.is_empty()).map(Secret::new))
}
