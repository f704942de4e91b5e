//! Why a file could not be downloaded, as curl tells it.

use std::fmt;

use crate::host::CommandError;

/// Why a download failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferFault {
    /// The server answered with this status.
    Http(u16),
    /// There was no answer, or not the whole of it; curl's own words.
    Connection(String),
    /// It did not end in this time, in seconds.
    TimedOut(u64),
}

/// The exit code of `curl --fail` for an answer of 400 or above, see EXIT CODES in curl(1).
const HTTP_ERROR: i32 = 22;

impl TransferFault {
    /// What made curl fail; the error itself where it is not the transfer's.
    ///
    /// # Errors
    /// curl is missing, did not start, or was ended.
    pub(super) fn of(error: CommandError) -> Result<Self, CommandError> {
        match error {
            CommandError::TimedOut { seconds, .. } => Ok(Self::TimedOut(seconds)),
            CommandError::Failed { code, tail, status, .. } => {
                // `curl: (22) The requested URL returned error: 404`; commands run with LC_ALL=C, so it is never translated.
                let said = tail.iter().rev().find_map(|line| line.strip_prefix("curl: (")?.split_once(") "));
                let said = said.map_or(status, |(_, said)| said.to_owned());
                let http = said.rsplit(' ').next().and_then(|word| word.parse().ok());
                Ok(match http {
                    Some(http) if code == Some(HTTP_ERROR) => Self::Http(http),
                    _ => Self::Connection(said),
                })
            }
            error => Err(error),
        }
    }

    /// Whether the server does not have the file, which another version may change.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Http(403 | 404 | 410))
    }
}

impl fmt::Display for TransferFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(status) => write!(f, "HTTP {status}"),
            Self::Connection(said) => f.write_str(said),
            Self::TimedOut(seconds) => write!(f, "not complete within {seconds} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: i32, said: &[&str]) -> TransferFault {
        let tail = said.iter().map(|line| (*line).to_owned()).collect();
        let (command, status) = ("curl".to_owned(), format!("exit code {code}"));
        TransferFault::of(CommandError::Failed { command, status, code: Some(code), tail }).expect("a fault")
    }

    #[test]
    fn curl_is_understood() {
        assert_eq!(
            fault(22, &["curl: (22) The requested URL returned error: 404"]),
            TransferFault::Http(404)
        );
        let retried = [
            "curl: (22) The requested URL returned error: 503",
            "curl: (22) The requested URL returned error: 502",
        ];
        assert_eq!(fault(22, &retried), TransferFault::Http(502));
        let unknown = fault(6, &["curl: (6) Could not resolve host: get.helm.sh"]);
        assert_eq!(unknown.to_string(), "Could not resolve host: get.helm.sh");
        assert_eq!(fault(23, &[]).to_string(), "exit code 23");
    }
}
