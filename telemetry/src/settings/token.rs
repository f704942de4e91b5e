//! The bearer token.

use std::fmt;

/// A bearer token (RFC 6750): printable ASCII without spaces, at most 4096 characters. `Debug` and `Display` show a mask.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken(String);

/// What stands for the token wherever something is shown.
const MASK: &str = "********";

impl BearerToken {
    const MAX_CHARS: usize = 4096;

    /// Takes over a token.
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
        f.write_str(MASK)
    }
}

impl fmt::Display for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(MASK)
    }
}
