//! A push to the registry, as slow as a large layer on a slow line.
//!
//! Traefik ends a request whose body takes longer than its limit, sixty seconds by default. A quick push of any size does
//! not show that, so this one takes longer than the default. The upload is cancelled at the end: nothing stays in the
//! registry.

use std::io::{self, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schema::Component;

use super::error::StepError;
use super::executor::{Change, Effect, Executor, Look, StepOutcome};
use super::kube::ObjectRef;
use super::node_address::node_address;
use super::observe::certificate;
use super::registries::RegistryLogin;
use crate::host::{Command, CommandError, ProbeError, Stdin};
use crate::secret::Secret;

/// Size of the blob in MiB. At [`KIB_PER_SECOND`] it takes 68 seconds.
pub(super) const MEBIBYTES: u64 = 16;
/// How fast it is sent.
pub(super) const KIB_PER_SECOND: u64 = 240;

/// The name that the blob would be a part of.
const REPOSITORY: &str = "productive-k3s-verification";

/// A push to a registry.
#[derive(Clone, Debug, PartialEq)]
pub struct RegistryPush {
    /// Host name of the registry.
    pub host: String,
    /// The secret that holds the certificate that it is served with.
    pub certificate: ObjectRef,
    /// Login, if it asks for one.
    pub login: Option<RegistryLogin>,
    /// Directory for what is sent.
    pub staging: PathBuf,
}

impl RegistryPush {
    /// The blob.
    pub(super) fn blob(&self) -> PathBuf {
        self.staging.join("registry-blob")
    }

    fn authority(&self) -> PathBuf {
        self.staging.join("registry-authority.crt")
    }

    /// One request. The login goes in by standard input.
    pub(super) fn request(&self, address: &str, method: &str, url: &str, login: Stdin) -> Command {
        let (authority, host) = (self.authority(), &self.host);
        Command::new("curl")
            .args(["--disable", "--fail", "--silent", "--show-error", "--config", "-", "--noproxy", "*"])
            .args(["--proto", "=https", "--cacert", &authority.to_string_lossy()])
            .args(["--resolve", &format!("{host}:443:{address}"), "--request", method])
            .args(["--dump-header", "-", "--output", "/dev/null", "--connect-timeout", "10"])
            .as_root()
            .withhold_output()
            .stdin(login)
            .args(if method == "PATCH" { self.body() } else { Vec::new() })
            .args(["--", url])
            .timeout(if method == "PATCH" { Duration::from_mins(4) } else { Duration::from_mins(1) })
    }

    fn body(&self) -> Vec<String> {
        let rate = format!("{KIB_PER_SECOND}K");
        let body = ["--header", "Content-Type: application/octet-stream", "--limit-rate", &rate];
        let blob = self.blob();
        body.into_iter().chain(["--upload-file", &blob.to_string_lossy()]).map(str::to_owned).collect()
    }

    /// Where uploads begin.
    pub(super) fn uploads(&self) -> String {
        format!("https://{}/v2/{REPOSITORY}/blobs/uploads/", self.host)
    }

    /// Where the upload goes on. The registry says it, and clients follow: it must be the registry itself.
    fn location(&self, headers: &str) -> Option<String> {
        let value = |line: &str| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case("location").then(|| value.trim().to_owned())
        };
        let location = headers.lines().find_map(value)?;
        let own = format!("https://{}/", self.host);
        match location.strip_prefix('/') {
            Some(path) => Some(format!("{own}{path}")),
            None => location.starts_with(&own).then_some(location),
        }
    }
}

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
