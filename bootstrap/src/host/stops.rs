//! When a command ends because somebody asked to stop.
//!
//! A command that only looks, or brings a file here, can be left at any moment: it ends at the first request. One that
//! changes something is shielded, and ends at the next request that comes while it runs: the operator has waited, and means
//! it. What is half done then is in the record as a change that failed.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

/// Tells how often somebody has asked to stop.
type Requests = Rc<dyn Fn() -> usize>;

/// How a host knows of requests to stop.
#[derive(Default)]
pub(super) struct Stops {
    requests: Option<Requests>,
    shields: Cell<usize>,
}

/// While this lives, commands of the host are changes: the first request to stop does not end them.
#[derive(Debug)]
pub struct Shield<'a>(&'a Cell<usize>);

impl Stops {
    pub(super) fn of(requests: impl Fn() -> usize + 'static) -> Self {
        Self { requests: Some(Rc::new(requests)), shields: Cell::default() }
    }

    pub(super) fn shield(&self) -> Shield<'_> {
        self.shields.set(self.shields.get() + 1);
        Shield(&self.shields)
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.as_ref().map_or(0, |requests| requests())
    }

    /// Whether a command ends that was started after so many requests.
    pub(super) fn ends(&self, at_start: usize) -> bool {
        let requests = self.requests();
        let limit = if self.shields.get() == 0 { 0 } else { at_start.max(1) };
        requests > limit
    }
}

impl Drop for Shield<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

impl fmt::Debug for Stops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stops").field("shields", &self.shields).finish_non_exhaustive()
    }
}
