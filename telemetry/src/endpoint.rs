//! The address that documents are sent to, and the bearer token that it asks for.

use std::fmt;

use url::{Host, Url};

/// The text is not an endpoint. The error does not hold the text, which may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidEndpoint;

impl fmt::Display for InvalidEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an http or https URL without user name and password")
    }
}

impl std::error::Error for InvalidEndpoint {}

/// An http or https URL without user information, and the token to send there. A token never goes to another machine
/// in plain text.
#[derive(Clone, Debug)]
pub struct Endpoint {
    url: Url,
    token: Option<BearerToken>,
}

impl Endpoint {
    /// Where documents go unless the operator says otherwise (seed, Delivery Controls).
    pub const DEFAULT: &str = schema::delivery::DEFAULT_ENDPOINT;

    /// Reads a URL.
    ///
    /// # Errors
    /// It is no URL with a host, its scheme is neither http nor https, or it has user information. User information
    /// would appear wherever the endpoint is shown; [`BearerToken`] is masked.
    pub fn parse(text: &str) -> Result<Self, InvalidEndpoint> {
        let mut url = Url::parse(text).map_err(|_| InvalidEndpoint)?;
        // `has_host` because `http:x` parses as a URL without one, and would fail only at delivery.
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        if !is_web || !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidEndpoint);
        }
        // A fragment is never sent (RFC 9110, 4.2.5), so that showing it would be wrong.
        url.set_fragment(None);
        Ok(Self { url, token: None })
    }

    /// The endpoint with a token.
    ///
    /// # Errors
    /// The endpoint as it was, if the token would travel to another machine in plain text.
    pub fn with_token(self, token: BearerToken) -> Result<Self, Self> {
        // An endpoint without its token gets 401 at worst; a token on the wire in plain text cannot be taken back.
        let is_private = self.url.scheme() == "https" || self.is_loopback();
        if is_private { Ok(Self { token: Some(token), ..self }) } else { Err(self) }
    }

    /// The address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The token to send there.
    pub fn token(&self) -> Option<&BearerToken> {
        self.token.as_ref()
    }

    /// Whether this machine itself is the endpoint. No proxy may be used then: it would connect to its own loopback, not
    /// ours, and would see a token, which is sent in plain text here alone.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => {
                address.is_loopback() || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
            }
            // Resolved by the system, which answers with a loopback address (RFC 6761, 6.3).
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self::parse(Self::DEFAULT).expect("the default endpoint is one")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.url.as_str())
    }
}

/// A bearer token (RFC 6750): printable ASCII without spaces, at most 4096 characters. `Debug` and `Display` show a
/// mask.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken(String);

/// What is shown in place of the token.
const MASK: &str = "********";

impl BearerToken {
    // Half of the 8 KiB that common servers take for one header line.
    const MAX_CHARS: usize = 4096;

    /// Accepts a token; `None` if a header cannot carry it.
    pub fn parse(text: &str) -> Option<Self> {
        let fits =
            (1..=Self::MAX_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// The token itself, for the `Authorization` header alone.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `Debug` of settings appears in panics and logs. The mask has a fixed length, so it does not reveal that of
        // the token.
        f.write_str(MASK)
    }
}

impl fmt::Display for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_shown_as_it_is_used_and_a_token_never() {
        let endpoint = Endpoint::parse("https://Example.org/a#b").expect("an endpoint");
        assert_eq!(endpoint.to_string(), "https://example.org/a");
        let token = BearerToken::parse("secret").expect("a token");
        assert_eq!((token.to_string().as_str(), format!("{token:?}").as_str()), (MASK, MASK));
        assert_eq!(InvalidEndpoint.to_string(), "not an http or https URL without user name and password");
    }

    #[test]
    fn this_machine_is_known_in_every_form() {
        let is_loopback = |text: &str| Endpoint::parse(text).expect("an endpoint").is_loopback();
        for here in ["http://localhost", "http://127.9.9.9:8", "http://[::1]", "http://[::ffff:127.0.0.1]"] {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in
            ["http://localhost.example", "http://10.0.0.1", "http://[::2]", "http://[::ffff:10.0.0.1]"]
        {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }

    /// The program has no Unicode tables, so a name must be in the form that DNS uses.
    #[test]
    fn an_international_name_is_taken_in_its_ascii_form_alone() {
        let endpoint = Endpoint::parse("https://xn--bcher-kva.example/telemetry").expect("an endpoint");
        assert_eq!(endpoint.url().host_str(), Some("xn--bcher-kva.example"));
        assert!(
            Endpoint::parse("https://BUECHER.example/")
                .is_ok_and(|one| one.url().as_str() == "https://buecher.example/")
        );
        // The second is `localhost` in full-width letters, which Unicode would fold.
        for other in ["https://b\u{fc}cher.example/", "http://\u{ff4c}ocalhost/"] {
            assert_eq!(Endpoint::parse(other).err(), Some(InvalidEndpoint), "{other}");
        }
    }
}
