//! Forms of values, and the check of each.

use std::net::IpAddr;

use crate::step::Sha256Sum;

/// Form of a value as it is written in a flag, a variable or the config file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of the modes.
    Mode,
    /// One of these words.
    Word(&'static [&'static str]),
    /// True or false.
    Switch,
    /// A whole number within bounds, both included.
    Integer {
        /// Smallest value.
        min: u32,
        /// Largest value.
        max: u32,
    },
    /// A DNS name (RFC 1123).
    HostName,
    /// An absolute `https` URL without user info.
    HttpsUrl,
    /// An e-mail address.
    Email,
    /// A path.
    Path,
    /// A path from the root on.
    AbsolutePath,
    /// A network in CIDR form.
    Network,
    /// Name of a Kubernetes object.
    ObjectName,
    /// Name of a user.
    UserName,
    /// A release. It becomes part of file names, so it has no slash.
    Release,
    /// A container image with its tag.
    Image,
    /// A SHA-256 checksum in hexadecimal.
    Checksum,
}

impl Kind {
    /// Checks `value`. The error is a fragment that says what is expected and does not repeat the value.
    pub fn check(self, value: &str) -> Result<(), String> {
        if value.chars().any(char::is_control) {
            return Err("must not contain control characters".to_owned());
        }
        let holds = match self {
            Self::Mode => return super::parse_mode(value).map(drop).map_err(|error| format!("is {error}")),
            Self::Word(words) if !words.contains(&value) => {
                let nearest = super::nearest::suggestion(value, words.iter().copied());
                return Err(format!("must be one of {}{nearest}", words.join(", ")));
            }
            Self::Word(_) => true,
            Self::Switch => switch(value).is_some(),
            Self::Integer { min, max } => {
                value.parse::<u32>().is_ok_and(|number| (min..=max).contains(&number))
                    && !value.starts_with('+')
            }
            Self::HostName => is_host_name(value),
            Self::HttpsUrl => is_https_url(value),
            Self::Email => is_email(value),
            Self::Path => !value.is_empty(),
            Self::AbsolutePath => is_clean_absolute_path(value),
            Self::Network => is_network(value),
            Self::ObjectName => is_host_name(value) && value == value.to_lowercase(),
            Self::UserName => is_token(value, "_-.", 64),
            Self::Release => is_token(value, "_-.+", 64),
            Self::Image => is_token(value, "_-.:/@", 256),
            Self::Checksum => Sha256Sum::parse(value).is_some(),
        };
        if holds { Ok(()) } else { Err(self.expectation()) }
    }

    /// The words that are allowed, where there are few.
    pub(super) fn words(self) -> Option<String> {
        match self {
            Self::Mode => {
                Some(schema::Mode::ALL.iter().map(|mode| mode.as_str()).collect::<Vec<_>>().join(", "))
            }
            Self::Word(words) => Some(words.join(", ")),
            _ => None,
        }
    }

    /// What stands for the value in the help.
    pub(super) const fn value_name(self) -> &'static str {
        match self {
            Self::Mode => "MODE",
            Self::Word(_) | Self::Release | Self::Image | Self::Checksum => "WORD",
            Self::Switch => "BOOL",
            Self::Integer { .. } => "NUMBER",
            Self::HostName => "HOST",
            Self::HttpsUrl => "URL",
            Self::Email => "ADDRESS",
            Self::Path | Self::AbsolutePath => "PATH",
            Self::Network => "CIDR",
            Self::ObjectName | Self::UserName => "NAME",
        }
    }

    fn expectation(self) -> String {
        match self {
            Self::Mode | Self::Word(_) => "must be a known word".to_owned(),
            Self::Switch => "must be true or false".to_owned(),
            Self::Integer { min, max } => format!("must be a whole number from {min} to {max}"),
            Self::HostName => "must be a DNS name, such as registry.example.local".to_owned(),
            Self::HttpsUrl => "must be an https URL without user info, such as https://HOST:6443".to_owned(),
            Self::Email => "must be an e-mail address".to_owned(),
            Self::Path => "must not be empty".to_owned(),
            Self::AbsolutePath => {
                "must be an absolute path outside system folders, without .., spaces or quotes".to_owned()
            }
            Self::Network => "must be a network such as 10.0.0.0/24, its host bits zero".to_owned(),
            Self::ObjectName => "must be the name of a Kubernetes object".to_owned(),
            Self::UserName => "must be 1 to 64 ASCII letters, digits, _, - and .".to_owned(),
            Self::Release => "must be a release such as v1.2.3".to_owned(),
            Self::Image => "must be an image with its tag, such as registry:2.8.3".to_owned(),
            Self::Checksum => "must be a sha256 checksum of 64 hexadecimal digits".to_owned(),
        }
    }
}

/// True and false as people write them, the same words as in the telemetry settings.
pub(super) fn switch(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "y" | "on" => Some(true),
        "false" | "0" | "no" | "n" | "off" => Some(false),
        _ => None,
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
    fn check(table: &[(Kind, &[&str], &[&str])]) {
        for (kind, good, bad) in table {
            for value in *good {
                assert_eq!(kind.check(value), Ok(()), "{kind:?} {value:?}");
            }
            for value in *bad {
                assert!(kind.check(value).is_err(), "{kind:?} {value:?}");
            }
        }
    }

    #[test]
    fn values_are_checked_by_their_form() {
        check(&[
            (Kind::Switch, &["true", "No", "1", "off"], &["", "maybe", "truee"]),
            (
                Kind::Integer { min: 1, max: 9 },
                &["1", "9"],
                &["0", "10", "-1", "+1", "1.0", "", "9999999999999"],
            ),
            (
                Kind::HostName,
                &["a", "registry.example.local", "10-0-0-1.example"],
                &["", "-a", "a..b", "a_b", "a b", "ä.de", "a."],
            ),
            (
                Kind::HttpsUrl,
                &["https://10.0.0.1:6443", "https://s.example.local/", "https://[fd00::1]:6443"],
                &[
                    "http://s:6443",
                    "https://",
                    "https://u:p@s",
                    "https://s:0",
                    "https://s:99999",
                    "https://s?x",
                    "s:6443",
                    "https://a b",
                ],
            ),
            (
                Kind::Email,
                &["ops@example.org"],
                &["ops", "ops@", "@example.org", "ops@local", "a b@example.org"],
            ),
            (
                Kind::AbsolutePath,
                &["/data", "/srv/nfs/k8s-share"],
                &["data", "/", "//", "/etc", "//usr/local", "/a/../b", "/a b", "/a(b)"],
            ),
            (
                Kind::Network,
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
            ),
            (Kind::Word(&["staging", "production"]), &["staging"], &["Staging", "prod"]),
            (Kind::Path, &["runs"], &["", "a\nb", "a\tb"]),
        ]);
    }

    #[test]
    fn releases_images_and_checksums_are_checked_by_their_form() {
        check(&[
            (
                Kind::Release,
                &["v1.35.5+k3s1", "1.11.1"],
                &["", "v1 2", "$(id)", "-x", "v1/../x", "..", "registry:2"],
            ),
            (Kind::Image, &["registry:2.8.3", "r.example:5000/a/b:1"], &["", "a b", "-x"]),
            (Kind::Checksum, &[&"0a".repeat(32)], &["", "0a", &"0g".repeat(32)]),
        ]);
    }
}
