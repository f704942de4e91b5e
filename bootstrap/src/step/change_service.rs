//! Services whose unit is written by a script of somebody else's.
//!
//! What such a script says by its exit code is that nothing went wrong while it ran, and no more: that of k3s ends with 0
//! after it has started nothing. So the unit and its enablement are looked at, and it is never the script that starts the
//! service: a start that blocks would block this program as well.

use std::path::PathBuf;
use std::time::Duration;

use manifest::{PreviousFile, PriorState, Undo};
use schema::Component;

use super::action::FormerService;
use super::error::StepError;
use super::executor::{Change, Effect, Executor, StepOutcome};
use crate::host::{Command, Host};

/// Where scripts write units.
const UNITS: &str = "/etc/systemd/system";

/// systemd answers at once, unless it is starved.
const PATIENCE: Duration = Duration::from_mins(1);

impl Executor<'_> {
    /// Runs a script that writes the unit of `service` and the file of its environment, both of which are kept in the
    /// record before.
    pub(super) fn install_service(
        &mut self,
        component: Component,
        title: &str,
        service: &str,
        script: &Command,
    ) -> Result<Effect, StepError> {
        let found = self.host.service_status(service)?;
        let enabled = found.as_ref().is_some_and(|status| status.is_enabled);
        let before = match &found {
            Some(status) => PriorState::Present { what: Some(status.words()) },
            None => PriorState::Absent,
        };
        let (unit, environment) =
            (kept(self.host, &unit_file(service))?, kept(self.host, &env_file(service))?);
        let undo = |sha256| Undo::ServiceUnit {
            name: service.to_owned(),
            sha256,
            unit: unit.clone(),
            environment: environment.clone(),
            enabled,
        };
        let change = Change { component, action: title.to_owned(), before, undo: undo(None) };
        self.change(change, |this| {
            this.host.run(script)?;
            let written = this.host.service_status(service)?;
            if written.is_none_or(|status| !status.is_enabled) {
                return Err(StepError::NotEnabled { service: service.to_owned() });
            }
            let sha256 = this.host.read(&unit_file(service))?.map(|text| manifest::sha256_hex(&text));
            Ok(StepOutcome { wrote: Some(script.to_string()), undo: Some(undo(sha256)) })
        })
    }

    /// Enables the service unless it is, and has systemd start it, or start it once more, without waiting for the end: a
    /// unit that says itself when it is ready may take for ever. A later verification waits.
    pub(super) fn start_service(
        &mut self,
        component: Component,
        title: &str,
        service: &str,
    ) -> Result<Effect, StepError> {
        if !self.host.service_status(service)?.is_some_and(|status| status.is_enabled) {
            let change = Change::of_absent(component, title, Undo::Service { name: service.to_owned() });
            self.change(change, |this| {
                this.host.run(&enable(service))?;
                Ok(StepOutcome::wrote(service))
            })?;
        }
        self.note_start(service);
        self.change(Change::of_unknown(component, title), |this| {
            this.host.run(&restart(service))?;
            Ok(StepOutcome::wrote(service))
        })
    }

    /// Puts back the unit and the environment of a service, and whether it is started at boot. What runs goes on running.
    pub(super) fn restore_service(&self, former: &FormerService) -> Result<(), StepError> {
        self.restore_file(&unit_file(&former.service), &former.unit)?;
        self.restore_file(&env_file(&former.service), &former.environment)?;
        former.commands().iter().try_for_each(|command| Ok(self.host.run(command).map(drop)?))
    }
}

impl FormerService {
    /// What makes systemd see the files that were put back.
    pub(super) fn commands(&self) -> [Command; 2] {
        let enablement = if self.enabled { "enable" } else { "disable" };
        [systemctl(&["daemon-reload"]), systemctl(&[enablement, &self.service])]
    }
}

/// Starts the service at boot.
pub(super) fn enable(service: &str) -> Command {
    systemctl(&["enable", service])
}

/// Starts the service, or once more if it runs, and does not wait.
pub(super) fn restart(service: &str) -> Command {
    systemctl(&["restart", "--no-block", service])
}

fn systemctl(args: &[&str]) -> Command {
    Command::new("systemctl").args(args.iter().copied()).as_root().timeout(PATIENCE)
}

/// The unit of a service.
fn unit_file(service: &str) -> PathBuf {
    PathBuf::from(format!("{UNITS}/{service}.service"))
}

/// The file that the script keeps the environment of a service in.
fn env_file(service: &str) -> PathBuf {
    PathBuf::from(format!("{UNITS}/{service}.service.env"))
}

/// What is in a file, to be put back by a rollback. Secrets do not enter a record: a file that holds one is only known again.
fn kept(host: &Host, path: &std::path::Path) -> Result<PreviousFile, StepError> {
    let Some(content) = host.read(path)? else { return Ok(PreviousFile::Absent) };
    let previous = PreviousFile::of(&content, host.mode(path)?.unwrap_or(0o600));
    Ok(match previous {
        PreviousFile::Text { content, .. } if content.lines().any(is_secret) => {
            PreviousFile::NotKept { sha256: manifest::sha256_hex(content.as_bytes()) }
        }
        previous => previous,
    })
}

/// Whether a line may hold a password: of a token, of a datastore, of a proxy with a login. The path of a file with a token
/// is none.
fn is_secret(line: &str) -> bool {
    let assigned = line.split_once('=').filter(|(name, _)| !name.trim_end().ends_with("_FILE"));
    assigned.is_some_and(|(name, value)| {
        let name = name.to_ascii_uppercase();
        ["TOKEN", "SECRET", "PASSWORD", "DATASTORE"].iter().any(|word| name.contains(word))
            || value.contains('@') && value.contains("://")
    }) || line.contains("--token")
        || line.contains("--datastore-endpoint")
        || line.contains("--agent-token")
}
