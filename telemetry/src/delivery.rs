//! Delivering what waits, in a process of its own.
//!
//! One call is one round: it takes the outbox's lock, sends documents oldest first, one at a time, and ends by itself
//! within its deadline whatever the endpoint does. A document that is refused for good is set aside and does not hold up
//! the others. When the endpoint cannot be reached, the round ends after the attempts on one document, and the others
//! keep their counts.

mod attempt;
mod backoff;
mod round;
mod verdict;
mod wire;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use privacy::Gate;
use serde::Serialize;

use crate::consent::Consented;
use crate::error::TelemetryError;
use crate::outbox::{Failure, Outbox};
use crate::settings::Settings;
use attempt::Tools;
use round::Round;
use wire::Wire;

/// Longest time of one round.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// How far a round is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Documents that are through with this round.
    pub settled: usize,
    /// Documents that the round has found so far.
    pub known: usize,
}

/// What a round did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Documents that were delivered.
    pub delivered: usize,
    /// Documents that were set aside because they may not be sent.
    pub refused: usize,
    /// Documents that went because they had waited too long.
    pub evicted: usize,
    /// Documents that wait now.
    pub waiting: usize,
    /// Why the round ended.
    pub ended: Ended,
}

/// Why a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Every document that waited had its turn.
    Done,
    /// The endpoint could not be reached.
    Unreachable(Failure),
    /// The time was over.
    Deadline,
    /// The outbox was purged, or the caller asked to stop.
    Stopped,
    /// Another process was delivering all the time.
    Busy,
    /// There is no endpoint.
    NoEndpoint,
}

/// Delivers what waits. `deadline` is the longest that this takes, at most [`DEADLINE`].
///
/// `progress` is called before every document and every pause; [`ControlFlow::Break`] ends the round there. A purge of the
/// outbox by another process ends it in the same places.
///
/// # Errors
/// The outbox cannot be used, or the HTTP client cannot be set up. What was not delivered still waits.
pub fn deliver(
    _: &Consented,
    settings: &Settings,
    gate: &Gate,
    outbox: &Outbox,
    deadline: Duration,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Summary, TelemetryError> {
    let ends = Instant::now() + deadline.min(DEADLINE);
    let store = outbox.store();
    let without = |ended| Summary { delivered: 0, refused: 0, evicted: 0, waiting: 0, ended };
    let Some(endpoint) = &settings.endpoint else {
        return Ok(Summary { waiting: store.waiting()?.len(), ..without(Ended::NoEndpoint) });
    };
    // A second process waits for its turn: what it was started for may have been stored after the first one looked.
    let Some(_lock) = store.lock(ends)? else {
        return Ok(Summary { waiting: store.waiting()?.len(), ..without(Ended::Busy) });
    };
    let wire = Wire::new(settings, endpoint)?;
    let tools = Tools { settings, endpoint, gate, store, wire };
    Round::new(tools, ends, progress, without(Ended::Done)).run()
}
