//! The token with which an agent joins, as k3s reads it: `K10<sum>::<user>:<password>`, `K10<sum>::<id>.<secret>`, the
//! password alone, or a bootstrap token alone.

use std::fmt;

use crate::host::Credentials;
use crate::secret::Secret;
use crate::step::{Sha256Sum, certificates};

/// A join token in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JoinToken {
    /// SHA-256 of the authority that the server must show.
    pub(super) authority: Option<Sha256Sum>,
    /// How the agent says who it is.
    pub(super) credentials: Credentials,
}

/// The text is no token. Nothing of it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotAToken;

impl fmt::Display for NotAToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the join token is invalid; expected K10<64 digits>::<user>:<password>, or a password alone",
        )
    }
}

impl JoinToken {
    /// Reads a token.
    pub(super) fn parse(token: &Secret) -> Result<Self, NotAToken> {
        let text = token.expose();
        let Some(full) = text.strip_prefix("K10") else {
            let credentials = if is_bootstrap_token(text) { bearer(text) } else { node(text) };
            return Ok(Self { authority: None, credentials });
        };
        let (sum, login) = full.split_once("::").ok_or(NotAToken)?;
        let authority = match sum {
            "" => None,
            sum => Some(Sha256Sum::parse(sum).ok_or(NotAToken)?),
        };
        let credentials = match login.split_once(':') {
            Some((_, password)) if !password.is_empty() => node(password),
            None if is_bootstrap_token(login) => bearer(login),
            _ => return Err(NotAToken),
        };
        Ok(Self { authority, credentials })
    }

    /// The certificates that the server must be signed by, given what it calls its authority; `None` if they are not
    /// those of the token.
    ///
    /// One certificate is compared as the text that the server sends. Of several k3s compares the root, in its binary
    /// form; that one alone is trusted then, for whoever could send others beside it could sign with them.
    pub(super) fn trusted(&self, sent: &[u8]) -> Option<String> {
        let text = String::from_utf8(sent.to_vec()).ok()?;
        let all = certificates(&text);
        if all.is_empty() {
            return None;
        }
        let Some(wanted) = &self.authority else { return Some(text) };
        if Sha256Sum::of(sent) == *wanted {
            return Some(text);
        }
        let several = all.len() > 1;
        all.iter()
            .filter(|_| several)
            .find(|one| Sha256Sum::of(&one.der) == *wanted)
            .map(|root| root.pem.clone())
    }
}

fn node(password: &str) -> Credentials {
    Credentials::Basic { user: "node".to_owned(), password: Secret::new(password) }
}

fn bearer(token: &str) -> Credentials {
    Credentials::Bearer(Secret::new(token))
}

/// Six characters, a dot and sixteen, see "Bootstrap Tokens" of Kubernetes.
fn is_bootstrap_token(text: &str) -> bool {
    let plain = |part: &str, length| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.split_once('.').is_some_and(|(id, secret)| plain(id, 6) && plain(secret, 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_as_k3s_reads_them() {
        let sum = "a".repeat(64);
        let table = [
            ("secret".to_owned(), Some((false, node("secret")))),
            (format!("K10{sum}::server:secret"), Some((true, node("secret")))),
            (format!("K10{sum}::node:a:b"), Some((true, node("a:b")))),
            ("K10::server:secret".to_owned(), Some((false, node("secret")))),
            (format!("K10{sum}::abcdef.0123456789abcdef"), Some((true, bearer("abcdef.0123456789abcdef")))),
            ("abcdef.0123456789abcdef".to_owned(), Some((false, bearer("abcdef.0123456789abcdef")))),
            ("K10secret".to_owned(), None),
            ("K10abcd::server:secret".to_owned(), None),
            (format!("K10{sum}::server:"), None),
            (format!("K10{sum}::server"), None),
        ];
        for (token, expected) in table {
            let found = JoinToken::parse(&Secret::new(token.clone())).ok();
            assert_eq!(
                found.map(|token| (token.authority.is_some(), token.credentials)),
                expected,
                "{token}"
            );
        }
    }
}
