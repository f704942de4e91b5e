//! Versions: of this program and of the operating system.

use std::fmt;

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
    pub struct ToolVersion, error InvalidVersion,
    pattern "^[0-9]{1,4}\\.[0-9]{1,4}\\.[0-9]{1,4}(-(alpha|beta|rc)\\.[0-9]{1,3})?$",
    max_length 24, valid is_tool_version, examples ["0.1.0", "1.2.3-rc.1"]
}

impl ToolVersion {
    /// The version of this build.
    ///
    /// # Panics
    /// Never in a released build: a test checks that the version of the package fits the pattern.
    pub fn current() -> Self {
        Self::parse(env!("CARGO_PKG_VERSION")).expect("the package version fits the contract")
    }
}

patterned_string! {
    /// Version of the operating system: one to three numbers with dots, or `other`.
    pub struct OsVersion, error InvalidVersion, pattern "^([0-9]{1,4}(\\.[0-9]{1,4}){0,2}|other)$",
    max_length 14, valid is_os_version, examples ["24.04", "12", "other"]
}

impl OsVersion {
    const OTHER: &'static str = "other";

    /// The version as `/etc/os-release` states it, or `other` where it is anything but numbers and dots.
    pub fn or_other(text: &str) -> Self {
        Self::parse(text).unwrap_or_else(|_| Self(Self::OTHER.to_owned()))
    }
}

fn is_number(text: &str, digits: usize) -> bool {
    (1..=digits).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_os_version(text: &str) -> bool {
    // At most three numbers, so that no IPv4 address fits.
    let mut parts = text.split('.');
    text == OsVersion::OTHER || (parts.clone().count() <= 3 && parts.all(|part| is_number(part, 4)))
}

fn is_tool_version(text: &str) -> bool {
    // Build metadata is legal in a semantic version and left out here: it is where names of build hosts end up.
    let (numbers, pre_release) = match text.split_once('-') {
        Some((numbers, pre_release)) => (numbers, Some(pre_release)),
        None => (text, None),
    };
    let pre_release_fits = pre_release.is_none_or(|pre_release| {
        pre_release
            .split_once('.')
            .is_some_and(|(stage, number)| matches!(stage, "alpha" | "beta" | "rc") && is_number(number, 3))
    });
    let mut parts = numbers.split('.');
    parts.clone().count() == 3 && parts.all(|part| is_number(part, 4)) && pre_release_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_this_build_fits_the_contract() {
        assert_eq!(ToolVersion::current().as_str(), env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn os_versions_that_are_not_numbers_become_other() {
        for (text, expected) in [
            ("24.04", "24.04"),
            ("12", "12"),
            ("3.19.1", "3.19.1"),
            ("", "other"),
            ("10.0.0.1", "other"),
            ("rolling", "other"),
            ("24.", "other"),
            ("24.04\n", "other"),
            ("12345", "other"),
        ] {
            assert_eq!(OsVersion::or_other(text).as_str(), expected, "{text:?}");
        }
    }
}
