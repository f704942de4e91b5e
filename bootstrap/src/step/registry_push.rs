//! The requests of a push to the registry, as slow as a large layer on a slow line.
//!
//! Traefik ends a request whose body takes longer than its limit, sixty seconds by default. A quick push of any size does
//! not show that, so this one takes longer than the default. The upload is cancelled at the end: nothing stays in the
//! registry.

use std::path::PathBuf;
use std::time::Duration;

use super::kube::ObjectRef;
use super::registries::RegistryLogin;
use crate::host::{Command, Stdin};

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

    /// The certificate of the authority that the registry is trusted by.
    pub(super) fn authority(&self) -> PathBuf {
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
    pub(super) fn location(&self, headers: &str) -> Option<String> {
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
