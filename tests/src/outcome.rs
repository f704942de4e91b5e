//! How the binary ended and what it said.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use serde_json::Value;

/// How the binary ended and what it said. `Display` is the form of the snapshots.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Time until both streams were closed, as whoever waits for its output sees it.
    pub took: Duration,
}

impl Outcome {
    /// The exit code. A process that a signal killed has none.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("killed by a signal: {self}"))
    }

    /// Standard output as JSON; fails unless it is exactly one document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not one JSON document ({error}): {self}"))
    }

    /// Passes if it ended with `code`.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }

    /// Both streams.
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The warnings, each on one line.
    pub fn warnings(&self) -> Vec<String> {
        let unwrapped = self.stderr.replace("\n         ", " ");
        unwrapped.lines().filter_map(|line| line.strip_prefix("warning: ")).map(str::to_owned).collect()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => writeln!(f, "exit code {code}")?,
            (None, signal) => writeln!(f, "signal {signal:?}")?,
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            writeln!(f, "--- {name}")?;
            f.write_str(text)?;
        }
        Ok(())
    }
}
