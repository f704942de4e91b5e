//! The log of a run: commands and their output, secrets masked.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use crate::secret::{MASK, Secret};

/// Where commands and their output are written down. Clones write to the same place and know the same secrets.
#[derive(Clone)]
pub struct RunLog(Arc<Mutex<State>>);

struct State {
    sink: Box<dyn Write + Send>,
    secrets: Vec<Secret>,
}

impl RunLog {
    /// A log that writes to `sink`, line by line.
    pub fn to(sink: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(State { sink: Box::new(sink), secrets: Vec::new() })))
    }

    /// A log that keeps nothing, for dry runs and questions before a run begins.
    pub fn discard() -> Self {
        Self::to(std::io::sink())
    }

    /// Masks `secret` from now on.
    pub fn redact(&self, secret: &Secret) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !secret.expose().trim().is_empty() && !state.secrets.contains(secret) {
            state.secrets.push(secret.clone());
            // A secret that is part of another must not be masked first: the rest of the other would show.
            state.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        }
    }

    /// `text` without any secret that the log knows.
    pub fn masked(&self, text: &str) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).masked(text)
    }

    /// Writes a line down, masked. A log that cannot be written does not stop a run; its manifests would.
    pub fn line(&self, line: &str) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = state.masked(line);
        let _ = writeln!(state.sink, "{line}");
    }
}

impl State {
    fn masked(&self, text: &str) -> String {
        self.secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret.expose().trim_end_matches('\n'), MASK))
    }
}

impl fmt::Debug for RunLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunLog")
    }
}
