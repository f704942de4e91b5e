//! Versions: of this program, of the contract and of the operating system.
//!
//! Each is bounded so that it cannot be an address: three numbers of up to four digits would accept `192.168.1`.

use std::fmt;

/// Semantic version of the contract, in the `$id` of each schema and in `index.json`.
///
/// `cargo xtask compat` says by which digit a change of the types must raise it.
pub const CONTRACT_VERSION: &str = "1.0.0";

/// The text is not a version of the expected form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidVersion;

impl fmt::Display for InvalidVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a version of the expected form")
    }
}

impl std::error::Error for InvalidVersion {}

patterned_string! {
    /// Semantic version of a program: three numbers, and for a pre-release `-alpha.N`, `-beta.N` or `-rc.N`.
    // A pre-release has four numbers, like an address. With one digit and then two, no address of a private network
    // matches; build metadata is left out because it often contains names of build hosts.
    pub struct ToolVersion, error InvalidVersion,
    pattern "^[0-9]\\.[0-9]{1,2}\\.[0-9]{1,2}(-(alpha|beta|rc)\\.[0-9]{1,2})?$",
    max_length 16, valid is_tool_version, examples ["0.1.0", "1.2.3-rc.1"]
}

impl ToolVersion {
    /// The version of this build.
    ///
    /// # Panics
    /// Never in a released build: a test checks that the version of the package matches the pattern.
    pub fn current() -> Self {
        Self::parse(env!("CARGO_PKG_VERSION")).expect("the package version fits the contract")
    }
}

patterned_string! {
    /// Exact version of this contract: three numbers.
    // A pattern and not today's version as a constant: documents that are queued during an upgrade of the program
    // keep the version they were made under, and must still pass.
    pub struct ContractVersion, error InvalidVersion, pattern "^1\\.[0-9]{1,2}\\.[0-9]{1,2}$",
    max_length 7, valid is_contract_version, examples ["1.0.0"]
}

impl ContractVersion {
    /// The version of the contract that this build uses.
    ///
    /// # Panics
    /// Never in a released build: a test checks that the version of the contract matches the pattern.
    pub fn current() -> Self {
        Self::parse(CONTRACT_VERSION).expect("the version of the contract fits the contract")
    }
}

patterned_string! {
    /// Version of the operating system: one or two numbers with a dot between them, or `other`.
    // `192.168.1` must not match, nor half of it: two digits, or a year of this century, and two digits.
    pub struct OsVersion, error InvalidVersion, pattern "^(([0-9]{1,2}|20[0-9]{2})(\\.[0-9]{1,2})?|other)$",
    max_length 7, valid is_os_version, examples ["24.04", "12", "other"]
}

impl OsVersion {
    const OTHER: &'static str = "other";

    /// The version as `/etc/os-release` states it without a third number, or `other` where it is anything else.
    pub fn or_other(text: &str) -> Self {
        // Alpine states three numbers; the third tells hosts apart, and no decision needs it.
        let coarse = match text.split('.').collect::<Vec<_>>()[..] {
            [major, minor, patch] if is_number(patch, 2) => Self::parse(&format!("{major}.{minor}")),
            _ => Self::parse(text),
        };
        coarse.unwrap_or_else(|_| Self(Self::OTHER.to_owned()))
    }
}

fn is_number(text: &str, digits: usize) -> bool {
    (1..=digits).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_os_version(text: &str) -> bool {
    let (major, minor) = match text.split_once('.') {
        Some((major, minor)) => (major, Some(minor)),
        None => (text, None),
    };
    let is_year = major.len() == 4 && major.starts_with("20") && is_number(major, 4);
    let is_release = (is_number(major, 2) || is_year) && minor.is_none_or(|minor| is_number(minor, 2));
    text == OsVersion::OTHER || is_release
}

fn is_contract_version(text: &str) -> bool {
    text.strip_prefix("1.")
        .and_then(|rest| rest.split_once('.'))
        .is_some_and(|(minor, patch)| is_number(minor, 2) && is_number(patch, 2))
}

fn is_tool_version(text: &str) -> bool {
    let (numbers, pre_release) = match text.split_once('-') {
        Some((numbers, pre_release)) => (numbers, Some(pre_release)),
        None => (text, None),
    };
    let pre_release_fits = pre_release.is_none_or(|pre_release| {
        pre_release
            .split_once('.')
            .is_some_and(|(stage, number)| matches!(stage, "alpha" | "beta" | "rc") && is_number(number, 2))
    });
    let [major, minor, patch] = numbers.split('.').collect::<Vec<_>>()[..] else { return false };
    is_number(major, 1) && is_number(minor, 2) && is_number(patch, 2) && pre_release_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_of_this_build_fit_the_contract() {
        assert_eq!(ToolVersion::current().as_str(), env!("CARGO_PKG_VERSION"));
        assert_eq!(ContractVersion::current().as_str(), CONTRACT_VERSION);
    }

    #[test]
    fn os_versions_are_coarse_and_what_is_no_number_becomes_other() {
        for (text, expected) in [
            ("24.04", "24.04"),
            ("12", "12"),
            ("2023", "2023"),
            ("3.19.1", "3.19"),
            ("", "other"),
            ("10.0.0.1", "other"),
            ("192.168.1", "other"),
            ("192.168", "other"),
            ("10.0.0", "10.0"),
            ("172", "other"),
            ("1984", "other"),
            ("rolling", "other"),
            ("24.", "other"),
            ("24.04\n", "other"),
            ("20240101", "other"),
        ] {
            assert_eq!(OsVersion::or_other(text).as_str(), expected, "{text:?}");
        }
    }

    #[test]
    fn no_version_has_room_for_an_address() {
        for text in [
            "192.168.1",
            "192.168",
            "10.0.0.1",
            "10.20.30-rc.40",
            "10.0.0",
            "1.2.3-rc.100",
            "1.2.3+a",
            "v1.2.3",
        ] {
            assert!(ToolVersion::parse(text).is_err(), "{text}");
            assert!(ContractVersion::parse(text).is_err(), "{text}");
        }
        for text in ["192.168.1", "192.168", "10.0.0", "10.0.0.1", "172", "10.100"] {
            assert!(OsVersion::parse(text).is_err(), "{text}");
        }
        for text in ["0.1.0", "1.2.3-rc.1", "9.99.99-alpha.99"] {
            assert!(ToolVersion::parse(text).is_ok(), "{text}");
        }
        assert!(ContractVersion::parse("1.10.2").is_ok() && ContractVersion::parse("2.0.0").is_err());
    }
}
