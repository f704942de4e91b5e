//! What the endpoint answered last, and when it may be asked again.
//!
//! The endpoint is paused, not the document: it does not help an overloaded endpoint to get the next document
//! instead. The pause is on disk, because one run starts two deliveries, in processes of their own.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use privacy::disk::{DiskError, PrivateDir};
use schema::UtcSeconds;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use super::entry::AttemptFailure;

/// Not `.json`, so that a count of `*.json` is the number of documents.
const STATE: &str = "endpoint-state";

/// Largest file that can hold a state.
const MAX_STATE_BYTES: u64 = 4096;

/// What the endpoint answered last, if that was a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointState {
    /// When the attempt failed.
    pub time: UtcSeconds,
    /// How it failed.
    pub failure: AttemptFailure,
    /// Nothing is sent to the endpoint before this time.
    pub not_before: Option<UtcSeconds>,
}

/// The file: an answer counts only for the endpoint that gave it. A checksum of the address is enough to identify it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateFile {
    endpoint_sha256: String,
    state: EndpointState,
}

impl EndpointState {
    pub(crate) fn new(failure: AttemptFailure, pause: Option<Duration>) -> Self {
        Self { time: Utc::now().into(), failure, not_before: pause.and_then(end_of) }
    }

    /// How long nothing may be sent to the endpoint, if that is at most `longest`. No pass pauses for longer: otherwise the
    /// clock was set back since, or the file was edited.
    pub(crate) fn remaining_pause(&self, longest: Duration) -> Duration {
        let Some(not_before) = self.not_before else { return Duration::ZERO };
        let milliseconds =
            not_before.timestamp().saturating_mul(1000).saturating_sub(Utc::now().timestamp_millis());
        let pause = Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0));
        // The end was rounded up to whole seconds.
        if pause <= longest + Duration::from_secs(1) { pause } else { Duration::ZERO }
    }
}

/// The end of a pause that begins now. Rounded up, because the file has whole seconds and the pause must not get shorter.
fn end_of(pause: Duration) -> Option<UtcSeconds> {
    let pause = TimeDelta::from_std(pause).ok()?.checked_add(&TimeDelta::milliseconds(999))?;
    Utc::now().checked_add_signed(pause).map(Into::into)
}

/// The state that was stored last, and that of `endpoint` alone where one is given. A file that is not ours is no state.
pub(super) fn read_state(directory: &PrivateDir, endpoint: Option<&Url>) -> Option<EndpointState> {
    let bytes = directory.read_own(STATE, MAX_STATE_BYTES).ok()?;
    let file: StateFile = serde_json::from_slice(&bytes).ok()?;
    endpoint.is_none_or(|url| checksum(url) == file.endpoint_sha256).then_some(file.state)
}

pub(super) fn write_state(
    directory: &PrivateDir,
    endpoint: &Url,
    state: EndpointState,
) -> Result<(), DiskError> {
    let file = StateFile { endpoint_sha256: checksum(endpoint), state };
    let Ok(bytes) = serde_json::to_vec(&file) else { return Ok(()) };
    directory.write_atomic_unsynced(STATE, &bytes)
}

pub(super) fn remove_state(directory: &PrivateDir) -> Result<(), DiskError> {
    directory.remove(STATE)
}

fn checksum(url: &Url) -> String {
    format!("{:x}", Sha256::digest(url.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::FailureClass;

    const FAILURE: AttemptFailure = AttemptFailure { class: FailureClass::Status, status: Some(503) };

    #[test]
    fn a_pause_never_gets_shorter_on_disk() {
        for milliseconds in [1, 400, 999, 1000, 1700, 59_000] {
            let pause = Duration::from_millis(milliseconds);
            let longest = Duration::from_mins(1);
            let begun = std::time::Instant::now();
            let remaining = EndpointState::new(FAILURE, Some(pause)).remaining_pause(longest);
            assert!(remaining + begun.elapsed() >= pause, "{milliseconds}: {remaining:?}");
        }
    }

    #[test]
    fn a_time_that_no_pass_has_set_does_not_count() {
        let state = |text| EndpointState {
            not_before: UtcSeconds::parse(text).ok(),
            ..EndpointState::new(FAILURE, None)
        };
        for text in ["2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"] {
            assert_eq!(state(text).remaining_pause(Duration::from_mins(1)), Duration::ZERO, "{text}");
        }
    }
}
