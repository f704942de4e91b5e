//! A push to the registry and a pull from it, as the distribution protocol has them.
//!
//! The smallest thing that a registry keeps is a blob: one is uploaded, read back and deleted. That shows that the volume
//! can be written to and that requests with a body come through the ingress, and leaves nothing but the empty repository.

use schema::Component;

use super::https::{trust, unanswered};
use super::report::VerifiedCheck;
use crate::component::{HttpsEndpoint, Probe};
use crate::host::{Credentials, Host, HttpsAnswer, HttpsError, HttpsRequest, TlsTrust};
use crate::secret::Password;
use crate::step::Sha256Sum;

const REPOSITORY: &str = "productive-k3s-verify";
const BLOB: &str = "A blob that bootstrap verify pushes, pulls and deletes.\n";

/// What the requests have in common.
struct RegistryClient<'a> {
    host: &'a Host,
    base: String,
    trust: TlsTrust,
    credentials: Option<Credentials>,
}

/// Where a push and a pull did not go on.
enum Stopped {
    Unanswered(HttpsError),
    Answer {
        request: &'static str,
        status: u16,
    },
    /// The registry sends the upload to another server.
    Elsewhere,
    OtherContent,
}

/// Pushes a blob and pulls it, unless that takes a password that was not given.
pub(super) fn push_and_pull(endpoint: &HttpsEndpoint<'_>, probe: &Probe<'_>) -> VerifiedCheck {
    let check = VerifiedCheck::new(Component::Registry, "the registry accepts a push and a pull");
    let credentials = match &probe.settings.registry.auth {
        None => None,
        Some(auth) => match &auth.password {
            Password::Given(password) => {
                Some(Credentials::Basic { user: auth.user.clone(), password: password.clone() })
            }
            Password::Generate => return check.skipped("registry.password_file is not set"),
        },
    };
    let trust = match trust(endpoint, probe) {
        Ok(trust) => trust,
        Err(unmet) => return check.unmet(&unmet),
    };
    let client =
        RegistryClient { host: probe.host, base: format!("https://{}", endpoint.host), trust, credentials };
    let stopped = match client.round_trip() {
        Ok(()) => return check,
        Err(stopped) => stopped,
    };
    let check = match stopped {
        Stopped::Unanswered(error) => unanswered(check, &error),
        Stopped::Answer { request, status: 401 } => {
            check.failed(format!("{request}: status 401, the user or the password is wrong"))
        }
        Stopped::Answer { request, status } => check.failed(format!("{request}: status {status}")),
        Stopped::Elsewhere => check.failed("the registry sends an upload to another server"),
        Stopped::OtherContent => check.failed("the pulled blob is not the pushed one"),
    };
    check.help("k3s kubectl -n registry logs deployment/registry")
}

impl RegistryClient<'_> {
    fn round_trip(&self) -> Result<(), Stopped> {
        let digest = format!("sha256:{}", Sha256Sum::of(BLOB.as_bytes()));
        let upload = self.send("POST", format!("{}/v2/{REPOSITORY}/blobs/uploads/", self.base), None)?;
        let location = upload.header("location").filter(|_| upload.status == 202);
        let Some(location) = location else {
            return Err(Stopped::Answer { request: "upload", status: upload.status });
        };
        // The login goes to nobody else.
        let path = location.strip_prefix(&self.base).unwrap_or(location);
        if !path.starts_with('/') || path.starts_with("//") {
            return Err(Stopped::Elsewhere);
        }
        let joint = if path.contains('?') { '&' } else { '?' };
        let url = format!("{}{path}{joint}digest={digest}", self.base);
        expect("push", 201, self.send("PUT", url, Some(BLOB.to_owned()))?)?;
        let blob = format!("{}/v2/{REPOSITORY}/blobs/{digest}", self.base);
        let pulled = expect("pull", 200, self.send("GET", blob.clone(), None)?)?;
        // Taken away again whatever it was.
        let deleted = self.send("DELETE", blob, None)?;
        if pulled.body != BLOB.as_bytes() {
            return Err(Stopped::OtherContent);
        }
        expect("deletion", 202, deleted).map(drop)
    }

    fn send(&self, method: &'static str, url: String, body: Option<String>) -> Result<HttpsAnswer, Stopped> {
        let credentials = self.credentials.clone();
        let request =
            HttpsRequest { method, credentials, body, ..HttpsRequest::get(url, self.trust.clone()) };
        self.host.https(&request).map_err(Stopped::Unanswered)
    }
}

fn expect(request: &'static str, status: u16, answer: HttpsAnswer) -> Result<HttpsAnswer, Stopped> {
    if answer.status == status { Ok(answer) } else { Err(Stopped::Answer { request, status: answer.status }) }
}
