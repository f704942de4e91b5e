//! What the cluster serves by HTTPS, asked for by its name as a user would.

use schema::{Component, LetsencryptEnvironment};

use super::report::VerifiedCheck;
use crate::component::{HttpsEndpoint, Probe};
use crate::host::{HttpsError, HttpsRequest, TlsTrust};
use crate::settings::Tls;
use crate::step::{Unmet, certificate};

/// Whether the endpoint answers, with the certificate that the cluster holds for it.
pub(super) fn answers(id: Component, endpoint: &HttpsEndpoint<'_>, probe: &Probe<'_>) -> VerifiedCheck {
    let url = format!("https://{}{}", endpoint.host, endpoint.path);
    let check = VerifiedCheck::new(id, format!("{url} answers"));
    let trust = match trust(endpoint, probe) {
        Ok(trust) => trust,
        Err(unmet) => return check.unmet(&unmet),
    };
    match probe.host.https(&HttpsRequest::get(&url, trust)) {
        Ok(answer) if endpoint.answers.contains(&answer.status) => {
            check.ok(format!("status {}", answer.status))
        }
        Ok(answer) => {
            check.failed(format!("status {}", answer.status)).help(format!("curl --insecure -v {url}"))
        }
        Err(error) => unanswered(check, &error).help(format!("curl --insecure -v {url}")),
    }
}

/// Whom to believe: a public authority, or the one that signed the certificate in the cluster, which no host knows.
pub(super) fn trust(endpoint: &HttpsEndpoint<'_>, probe: &Probe<'_>) -> Result<TlsTrust, Unmet> {
    match &probe.settings.tls {
        Tls::Letsencrypt { environment: LetsencryptEnvironment::Production, .. } => Ok(TlsTrust::System),
        _ => certificate(probe.host, &endpoint.certificate).map(TlsTrust::Certificates),
    }
}

/// A request without an answer.
pub(super) fn unanswered(check: VerifiedCheck, error: &HttpsError) -> VerifiedCheck {
    match error {
        HttpsError::Probe(error) => check.unknown(error.to_string()),
        error => check.failed(error.to_string()),
    }
}
