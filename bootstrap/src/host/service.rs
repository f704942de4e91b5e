//! What systemd tells of a service: its state, when it started, and what it runs.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDateTime, Utc};

use super::{Command, Host, ProbeError};

/// A service that has a unit file, as `systemctl show` tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceStatus {
    /// `ActiveState`, such as `active`, `activating` or `failed`.
    pub active: String,
    /// `SubState`, such as `running`, `start` or `auto-restart`.
    pub sub: String,
    /// Whether it is started at boot.
    pub is_enabled: bool,
    /// The command lines of `ExecStart`, drop-ins counted, their words separated by spaces.
    pub commands: Vec<String>,
    /// Files that change the unit.
    pub drop_ins: Vec<PathBuf>,
    /// Files that its environment comes from.
    pub environment_files: Vec<PathBuf>,
    /// `Environment`: what the unit itself and its drop-ins set.
    pub environment: String,
    /// When it last became active.
    pub active_since: Option<DateTime<Utc>>,
    /// When its main process was last started.
    pub started_at: Option<DateTime<Utc>>,
}

impl ServiceStatus {
    /// Whether its main process runs and has said, where the type of the unit asks for it, that it is ready.
    pub fn is_running(&self) -> bool {
        self.active == "active" && self.sub == "running"
    }

    /// Whether it is on its way, so that there is nothing to do but wait. A service that systemd starts again and again is
    /// not: it comes back to where it failed.
    pub fn is_starting(&self) -> bool {
        matches!(self.active.as_str(), "activating" | "reloading") && !self.is_crash_looping()
    }

    /// Whether its process ended and systemd waits before it starts it once more.
    pub fn is_crash_looping(&self) -> bool {
        self.sub.starts_with("auto-restart")
    }

    /// Both words, as `systemctl status` writes them.
    pub fn words(&self) -> String {
        format!("{} ({})", self.active, self.sub)
    }

    fn of(text: &str) -> Self {
        let mut status = Self::default();
        for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
            match name {
                "ActiveState" => value.clone_into(&mut status.active),
                "SubState" => value.clone_into(&mut status.sub),
                "UnitFileState" => status.is_enabled = value.starts_with("enabled"),
                "ExecStart" => status.commands.extend(command_line(value)),
                "DropInPaths" => status.drop_ins = value.split_whitespace().map(PathBuf::from).collect(),
                // One line a file: the path, and whether it may be missing.
                "EnvironmentFiles" => {
                    let path = value.rsplit_once(" (").map_or(value, |(path, _)| path);
                    status.environment_files.push(PathBuf::from(path));
                }
                "Environment" => value.clone_into(&mut status.environment),
                "ActiveEnterTimestamp" => status.active_since = time(value),
                "ExecMainStartTimestamp" => status.started_at = time(value),
                _ => {}
            }
        }
        status
    }
}

/// `{ path=/usr/local/bin/k3s ; argv[]=/usr/local/bin/k3s server ; ignore_errors=no ; … }`
fn command_line(value: &str) -> Option<String> {
    let (_, rest) = value.split_once("argv[]=")?;
    let (line, _) = rest.split_once(" ; ignore_errors=")?;
    Some(line.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `Wed 2026-11-25 18:06:29 UTC`. What never happened is empty, or `n/a`.
fn time(value: &str) -> Option<DateTime<Utc>> {
    let (_, date) = value.strip_suffix(" UTC")?.split_once(' ')?;
    NaiveDateTime::parse_from_str(date, "%Y-%m-%d %H:%M:%S").ok().map(|time| time.and_utc())
}

const PROPERTIES: &str = "--property=ActiveState,SubState,UnitFileState,ExecStart,DropInPaths,EnvironmentFiles,\
                          Environment,ActiveEnterTimestamp,ExecMainStartTimestamp";

impl Host {
    /// What systemd tells of the service `name`; `None` if it has no unit file, whatever systemd would say.
    ///
    /// # Errors
    /// systemd cannot be asked.
    pub fn service_status(&self, name: &str) -> Result<Option<ServiceStatus>, ProbeError> {
        if !self.has_unit(name) {
            return Ok(None);
        }
        // Times are told in the zone of whoever asks. `--timestamp=unix` is not known to the systemd of Ubuntu 22.04.
        // What is set for the service may be a secret, so the log does not get it.
        let show = Command::new("systemctl").args(["show", "--no-pager", PROPERTIES, name]).env("TZ", "UTC");
        let output = self.ask(&show.withhold_output())?;
        let status = ServiceStatus::of(&output.text());
        if !output.succeeded() || status.active.is_empty() {
            let outcome = format!("ended with {output}");
            return Err(ProbeError::Failed { command: format!("systemctl show {name}"), outcome });
        }
        Ok(Some(status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_shows_is_read() {
        let status = ServiceStatus::of(
            "ExecMainStartTimestamp=Wed 2026-11-25 18:06:29 UTC\nActiveEnterTimestamp=n/a\n\
             ExecStart={ path=/usr/local/bin/k3s ; argv[]=/usr/local/bin/k3s server --data-dir /srv ; ignore_errors=no ; \
             start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }\n\
             EnvironmentFiles=/etc/default/k3s (ignore_errors=yes)\n\
             EnvironmentFiles=/etc/systemd/system/k3s.service.env (ignore_errors=yes)\n\
             DropInPaths=/etc/systemd/system/k3s.service.d/a.conf /run/b.conf\n\
             ActiveState=activating\nSubState=auto-restart\nUnitFileState=enabled\n",
        );
        assert_eq!(status.commands, ["/usr/local/bin/k3s server --data-dir /srv"]);
        assert_eq!((status.environment_files.len(), status.drop_ins.len()), (2, 2));
        assert_eq!(status.started_at.map(|at| at.timestamp()), Some(1_795_629_989));
        assert!(status.active_since.is_none() && status.is_enabled);
        assert!(status.is_crash_looping() && !status.is_starting() && !status.is_running());
    }
}
