//! What sudo is asked for itself: to remember a password, to agree again, and to forget.
//!
//! sudo remembers a password for some minutes (`timestamp_timeout`, sudoers(5)) and an installation takes longer, so a
//! command that runs for long is accompanied by a `sudo -n true` each minute. A helper that stays root for the whole run was
//! weighed and left out: it would be a second way to become root, with an interface of its own to defend.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::environment;
use super::log::RunLog;
use super::process::child;

/// How this process gets root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootAccess {
    /// It is root.
    Root,
    /// It may use `sudo -n`: [`Host::acquire_root`](super::Host::acquire_root) has made sure.
    Sudo,
    /// It is not root, and nobody has allowed it to become root. Dry runs stay here.
    Plain,
}

/// The shortest `timestamp_timeout` in common use is five minutes.
const REFRESH: Duration = Duration::from_mins(1);

/// What is known of the password that sudo remembers.
#[derive(Debug)]
pub(super) struct SudoSession {
    /// Where sudo is; absent until root was asked for.
    pub(super) program: Option<PathBuf>,
    /// Whether somebody is there who can type the password.
    pub(super) may_prompt: bool,
    /// After how long sudo is asked again.
    pub(super) refresh: Duration,
    /// Whether this process made sudo ask for the password, and therefore makes sudo forget it.
    prompted: Cell<bool>,
    /// When sudo last agreed.
    agreed_at: Cell<Option<Instant>>,
}

impl RootAccess {
    /// That of this process as it was started.
    pub(super) fn of_this_process() -> Self {
        if rustix::process::geteuid().is_root() { Self::Root } else { Self::Plain }
    }
}

impl Default for SudoSession {
    fn default() -> Self {
        let (prompted, agreed_at) = (Cell::new(false), Cell::new(None));
        Self { program: None, may_prompt: false, refresh: REFRESH, prompted, agreed_at }
    }
}

impl SudoSession {
    /// Lets sudo ask for the password, if somebody is there. In our own process group and on our own terminal: a background group
    /// could not read it.
    pub(super) fn prompt(&self) {
        if let (true, Some(sudo)) = (self.may_prompt, &self.program) {
            self.prompted.set(true);
            let _ = Self::command(sudo).arg("-v").stdout(Stdio::null()).status();
        }
    }

    /// Asks sudo again if it has not been asked for a minute, before a command that needs it. A refusal shows at that command,
    /// which fails for it.
    pub(super) fn keep(&self, log: &RunLog) {
        if !self.keeps_on(log) {
            self.prompt();
        }
    }

    /// As [`Self::keep`], while a command runs: the terminal may be in use, so nobody is asked.
    pub(super) fn keep_meanwhile(&self, log: &RunLog) {
        self.keeps_on(log);
    }

    /// sudo has just agreed, and remembers the password from now on.
    pub(super) fn agreed(&self) {
        self.agreed_at.set(Some(Instant::now()));
    }

    /// A password that this process made sudo ask for is not left to whoever uses the terminal next. One that sudo knew
    /// before stays: the operator's own script may go on to use it.
    pub(super) fn end(&self) {
        if self.prompted.get() {
            self.ask(&["-k"]);
        }
    }

    fn keeps_on(&self, log: &RunLog) -> bool {
        let is_recent = |agreed: Instant| agreed.elapsed() < self.refresh;
        if self.program.is_none() || self.agreed_at.get().is_some_and(is_recent) {
            return true;
        }
        // Also after a refusal: to ask twice within the minute would not change the answer.
        self.agreed();
        let agrees = self.ask(&["-n", "true"]);
        if !agrees {
            log.line("the sudo time stamp has expired");
        }
        agrees
    }

    fn command(sudo: &Path) -> std::process::Command {
        let mut command = child(sudo);
        command.env_clear().envs(environment::of_sudo());
        command
    }

    fn ask(&self, args: &[&str]) -> bool {
        let Some(sudo) = &self.program else { return false };
        let mut command = Self::command(sudo);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|ended| ended.success())
    }
}
