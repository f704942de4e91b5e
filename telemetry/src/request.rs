//! One request as it goes out: the same value is sent and shown.

use std::fmt;

use privacy::Vetted;
use schema::TelemetryDocument;
use serde::{Serialize, Serializer};
use url::Url;

use crate::settings::{BearerToken, DeliverySettings, Endpoint};

/// A header that we set. `Display` and serialisation mask the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Name of the header.
    pub name: &'static str,
    pub(crate) value: HeaderValue,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeaderValue {
    Plain(String),
    Bearer(BearerToken),
}

impl Header {
    /// The header that tells receivers of which public kind a sender is (seed, Delivery Controls).
    pub const MARKER: &str = "X-Productive-K3S-Telemetry";

    fn plain(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: HeaderValue::Plain(value.into()) }
    }

    /// The value, with a mask for the token.
    pub fn shown(&self) -> String {
        match &self.value {
            HeaderValue::Plain(text) => text.clone(),
            HeaderValue::Bearer(token) => format!("Bearer {token}"),
        }
    }

    /// The value as it is sent.
    pub(crate) fn sent(&self) -> String {
        match &self.value {
            HeaderValue::Plain(text) => text.clone(),
            HeaderValue::Bearer(token) => format!("Bearer {}", token.expose()),
        }
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.shown())
    }
}

impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A request as it goes out: `POST` to the endpoint.
///
/// HTTP itself adds `Host` and `Content-Length`, which tell of the endpoint and of the body alone.
#[derive(Debug)]
pub struct DeliveryRequest {
    url: Url,
    headers: Vec<Header>,
    body: Vetted<TelemetryDocument>,
}

impl DeliveryRequest {
    /// The request that carries this document to this endpoint.
    pub fn new(settings: &DeliverySettings, endpoint: &Endpoint, body: Vetted<TelemetryDocument>) -> Self {
        let mut headers = vec![
            Header::plain("Content-Type", "application/json"),
            Header::plain("Accept", "*/*"),
            Header::plain("User-Agent", settings.user_agent.as_str()),
            Header::plain(Header::MARKER, settings.marker.as_str()),
        ];
        headers.extend(
            endpoint
                .token()
                .map(|token| Header { name: "Authorization", value: HeaderValue::Bearer(token.clone()) }),
        );
        Self { url: endpoint.url().clone(), headers, body }
    }

    /// Where it goes.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The headers that we set, in the order in which they are sent.
    pub fn headers(&self) -> &[Header] {
        &self.headers
    }

    /// The exact bytes of the body.
    pub fn body(&self) -> &[u8] {
        self.body.as_bytes()
    }
}
