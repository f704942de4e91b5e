//! Values that are text: each is a type of its own, so that no check can be forgotten on the way in.
//!
//! The checks are written by hand and the pattern of a [`Token`] follows from its check. A pattern as the one source
//! would need an engine for regular expressions here, and still could not say which networks have host bits.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::value::{InputValue, InvalidValue};
use crate::settings::is_data_path;

/// Declares a type of text: its placeholder in the help, what the text must do, the check, and the JSON Schema.
macro_rules! text_values {
    ($($(#[doc = $doc:literal])+ $name:ident, $placeholder:literal, $expected:literal, $holds:expr, $schema:expr;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl InputValue for $name {
            const PLACEHOLDER: &'static str = $placeholder;

            fn parse(text: &str) -> Result<Self, InvalidValue> {
                let holds: fn(&str) -> bool = $holds;
                if holds(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(InvalidValue::Form { expected: $expected })
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )+};
}

text_values! {
    /// A DNS name in lower case (RFC 1123). It becomes the host of an Ingress, where the API server refuses upper case and
    /// addresses.
    HostName, "HOST", "be a DNS name in lower case and not an address, such as registry.example.local",
        |text| is_lower_host_name(text) && text.contains(|letter: char| letter.is_ascii_lowercase()),
        json_schema!({ "type": "string", "format": "hostname", "pattern": "^[a-z0-9.-]*[a-z][a-z0-9.-]*$" });
    /// An absolute `https` URL without user info. The schema leaves the host and the port to the program.
    HttpsUrl, "URL", "be an https URL without user info, such as https://HOST:6443", is_https_url,
        json_schema!({ "type": "string", "format": "uri", "pattern": "^https://" });
    /// An e-mail address with a public domain.
    Email, "ADDRESS", "be an e-mail address", is_email,
        json_schema!({ "type": "string", "format": "email" });
    /// Path of a file or a directory, from the current directory on.
    AnyPath, "PATH", "not be empty", |text| !text.is_empty(),
        json_schema!({ "type": "string", "minLength": 1 });
    /// Path from the root on, outside the directories of the system. Paths are compared with what other programs print,
    /// so each has one form.
    AbsolutePath, "PATH", "be an absolute path outside system directories, without .., spaces, quotes or a trailing slash",
        is_data_path, json_schema!({ "type": "string", "pattern": "^(/[^ \"'\\\\#()/]+)+$" });
    /// A network in CIDR form. Its host bits are zero: exports are compared as text, and one network has one form.
    Network, "CIDR", "be a network such as 10.0.0.0/24, its host bits zero", is_network,
        json_schema!({ "type": "string", "pattern": "^[0-9A-Fa-f:.]+/[0-9]{1,3}$" });
    /// Name of a Kubernetes object: a DNS name in lower case.
    ObjectName, "NAME", "be the name of a Kubernetes object",
        is_lower_host_name,
        json_schema!({ "type": "string", "format": "hostname", "pattern": "^[a-z0-9.-]+$" });
    /// Name of a user of the registry.
    UserName, "NAME", "be 1 to 64 ASCII letters, digits, _, - and .", |text| USER_NAME.holds(text), USER_NAME.schema();
    /// Name of a release. It becomes part of file names, so it has no slash.
    ReleaseName, "WORD", "be a release such as v1.2.3", |text| RELEASE_NAME.holds(text), RELEASE_NAME.schema();
    /// Name of a release of k3s: it is part of the address of what is downloaded, where a `v` or the `+k3s1` that is missing
    /// would only say that there is nothing.
    K3sRelease, "WORD", "be a release of k3s, such as v1.35.5+k3s1", is_k3s_release,
        json_schema!({
            "type": "string",
            "pattern": r"^v[0-9]+(\.[0-9]+){2}(-rc[0-9]+)?\+k3s[0-9]+$",
            "maxLength": RELEASE_NAME.longest,
        });
    /// A container image with its tag.
    ImageReference, "WORD", "be an image with its tag, such as registry:2.8.3",
        |text| IMAGE_REFERENCE.holds(text), IMAGE_REFERENCE.schema();
}

const USER_NAME: Token = Token { punctuation: "_.-", longest: 64 };
const RELEASE_NAME: Token = Token { punctuation: "_.+-", longest: 64 };
const IMAGE_REFERENCE: Token = Token { punctuation: "_.:/@-", longest: 256 };
const MAIL_BOX: Token = Token { punctuation: "_.+-", longest: 64 };

fn is_k3s_release(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = || {
        let (release, build) = text.strip_prefix('v')?.split_once("+k3s")?;
        let (version, candidate) = release.split_once("-rc").unwrap_or((release, "0"));
        let mut numbers = version.split('.');
        Some(
            numbers.clone().count() == 3
                && numbers.all(is_number)
                && is_number(candidate)
                && is_number(build),
        )
    };
    text.len() <= RELEASE_NAME.longest && parts().unwrap_or_default()
}

/// ASCII letters, digits and some punctuation, beginning with a letter or a digit so that no program reads it as a flag.
struct Token {
    /// A hyphen stands last, where it has no meaning in a pattern.
    punctuation: &'static str,
    longest: usize,
}

impl Token {
    fn holds(&self, text: &str) -> bool {
        (1..=self.longest).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.chars().all(|letter| letter.is_ascii_alphanumeric() || self.punctuation.contains(letter))
    }

    fn schema(&self) -> Schema {
        let pattern = format!("^[0-9A-Za-z][0-9A-Za-z{}]*$", self.punctuation);
        json_schema!({ "type": "string", "pattern": pattern, "maxLength": self.longest })
    }
}

fn is_host_name(value: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (1..=253).contains(&value.len()) && value.split('.').all(is_label)
}

fn is_lower_host_name(value: &str) -> bool {
    is_host_name(value) && !value.contains(|letter: char| letter.is_ascii_uppercase())
}

fn is_https_url(value: &str) -> bool {
    let Some(rest) = value.strip_prefix("https://") else { return false };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let clean = !path.contains(['?', '#', ' ', '\\', '"']) && !authority.contains('@');
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match bracketed {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => is_host_name(host),
    };
    clean && is_host && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_email(value: &str) -> bool {
    value
        .split_once('@')
        .is_some_and(|(local, domain)| MAIL_BOX.holds(local) && is_host_name(domain) && domain.contains('.'))
}

fn is_network(value: &str) -> bool {
    let Some((address, length)) = value.split_once('/') else { return false };
    let (Ok(address), Ok(length)) = (address.parse::<IpAddr>(), length.parse::<u8>()) else { return false };
    let (bits, width) = match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let host_bits = match width - u32::from(length.min(128)).min(width) {
        128 => u128::MAX,
        free => (1 << free) - 1,
    };
    u32::from(length) <= width && bits & host_bits == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: InputValue>(good: &[&str], bad: &[&str]) {
        let name = T::schema_name();
        for text in good {
            assert!(T::read(text).is_ok(), "{name} {text:?}");
        }
        for text in bad {
            assert!(T::read(text).is_err(), "{name} {text:?}");
        }
    }

    #[test]
    fn names_and_addresses_are_checked_by_their_form() {
        check::<HostName>(
            &["a", "registry.example.local", "10-0-0-1.example"],
            &["", "-a", "a..b", "a_b", "a b", "\u{e4}.de", "a.", "Registry.example.local", "10.0.0.1", "::1"],
        );
        check::<HttpsUrl>(
            &["https://10.0.0.1:6443", "https://s.example.local/", "https://[fd00::1]:6443"],
            &["http://s:6443", "https://", "https://u:p@s", "https://s:0", "https://s:99999", "https://s?x"],
        );
        check::<HttpsUrl>(&[], &["s:6443", "https://a b"]);
        check::<Email>(
            &["ops@example.org"],
            &["ops", "ops@", "@example.org", "ops@local", "a b@example.org"],
        );
        check::<Network>(
            &["192.168.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "10.1.2.3/32", "fd00::/8", "::/0"],
            &[
                "192.168.0.0",
                "192.168.0.1/24",
                "192.168.0.0/33",
                "300.0.0.0/8",
                "10.0.0.0/-1",
                "fd00::/129",
                "a/8",
            ],
        );
        check::<ObjectName>(&["local-path", "a.b"], &["", "Local", "a_b"]);
    }

    #[test]
    fn paths_are_checked_by_their_form() {
        check::<AbsolutePath>(
            &["/data", "/srv/nfs/k8s-share"],
            &["data", "/", "//", "/etc", "//usr/local", "/a/../b", "/a b", "/a(b)", "/data/", "/srv//a"],
        );
        check::<AnyPath>(&["runs"], &["", "a\nb", "a\tb"]);
    }

    #[test]
    fn releases_images_and_users_are_checked_by_their_form() {
        check::<ReleaseName>(
            &["v1.35.5+k3s1", "1.11.1"],
            &["", "v1 2", "$(id)", "-x", "v1/../x", "..", "registry:2"],
        );
        check::<K3sRelease>(
            &["v1.35.5+k3s1", "v1.36.0-rc2+k3s10"],
            &["", "1.35.5+k3s1", "v1.35.5", "v1.35+k3s1", "v1.35.5+k3s", "v1.35.x+k3s1", "v1.35.5-rc+k3s1"],
        );
        check::<ImageReference>(&["registry:2.8.3", "r.example:5000/a/b:1"], &["", "a b", "-x"]);
        check::<UserName>(&["pusher", "a.b-c_d"], &["", "a:b", "-a", &"a".repeat(65)]);
    }
}
