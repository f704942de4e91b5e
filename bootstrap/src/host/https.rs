//! One `https` request, by curl.
//!
//! curl and not a client of our own: it is what the run downloads with, so a host needs no second set of trusted
//! authorities. Credentials go to its standard input as lines of a configuration, see curl(1) `--config`, and so are in no
//! list of processes. No redirection is followed: an answer from somewhere else is no answer.

use std::io::Write;
use std::time::Duration;

use super::{Command, Host, ProbeError, Stdin};
use crate::secret::Secret;

/// Whom to believe that a server is who it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsTrust {
    /// Anybody: the answer is checked by other means, and nothing secret is sent.
    Anyone,
    /// The authorities of the host.
    System,
    /// These certificates alone, as PEM.
    Certificates(String),
}

/// How to say who one is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// A user and a password, in the Basic scheme.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token, in the Bearer scheme.
    Bearer(Secret),
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpsRequest {
    /// Such as `GET`.
    pub method: &'static str,
    /// An `https` URL. It is an argument of curl, so it holds no secret.
    pub url: String,
    /// Whom to believe.
    pub trust: TlsTrust,
    /// Who asks, if that matters.
    pub credentials: Option<Credentials>,
    /// What is sent along. It is public.
    pub body: Option<String>,
    /// Whether a proxy of the environment is used. What runs in the cluster does not use it either.
    pub by_proxy: bool,
}

impl HttpsRequest {
    /// A `GET` without credentials and without a proxy.
    pub fn get(url: impl Into<String>, trust: TlsTrust) -> Self {
        Self { method: "GET", url: url.into(), trust, credentials: None, body: None, by_proxy: false }
    }
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpsAnswer {
    /// The status code.
    pub status: u16,
    /// The header lines, names in lower case.
    headers: Vec<(String, String)>,
    /// The body, at most 4 MiB.
    pub body: Vec<u8>,
}

impl HttpsAnswer {
    /// The first header `name`, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer. Display is the end of a sentence about the server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpsError {
    /// Its name has no address.
    #[error("its name does not resolve on this host")]
    Unresolved,
    /// Nothing takes connections there.
    #[error("it does not take connections")]
    Refused,
    /// It did not answer in time.
    #[error("it did not answer within {} s", REQUEST.as_secs())]
    TimedOut,
    /// What answers speaks no TLS, or none that curl speaks.
    #[error("it does not speak TLS")]
    NoTls,
    /// Its certificate is not signed by whom it should be, is for another name, or is out of date.
    #[error("its certificate is not trusted: {0}")]
    Untrusted(String),
    /// Another failure, in the words of curl.
    #[error("curl failed: {0}")]
    Other(String),
    /// curl could not be run.
    #[error(transparent)]
    Probe(#[from] ProbeError),
}

/// From the first packet to the last.
const REQUEST: Duration = Duration::from_secs(10);
/// A server that does not answer the first packet in this time is taken for unreachable.
const CONNECT: Duration = Duration::from_secs(5);
/// More than any answer that is read here.
const LARGEST_BODY: u32 = 4 * 1024 * 1024;

impl Host {
    /// Sends `request` and reads the answer, whatever its status. Connecting takes at most 5 s, all of it at most 10 s.
    ///
    /// # Errors
    /// There is no answer in time, or its body has more than 4 MiB.
    pub fn https(&self, request: &HttpsRequest) -> Result<HttpsAnswer, HttpsError> {
        // curl takes a file and no standard input for authorities. They are public.
        let authorities = match &request.trust {
            TlsTrust::Certificates(pem) => Some(temporary(pem)?),
            TlsTrust::Anyone | TlsTrust::System => None,
        };
        let path = authorities.as_ref().map(|file| file.path().to_string_lossy().into_owned());
        let output = self.ask(&command(request, path.as_deref())).map_err(ProbeError::from)?;
        if output.succeeded() {
            return answer(&output.stdout).ok_or_else(|| HttpsError::Other("no HTTP".to_owned()));
        }
        let stderr = self.log().masked(output.stderr_text().trim());
        // Behind its first line curl explains what certificates are.
        let told = stderr.lines().next().unwrap_or_default().trim_start_matches("curl: ").to_owned();
        // The exit codes of curl, see curl(1).
        Err(match output.code() {
            Some(6) => HttpsError::Unresolved,
            Some(7) => HttpsError::Refused,
            Some(28) => HttpsError::TimedOut,
            Some(35) => HttpsError::NoTls,
            Some(60) => HttpsError::Untrusted(told),
            _ => HttpsError::Other(if told.is_empty() { output.to_string() } else { told }),
        })
    }
}

fn command(request: &HttpsRequest, authorities: Option<&str>) -> Command {
    let mut command = Command::new("curl")
        // Nobody's .curlrc counts: `--disable` does that only as the first argument.
        .args(["--disable", "--silent", "--show-error", "--include", "--suppress-connect-headers"])
        .args(["--proto", "=https", "--max-filesize", &LARGEST_BODY.to_string()])
        .args(["--connect-timeout", &CONNECT.as_secs().to_string()])
        .args(["--max-time", &REQUEST.as_secs().to_string(), "--request", request.method]);
    command = match (&request.trust, authorities) {
        (TlsTrust::Anyone, _) => command.args(["--insecure"]),
        // Without the second option curl would go on trusting the authorities of the host beside these.
        (_, Some(file)) => command.args(["--cacert", file, "--capath", "/dev/null"]),
        _ => command,
    };
    if !request.by_proxy {
        command = command.args(["--noproxy", "*"]);
    }
    if let Some(configuration) = configuration(request) {
        command = command.args(["--config", "-"]).stdin(Stdin::Secret(Secret::new(configuration)));
    }
    command.args(["--", &request.url]).withhold_output().timeout(REQUEST + CONNECT)
}

/// What curl reads from standard input.
fn configuration(request: &HttpsRequest) -> Option<String> {
    let credentials = request.credentials.as_ref().map(|credentials| match credentials {
        Credentials::Basic { user, password } => {
            format!("user = {}\n", quoted(&format!("{user}:{}", password.expose())))
        }
        Credentials::Bearer(token) => {
            format!("header = {}\n", quoted(&format!("Authorization: Bearer {}", token.expose())))
        }
    });
    let body = request.body.as_ref().map(|body| {
        let kind = quoted("Content-Type: application/octet-stream");
        format!("data-raw = {}\nheader = {kind}\n", quoted(body))
    });
    let lines: String = credentials.into_iter().chain(body).collect();
    (!lines.is_empty()).then_some(lines)
}

/// A word of a curl configuration, see curl(1) `--config`.
fn quoted(word: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in word.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}

fn temporary(text: &str) -> Result<tempfile::NamedTempFile, ProbeError> {
    let written = tempfile::NamedTempFile::new().and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        Ok(file)
    });
    written
        .map_err(|error| ProbeError::File { message: format!("failed to write a temporary file: {error}") })
}

/// The last answer in what `--include` writes: before it there may be others, such as `100 Continue`.
fn answer(bytes: &[u8]) -> Option<HttpsAnswer> {
    let mut rest = bytes;
    loop {
        let end = rest.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 4..];
        let mut lines = head.lines();
        let status: u16 = lines.next()?.strip_prefix("HTTP/")?.split(' ').nth(1)?.parse().ok()?;
        if (100..200).contains(&status) {
            continue;
        }
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        };
        return Some(HttpsAnswer {
            status,
            headers: lines.filter_map(header).collect(),
            body: rest.to_vec(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_an_argument() {
        let credentials =
            Some(Credentials::Basic { user: "node".to_owned(), password: Secret::new("a\"b\\canary") });
        let request = HttpsRequest { credentials, ..HttpsRequest::get("https://s:6443/x", TlsTrust::System) };
        assert!(!command(&request, None).to_string().contains("canary"));
        assert_eq!(configuration(&request).as_deref(), Some("user = \"node:a\\\"b\\\\canary\"\n"));
    }

    #[test]
    fn an_answer_is_read_behind_interim_ones() {
        let bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/2 401 \r\nWWW-Authenticate: Basic\r\n\r\nno\r\n\r\n";
        let found = answer(bytes).expect("an answer");
        assert_eq!((found.status, found.header("www-authenticate")), (401, Some("Basic")));
        assert_eq!(found.body, b"no\r\n\r\n");
        assert_eq!(answer(b"SSH-2.0-OpenSSH\r\n"), None);
    }
}
