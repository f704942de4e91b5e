//! One request and its headers: the same value is sent and shown, so that what the operator sees cannot differ from
//! what is sent.
//!
//! Header values that the operator chooses pass the gate as documents do: a header leaves the machine beside the body,
//! so a host name in the user agent is the same leak as one in the document.

use std::fmt;

use privacy::{Gate, Vetted};
use schema::TelemetryDocument;
use schema::denylist::LOCAL_IDENTIFIER;
use serde::{Serialize, Serializer};
use url::Url;

use crate::endpoint::{BearerToken, Endpoint};

/// The text must not be sent as a header. The error does not hold the text, which may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidHeaderValue {
    /// No machine may ever send it: it is no header value of ours, or has the form of something private.
    Forbidden,
    /// It contains a name of this machine as it is called now.
    NamesMachine,
}

impl fmt::Display for InvalidHeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a header value that may be sent")
    }
}

impl std::error::Error for InvalidHeaderValue {}

/// A header value that may be sent: product tokens such as `name/1.2.3`, at most 64 characters, that passed the gate or
/// are a constant of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VettedHeaderValue(String);

impl VettedHeaderValue {
    const MAX_CHARS: usize = schema::delivery::MAX_HEADER_CHARS;

    /// Accepts text that passes the gate.
    ///
    /// # Errors
    /// The text is too long, is not of product tokens (RFC 9110, 10.1.5), or the gate refuses it. The form excludes line
    /// breaks, which would start another header, and most of what can carry a name.
    pub fn parse(text: &str, gate: &Gate) -> Result<Self, InvalidHeaderValue> {
        if text.len() > Self::MAX_CHARS || !text.split(' ').all(is_product) {
            return Err(InvalidHeaderValue::Forbidden);
        }
        match gate.check_text(text) {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(violation) if violation.rule() == LOCAL_IDENTIFIER.id => {
                Err(InvalidHeaderValue::NamesMachine)
            }
            Err(_) => Err(InvalidHeaderValue::Forbidden),
        }
    }

    /// Accepts `default` whatever this machine is called, and other text as [`Self::parse`] does.
    pub(crate) fn parse_or_equal(text: &str, default: Self, gate: &Gate) -> Result<Self, InvalidHeaderValue> {
        if text == default.0 { Ok(default) } else { Self::parse(text, gate) }
    }

    /// The marker that every sender uses unless another one is set. It is a constant of the contract and is not
    /// vetted: a host may have this name by chance.
    pub fn default_marker() -> Self {
        Self(schema::DEFAULT_MARKER.to_owned())
    }

    /// Name and version of this program.
    pub fn default_user_agent() -> Self {
        Self(format!("{}/{}", schema::TOOL_NAME, schema::ToolVersion::current()))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A token, or two with a slash between them.
fn is_product(text: &str) -> bool {
    let is_token = |text: &str| {
        // tchar of RFC 9110, 5.6.2.
        let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !text.is_empty() && text.bytes().all(is_tchar)
    };
    let (name, version) = text.split_once('/').map_or((text, None), |(name, version)| (name, Some(version)));
    is_token(name) && version.is_none_or(is_token)
}

/// The headers that the operator may choose, vetted.
///
/// They are stored with each document: the process that stores it knows the private settings of its run, and the process
/// that delivers it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VettedHeaders {
    /// Value of the header [`Header::MARKER`].
    pub marker: VettedHeaderValue,
    /// Value of the `User-Agent` header.
    pub user_agent: VettedHeaderValue,
}

impl VettedHeaders {
    /// Both values, see [`VettedHeaderValue::parse`]. The defaults are accepted whatever this machine is called.
    ///
    /// A user agent that may not be sent is replaced by the default, because it is not worth the document. A marker is
    /// replaced by `chosen`, and by the default only if no machine may ever send it: a receiver that expects another one
    /// refuses the document for good.
    ///
    /// # Errors
    /// The marker contains a name of this machine, and none is chosen in its place.
    pub(crate) fn parse(
        marker: &str,
        user_agent: &str,
        chosen: Option<&VettedHeaderValue>,
        gate: &Gate,
    ) -> Result<Self, InvalidHeaderValue> {
        let vetted = |text, default: &VettedHeaderValue| {
            VettedHeaderValue::parse_or_equal(text, default.clone(), gate)
        };
        let default = Self::default();
        let marker = match (vetted(marker, &default.marker), chosen) {
            (Ok(marker), _) => marker,
            (Err(_), Some(chosen)) => chosen.clone(),
            (Err(InvalidHeaderValue::Forbidden), None) => default.marker,
            (Err(error @ InvalidHeaderValue::NamesMachine), None) => return Err(error),
        };
        let user_agent = vetted(user_agent, &default.user_agent).unwrap_or(default.user_agent);
        Ok(Self { marker, user_agent })
    }
}

impl Default for VettedHeaders {
    fn default() -> Self {
        Self {
            marker: VettedHeaderValue::default_marker(),
            user_agent: VettedHeaderValue::default_user_agent(),
        }
    }
}

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
    /// The header that tells receivers of which public kind a sender is.
    pub const MARKER: &str = schema::delivery::MARKER_HEADER;

    /// The header that states the exact version of the contract.
    pub const CONTRACT: &str = schema::delivery::CONTRACT_HEADER;

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
        // `show --json` is pasted into issues: it gets the masked form too.
        serializer.collect_str(self)
    }
}

/// A `POST` request to the endpoint.
///
/// HTTP itself adds `Host` and `Content-Length`, which describe the endpoint and the body alone.
#[derive(Debug)]
pub struct DeliveryRequest {
    url: Url,
    headers: Vec<Header>,
    body: Vetted<TelemetryDocument>,
}

impl DeliveryRequest {
    /// The request that carries this document to this endpoint.
    pub fn new(endpoint: &Endpoint, headers: &VettedHeaders, body: Vetted<TelemetryDocument>) -> Self {
        // The client adds headers of its own (a default user agent, for one) unless they are set here.
        let mut lines = vec![
            Header::plain("Content-Type", schema::delivery::MEDIA_TYPE),
            // The client would add it anyway; said here, it is shown as well.
            Header::plain("Accept", "*/*"),
            Header::plain("User-Agent", headers.user_agent.as_str()),
            Header::plain(Header::MARKER, headers.marker.as_str()),
            Header::plain(Header::CONTRACT, contract_version_of(&body)),
        ];
        lines.extend(
            endpoint
                .token()
                .map(|token| Header { name: "Authorization", value: HeaderValue::Bearer(token.clone()) }),
        );
        Self { url: endpoint.url().clone(), headers: lines, body }
    }

    /// The address that it is sent to.
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

/// The version that the body itself states. It is not that of this build: a document may have been queued
/// before an upgrade, and header and body must not differ.
fn contract_version_of(body: &Vetted<TelemetryDocument>) -> String {
    let document = serde_json::from_slice::<TelemetryDocument>(body.as_bytes());
    document.map_or_else(
        |_| schema::CONTRACT_VERSION.to_owned(),
        |document| document.contract_version().to_string(),
    )
}

#[cfg(test)]
mod tests {
    use privacy::LocalIdentifiers;

    use super::*;

    #[test]
    fn headers_are_product_tokens_bounded_and_pass_the_gate() {
        let gate = Gate::new(LocalIdentifiers::default().with_private(["srv01"]));
        for text in ["pk3s-public-v1", "productive-k3s-core/1.2.3", "my layer 2"] {
            assert_eq!(VettedHeaderValue::parse(text, &gate).expect(text).as_str(), text);
        }
        let long = "a".repeat(65);
        for text in [
            "",
            " a",
            "a  b",
            "a/",
            "a/b/c",
            "a (comment)",
            "a ",
            "a\r\nX-Other: b",
            "a\tb",
            "caf\u{e9}",
            &long,
            "192.0.2.7",
            "alice@example.com",
        ] {
            let error = VettedHeaderValue::parse(text, &gate).expect_err(text);
            assert_eq!(error, InvalidHeaderValue::Forbidden, "{text:?}");
            // Whatever was refused, the error says the same: the text may be a secret.
            assert_eq!(error.to_string(), "not a header value that may be sent");
        }
        for text in ["on-srv01", "on-srv+01"] {
            let error = VettedHeaderValue::parse(text, &gate).expect_err(text);
            assert_eq!(error, InvalidHeaderValue::NamesMachine, "{text:?}");
            assert_eq!(error.to_string(), "not a header value that may be sent");
        }
    }

    #[test]
    fn a_machine_that_is_called_like_the_defaults_still_sends_them() {
        assert_eq!(VettedHeaderValue::default_marker().as_str(), "pk3s-public-v1");
        assert!(VettedHeaderValue::default_user_agent().as_str().starts_with("productive-k3s-core/"));
    }
}
