//! Bearer tokens: one per line of a file, so that an old and a new one are valid during a rotation.

use std::path::Path;

use privacy::disk::DiskError;
use sha2::{Digest, Sha256};

use crate::named_file;

/// Tokens of which one must be presented. Only their hashes are kept: the duration of a comparison reveals nothing, and
/// a core dump holds no token.
#[derive(Debug)]
pub(crate) struct Tokens(Vec<[u8; 32]>);

/// Why a file of tokens cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokensError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("{0}: contains no token; write one per line")]
    Empty(String),
    #[error("{0}: line {1} is not a token of 16 to 256 visible ASCII characters")]
    Invalid(String, usize),
}

impl Tokens {
    const MAX_FILE_BYTES: u64 = 64 * 1024;

    /// Reads a file of tokens. Empty lines and lines that begin with `#` are left out.
    ///
    /// # Errors
    /// The file cannot be read, has no token, or has a line that is not one.
    pub(crate) fn read(path: &Path) -> Result<Self, TokensError> {
        let text = named_file::read(path, Self::MAX_FILE_BYTES)?;
        let mut hashes = Vec::new();
        for (index, line) in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).enumerate() {
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            if !(16..=256).contains(&line.len()) || !line.iter().all(u8::is_ascii_graphic) {
                return Err(TokensError::Invalid(path.display().to_string(), index + 1));
            }
            hashes.push(Sha256::digest(line).into());
        }
        if hashes.is_empty() { Err(TokensError::Empty(path.display().to_string())) } else { Ok(Self(hashes)) }
    }

    /// Whether a token is one of these.
    pub(crate) fn contains(&self, token: &[u8]) -> bool {
        let presented: [u8; 32] = Sha256::digest(token).into();
        self.0.contains(&presented)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(text: &str) -> Result<Tokens, TokensError> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        Tokens::read(file.path())
    }

    #[test]
    fn each_line_is_a_token() {
        let tokens = read("# since May\n0123456789abcdef\r\n\nfedcba9876543210\n").expect("read");
        assert!(tokens.contains(b"0123456789abcdef") && tokens.contains(b"fedcba9876543210"));
        assert!(!tokens.contains(b"# since May") && !tokens.contains(b""));
    }

    #[test]
    fn what_is_no_token_is_told_by_its_line() {
        assert!(matches!(read("\n# none\n"), Err(TokensError::Empty(_))));
        assert!(matches!(read("0123456789abcdef\nshort\n"), Err(TokensError::Invalid(_, 2))));
        assert!(matches!(read("0123456789 abcdef\n"), Err(TokensError::Invalid(_, 1))));
    }
}
