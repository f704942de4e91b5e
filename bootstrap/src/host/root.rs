//! How a process that is not root gets root from sudo, and gives it up.

use std::time::Duration;

use super::environment;
use super::{Command, CommandError, Host, RootAccess};

impl Host {
    /// How this process gets root.
    pub fn root_access(&self) -> RootAccess {
        self.root_access
    }

    /// Makes sure that commands can run as root from now on. sudo may ask for a password on the terminal if `may_prompt`,
    /// and is not made to where it agrees without: `sudo -v` alone would ask a user of whom only some entries in sudoers
    /// say NOPASSWD, and that user may have no password.
    ///
    /// # Errors
    /// There is no sudo, or it does not let this user become root.
    pub fn acquire_root(&mut self, may_prompt: bool) -> Result<(), CommandError> {
        if self.root_access != RootAccess::Plain {
            return Ok(());
        }
        let agrees = Command::new("sudo").args(["-n", "true"]);
        self.sudo.may_prompt = may_prompt;
        self.sudo.program = self.program("sudo");
        if may_prompt && !self.ask(&agrees)?.succeeded() {
            self.sudo.prompt();
        }
        self.run(&agrees)?;
        self.root_access = RootAccess::Sudo;
        self.sudo.agreed();
        Ok(())
    }

    /// Variables of proxies that commands of root do not get: sudo runs them and resets their environment, and what has a login
    /// must not come along as an argument.
    pub fn withheld_proxies(&self) -> Vec<&'static str> {
        let by_sudo = self.root_access == RootAccess::Sudo;
        if by_sudo { environment::proxies_with_login() } else { Vec::new() }
    }

    /// Asks sudo again after `refresh` and not after a minute: for tests, which have no minutes.
    pub fn with_sudo_refresh(mut self, refresh: Duration) -> Self {
        self.sudo.refresh = refresh;
        self
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.sudo.end();
    }
}
