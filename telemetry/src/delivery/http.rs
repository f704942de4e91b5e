//! The HTTP client. No other module knows which library it is.
//!
//! Blocking, because one document is in flight at a time. HTTP/1.1 only, redirects and retries of the client off: what
//! is sent, and how often, must be decided by the pass alone and counted there.

use std::error::Error;
use std::io;
use std::sync::Once;
use std::thread;
use std::time::{Duration, SystemTime};

use reqwest::blocking::{Client, ClientBuilder, Response};
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;

use schema::delivery::MAX_ANSWER_BYTES;

use super::response::retry_after;
use crate::endpoint::Endpoint;
use crate::error::TelemetryError;
use crate::outbox::{AttemptFailure, FailureClass};
use crate::request::DeliveryRequest;
use crate::settings::DeliverySettings;

const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;

/// One endpoint and the connections to it. It uses the standard proxy variables, `SSL_CERT_FILE`, `SSL_CERT_DIR` and the
/// trust store of the system.
#[derive(Debug)]
pub(super) struct HttpTransport {
    client: Option<Client>,
    request_timeout: Duration,
}

/// What the endpoint answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
}

impl HttpTransport {
    pub(super) fn new(settings: &DeliverySettings, endpoint: &Endpoint) -> Result<Self, TelemetryError> {
        choose_cryptography();
        let failed = |error| TelemetryError::Client(Box::new(error));
        let client = match builder(settings, endpoint).build() {
            // The trust store is read even for an endpoint that has no certificate.
            // Minimal containers have no trust store.
            Err(_) if endpoint.url().scheme() == "http" => {
                builder(settings, endpoint).tls_certs_only([]).build()
            }
            built => built,
        };
        Ok(Self { client: Some(client.map_err(failed)?), request_timeout: settings.request_timeout })
    }

    /// Sends one request, which takes no longer than `remaining`.
    pub(super) fn send(
        &self,
        outgoing: &DeliveryRequest,
        remaining: Duration,
    ) -> Result<Reply, AttemptFailure> {
        // Empty only while it is dropped.
        let Some(client) = &self.client else { return Err(failure(FailureClass::Connect)) };
        let mut request = client
            .post(outgoing.url().clone())
            .timeout(self.request_timeout.min(remaining))
            .body(outgoing.body().to_vec());
        for header in outgoing.headers() {
            request = request.header(header.name, header.sent());
        }
        let response = request.send().map_err(|error| failure_of(&error))?;
        let reply = Reply {
            status: response.status().as_u16(),
            retry_after: response
                .headers()
                .get(RETRY_AFTER)
                .and_then(|value| retry_after(value.to_str().ok()?, SystemTime::now())),
        };
        // The status has decided already; a body that breaks off changes nothing.
        let _ = discard(response);
        Ok(reply)
    }
}

/// A name lookup cannot be interrupted, and the client waits for it when it is dropped. The process must end in time,
/// so the client is dropped on a thread that is never joined.
impl Drop for HttpTransport {
    fn drop(&mut self) {
        let client = self.client.take();
        thread::spawn(move || drop(client));
    }
}

fn builder(settings: &DeliverySettings, endpoint: &Endpoint) -> ClientBuilder {
    let builder = Client::builder()
        .http1_only()
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(settings.connect_timeout);
    if endpoint.is_loopback() { builder.no_proxy() } else { builder }
}

/// Only the status counts. A short body is read, because the connection can be used again then.
fn discard(response: Response) -> io::Result<u64> {
    match response.content_length() {
        Some(length) if length <= MAX_ANSWER_BYTES => {
            io::copy(&mut io::Read::take(response, MAX_ANSWER_BYTES), &mut io::sink())
        }
        _ => Ok(0),
    }
}

fn choose_cryptography() {
    static ONCE: Once = Once::new();
    // An error means that the process has already chosen a provider, which is fine too.
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

fn failure(class: FailureClass) -> AttemptFailure {
    AttemptFailure { class, status: None }
}

/// A proxy that demands authentication answers the tunnel with 407. The client reports it only in its message; if that
/// changes, the failure counts as one of the proxy, and is tried again.
fn failure_of(error: &reqwest::Error) -> AttemptFailure {
    let mut causes = std::iter::successors(error.source(), |cause| (*cause).source());
    if causes.any(|cause| cause.to_string().contains("proxy authorization required")) {
        AttemptFailure { class: FailureClass::Proxy, status: Some(PROXY_AUTHENTICATION_REQUIRED) }
    } else {
        failure(class_of(error))
    }
}

/// The client distinguishes a failed connection from other failures; the rest follows from the errors below.
fn class_of(error: &reqwest::Error) -> FailureClass {
    let causes = || std::iter::successors(error.source(), |cause| (*cause).source());
    let says = |words: &str| causes().any(|cause| cause.to_string().contains(words));
    if error.is_timeout() {
        FailureClass::Timeout
    } else if causes().any(is_tls) {
        FailureClass::Tls
    } else if !error.is_connect() {
        FailureClass::Connection
    } else if says("dns error") {
        // The client has no type for this one and the next; the class is only shown, nothing is decided by it.
        FailureClass::Dns
    } else if says("tunnel error") {
        FailureClass::Proxy
    } else {
        FailureClass::Connect
    }
}

/// TLS reports through the errors of the stream, which may be nested.
fn is_tls(cause: &(dyn Error + 'static)) -> bool {
    let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    cause.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls(inner))
}
