//! Inputs that are text of a certain form: each type names its form once, for flags, variables, file, prompts and schema.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::value::{InputValue, InvalidValue};

/// Types of text that passed the check of their form. The pattern is what an editor can be told of the form in the JSON
/// Schema of the config file; the check is stricter.
macro_rules! text_values {
    ($($(#[doc = $meaning:literal])+ $name:ident, $placeholder:literal, $expected:literal, $pattern:literal, $check:expr;)+) => {$(
        $(#[doc = $meaning])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl InputValue for $name {
            const PLACEHOLDER: &'static str = $placeholder;

            fn parse(text: &str) -> Result<Self, InvalidValue> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.to_owned())) } else { Err(InvalidValue::Form { expected: $expected }) }
            }

            fn text(&self) -> String {
                self.0.clone()
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "minLength": 1, "pattern": $pattern })
            }
        }
    )+};
}

text_values! {
    /// A DNS name (RFC 1123).
    HostName, "HOST", "be a DNS name, such as registry.example.local", "^[A-Za-z0-9.-]+$", is_host_name;
    /// An absolute `https` URL without user info.
    HttpsUrl, "URL", "be an https URL without user info, such as https://HOST:6443", "^https://", is_https_url;
    /// An e-mail address.
    Email, "ADDRESS", "be an e-mail address", "@", is_email;
    /// A path.
    AnyPath, "PATH", "not be empty", ".", |text| !text.is_empty();
    /// A path from the root on, outside the directories of the system.
    AbsolutePath, "PATH", "be an absolute path outside system folders, without .., spaces or quotes", "^/", is_clean_absolute_path;
    /// A network in CIDR form.
    Network, "CIDR", "be a network such as 10.0.0.0/24, its host bits zero", "/", is_network;
    /// Name of a Kubernetes object.
    ObjectName, "NAME", "be the name of a Kubernetes object", "^[a-z0-9.-]+$", |text| is_host_name(text) && text == text.to_lowercase();
    /// Name of a user.
    UserName, "NAME", "be 1 to 64 ASCII letters, digits, _, - and .", "^[A-Za-z0-9][A-Za-z0-9_.-]*$", |text| is_token(text, "_-.", 64);
    /// A release. It becomes part of file names, so it has no slash.
    Release, "WORD", "be a release such as v1.2.3", "^[A-Za-z0-9][A-Za-z0-9_.+-]*$", |text| is_token(text, "_-.+", 64);
    /// A container image with its tag.
    Image, "WORD", "be an image with its tag, such as registry:2.8.3", "^[A-Za-z0-9][A-Za-z0-9_.:/@-]*$", |text| is_token(text, "_-.:/@", 256);
}

impl AnyPath {
    /// The path.
    pub fn path(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl AbsolutePath {
    /// The path.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(&self.0)
    }
}

fn is_token(value: &str, extra: &str, longest: usize) -> bool {
    (1..=longest).contains(&value.len())
        && value.starts_with(|first: char| first.is_ascii_alphanumeric())
        && value.chars().all(|letter| letter.is_ascii_alphanumeric() || extra.contains(letter))
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
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => is_host_name(host),
    };
    clean && is_host && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_email(value: &str) -> bool {
    value.split_once('@').is_some_and(|(local, domain)| {
        is_token(local, "_-.+", 64) && is_host_name(domain) && domain.contains('.')
    })
}

/// Spaces and quotes are refused because the path becomes a field of `/etc/exports` and of a values file.
fn is_clean_absolute_path(value: &str) -> bool {
    value.starts_with('/')
        && value.len() > 1
        && value.split('/').all(|part| part != ".." && part != ".")
        && !value.contains([' ', '"', '\'', '\\', '#', '(', ')'])
        && value
            .split('/')
            .find(|part| !part.is_empty())
            .is_some_and(|first| !SYSTEM_FOLDERS.contains(&first))
}

/// Folders of the system itself: exporting one to a network, or filling one with volumes, is never meant.
const SYSTEM_FOLDERS: [&str; 14] = [
    "bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "root", "run", "sbin", "sys",
    "usr",
];

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
        for text in good {
            assert!(T::read(text).is_ok(), "{text:?}");
        }
        for text in bad {
            assert!(T::read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_and_addresses_are_checked_by_their_form() {
        check::<HostName>(
            &["a", "registry.example.local", "10-0-0-1.example"],
            &["", "-a", "a..b", "a_b", "a b", "ä.de", "a."],
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
    }

    #[test]
    fn paths_and_networks_are_checked_by_their_form() {
        check::<AnyPath>(&["runs"], &["", "a\nb", "a\tb"]);
        check::<AbsolutePath>(
            &["/data", "/srv/nfs/k8s-share"],
            &["data", "/", "//", "/etc", "//usr/local", "/a/../b", "/a b", "/a(b)"],
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
    }

    #[test]
    fn releases_and_images_are_checked_by_their_form() {
        check::<Release>(
            &["v1.35.5+k3s1", "1.11.1"],
            &["", "v1 2", "$(id)", "-x", "v1/../x", "..", "registry:2"],
        );
        check::<Image>(&["registry:2.8.3", "r.example:5000/a/b:1"], &["", "a b", "-x"]);
    }
}
