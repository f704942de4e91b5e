//! Pushing a blob to a registry, and cancelling the upload.

use std::io::{self, Read};
use std::net::IpAddr;
use std::path::Path;

use schema::Component;

use super::error::StepError;
use super::executor::{Change, Effect, Executor, Look, StepOutcome};
use super::node_address::node_address;
use super::observe::certificate;
use super::registry_push::{MEBIBYTES, RegistryPush};
use crate::host::{Command, CommandError, ProbeError, Stdin};
use crate::secret::Secret;

impl Executor<'_> {
    pub(super) fn push(
        &mut self,
        component: Component,
        title: &str,
        push: &RegistryPush,
    ) -> Result<Effect, StepError> {
        let login = match &push.login {
            None => Stdin::Empty,
            Some(login) => {
                let password = self.login_password(component, login)?;
                Stdin::Secret(Secret::new(curl_login(&login.user, password.expose())))
            }
        };
        let address = shown(node_address(self.host).map_err(ProbeError::from)?);
        let authority = certificate(self.host, &push.certificate).map_err(ProbeError::from)?;
        self.stage_bytes(&push.authority(), &mut authority.as_bytes())?;
        self.stage_bytes(&push.blob(), &mut io::repeat(0).take(MEBIBYTES * 1024 * 1024))?;
        self.change(Change::of_unknown(component, title), |this| {
            let request = |method, url: &str| push.request(&address, method, url, login.clone());
            let begun = this.begin_upload(&request("POST", &push.uploads()))?;
            let first = push.location(&begun).ok_or_else(|| astray(push))?;
            let sent = this.host.run(&request("PATCH", &first)).map_err(StepError::Push)?;
            let last = push.location(&sent.text()).ok_or_else(|| astray(push))?;
            this.host.run(&request("DELETE", &last)).map_err(StepError::Push)?;
            Ok(StepOutcome::wrote(format!("{MEBIBYTES} MiB, cancelled")))
        })
    }

    /// The ingress gets its route and its certificate after a moment.
    fn begin_upload(&mut self, command: &Command) -> Result<String, StepError> {
        let timeout = self.timing().retry;
        let look = |this: &mut Self| {
            Ok(match this.host.run(command) {
                Ok(output) => Look::Ready(output.text()),
                Err(error) => Look::NotYet(Refusal(error)),
            })
        };
        match self.wait_until(timeout, look)? {
            Look::Ready(headers) => Ok(headers),
            Look::NotYet(Refusal(error)) => Err(StepError::Push(error)),
        }
    }

    fn stage_bytes(&mut self, path: &Path, bytes: &mut impl Read) -> Result<(), StepError> {
        self.prepare_staging(path)?;
        let mut scratch = self.host.scratch()?;
        scratch.fill(bytes).map_err(StepError::staging("write", path))?;
        Ok(self.host.stage(&mut scratch, path)?)
    }
}

/// Why the registry does not take an upload yet.
struct Refusal(CommandError);

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the registry to take an upload: {}", self.0.tail().last().map_or("no answer", |said| said))
    }
}

fn astray(push: &RegistryPush) -> StepError {
    StepError::PushAstray { host: push.host.clone() }
}

/// A line of a configuration of curl, see `curl(1)`, `--config`.
fn curl_login(user: &str, password: &str) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("user = \"{}:{}\"\n", escaped(user), escaped(password))
}

/// An address as curl wants it.
fn shown(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}
