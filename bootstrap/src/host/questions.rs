//! Questions about services and packages. Each has three answers: what cannot be told is never told as a no.

use std::path::Path;

use super::{Command, CommandError, Host};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Certainly.
    Yes,
    /// Certainly not.
    No,
    /// It cannot be told, for this reason.
    Unknown(String),
}

/// Where systemd looks for units.
const UNIT_FOLDERS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

impl Host {
    /// Whether there is a unit file for the service `name`. Systemd itself is not asked, so this needs no systemd.
    pub fn has_unit(&self, name: &str) -> bool {
        let file = format!("{name}.service");
        UNIT_FOLDERS.iter().any(|folder| self.at(&Path::new(folder).join(&file)).exists())
    }

    /// Whether the service `name` is active or about to be. A service without a unit file is not, whatever systemd
    /// would say.
    pub fn service_active(&self, name: &str) -> Answer {
        if !self.has_unit(name) {
            return Answer::No;
        }
        match self.ask(&Command::new("systemctl").args(["is-active", name])) {
            Ok(output) => match output.text().trim() {
                "active" | "activating" | "reloading" => Answer::Yes,
                "inactive" | "failed" | "deactivating" => Answer::No,
                _ => Answer::Unknown(format!("systemctl is-active {name} ended with {output}")),
            },
            Err(error) => Answer::Unknown(error.to_string()),
        }
    }

    /// Whether the package `name` is installed.
    pub fn package_installed(&self, name: &str) -> Answer {
        let command = Command::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", name]);
        match self.ask(&command) {
            Ok(output) if output.succeeded() && output.text().trim() == "installed" => Answer::Yes,
            Ok(output) if output.succeeded() => Answer::No,
            Ok(output) if output.stderr_text().contains("no packages found") => Answer::No,
            Ok(output) => Answer::Unknown(format!("dpkg-query ended with {output}")),
            Err(CommandError::NotFound { .. }) => Answer::Unknown("this host has no dpkg-query".to_owned()),
            Err(error) => Answer::Unknown(error.to_string()),
        }
    }
}
