//! Where and how telemetry is delivered.

mod endpoint;
mod token;

pub use endpoint::{Endpoint, InvalidEndpoint};
pub use token::BearerToken;

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use privacy::Gate;

use crate::environment::{Environment, Reader, Warning};
use crate::header::HeaderText;

const ENDPOINT: &str = "TELEMETRY_ENDPOINT";
const TOKEN: &str = "TELEMETRY_BEARER_TOKEN";
const MARKER: &str = "TELEMETRY_MARKER";
const USER_AGENT: &str = "TELEMETRY_USER_AGENT";
const MAX_RETRIES: &str = "TELEMETRY_MAX_RETRIES";
const CONNECT_TIMEOUT: &str = "TELEMETRY_CONNECT_TIMEOUT_SECONDS";
const REQUEST_TIMEOUT: &str = "TELEMETRY_REQUEST_TIMEOUT_SECONDS";
const OUTBOX_DIR: &str = "TELEMETRY_OUTBOX_DIR";

/// Name of the outbox in the folder of the runs.
const OUTBOX: &str = "telemetry-outbox";

const NOT_A_HEADER: &str = "is not a header value that may be sent, so the default is used";

/// Where and how telemetry is delivered (seed, Delivery Controls).
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where documents go; `None` means that nothing is delivered.
    pub endpoint: Option<Endpoint>,
    /// Value of the header [`crate::Header::MARKER`].
    pub marker: HeaderText,
    /// Value of the `User-Agent` header.
    pub user_agent: HeaderText,
    /// Most attempts on one document in one round of delivery, the first included; from 1.
    pub max_attempts: u32,
    /// Longest time until a connection stands, name lookup and TLS included.
    pub connect_timeout: Duration,
    /// Longest time that one attempt takes as a whole.
    pub request_timeout: Duration,
    /// Folder of the documents that wait.
    pub outbox_dir: PathBuf,
}

impl Settings {
    /// Reads the settings. What cannot be used falls back to its default with one warning, and never fails.
    pub fn from_env(environment: Environment<'_>, gate: &Gate, runs_dir: &Path) -> (Self, Vec<Warning>) {
        let mut reader = Reader::new(environment);
        let settings = Self {
            endpoint: endpoint(&mut reader),
            marker: header(&mut reader, MARKER, gate, &HeaderText::default_marker()),
            user_agent: header(&mut reader, USER_AGENT, gate, &HeaderText::default_user_agent()),
            max_attempts: number(
                &mut reader,
                MAX_RETRIES,
                "is not a whole number from 1 to 10, so 3 is used",
                1..=10,
            )
            .unwrap_or(3),
            connect_timeout: seconds(
                number(
                    &mut reader,
                    CONNECT_TIMEOUT,
                    "is not a whole number from 1 to 60, so 5 is used",
                    1..=60,
                ),
                5,
            ),
            request_timeout: seconds(
                number(
                    &mut reader,
                    REQUEST_TIMEOUT,
                    "is not a whole number from 1 to 120, so 10 is used",
                    1..=120,
                ),
                10,
            ),
            outbox_dir: reader.raw(OUTBOX_DIR).map_or_else(|| runs_dir.join(OUTBOX), PathBuf::from),
        };
        (settings, reader.warnings)
    }
}

/// The endpoint with its token.
fn endpoint(reader: &mut Reader<'_>) -> Option<Endpoint> {
    if reader.is_set_but_empty(ENDPOINT) {
        reader.warn(ENDPOINT, "is set but empty, so nothing is delivered");
        return None;
    }
    // The default in its place would get what was meant for somebody else.
    let words = "is not an http or https URL without user name and password, so nothing is delivered";
    let is_given = reader.raw(ENDPOINT).is_some();
    let endpoint = match reader.parsed(ENDPOINT, words, |text| Endpoint::parse(text).ok()) {
        Some(given) => given,
        None if is_given => return None,
        None => Endpoint::default(),
    };
    let token = reader.parsed(TOKEN, "is not a bearer token, so none is sent", BearerToken::parse);
    let Some(token) = token else { return Some(endpoint) };
    Some(endpoint.authorised(token).unwrap_or_else(|endpoint| {
        reader.warn(TOKEN, "is not sent, because the endpoint is neither https nor on this machine");
        endpoint
    }))
}

fn header(reader: &mut Reader<'_>, variable: &'static str, gate: &Gate, default: &HeaderText) -> HeaderText {
    let usable = |text: &str| {
        if text == default.as_str() { Some(default.clone()) } else { HeaderText::parse(text, gate).ok() }
    };
    reader.parsed(variable, NOT_A_HEADER, usable).unwrap_or_else(|| default.clone())
}

fn number(
    reader: &mut Reader<'_>,
    variable: &'static str,
    words: &'static str,
    range: RangeInclusive<u32>,
) -> Option<u32> {
    reader.parsed(variable, words, |text| text.trim().parse().ok().filter(|number| range.contains(number)))
}

fn seconds(number: Option<u32>, default: u32) -> Duration {
    Duration::from_secs(number.unwrap_or(default).into())
}

#[cfg(test)]
mod tests;
