//! Services whose unit is written by a script of somebody else's.
//!
//! What such a script says by its exit code is that nothing went wrong while it ran, and no more: that of k3s ends with 0
//! after it has started nothing. So the unit and its enablement are looked at, and it is never the script that starts the
//! service: a start that blocks would block this program as well.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use manifest::{PreviousFile, PriorState, Undo};
use schema::Component;

use super::action::FormerService;
use super::error::StepError;
use super::executor::{Change, Effect, Executor, StepOutcome};
use crate::host::{Command, Host, has_login};

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
        PreviousFile::Text { content, .. } if content.lines().any(may_hold_secret) => {
            PreviousFile::NotKept { sha256: manifest::sha256_hex(content.as_bytes()) }
        }
        previous => previous,
    })
}

/// Options that are followed by a secret, in the same word or in the next, which may stand on the next line. The proxy is
/// one because its login may do so.
const SECRET_OPTIONS: [&str; 8] = [
    "t",
    "token",
    "agent-token",
    "datastore-endpoint",
    "etcd-s3-secret-key",
    "etcd-s3-session-token",
    "etcd-s3-proxy",
    "vpn-auth",
];

/// Parts of the names of variables that hold a secret.
const SECRET_NAMES: [&str; 5] = ["TOKEN", "SECRET", "PASSWORD", "DATASTORE", "VPN_AUTH"];

/// Whether a line of a unit or of an environment may hold a password: of a token, of a datastore, of a proxy with a login.
/// The option or the variable that names a file with a token holds none.
pub fn may_hold_secret(line: &str) -> bool {
    let words = || line.split(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '\''));
    // The value in its quotes is a word of its own.
    words().any(is_secret_word) || words().any(is_proxy) && has_login(OsStr::new(line))
}

fn is_secret_word(word: &str) -> bool {
    // `Environment=K3S_TOKEN=…` has two names before its value.
    let mut names: Vec<String> = word.split('=').map(str::to_ascii_uppercase).collect();
    names.pop();
    let is_secret = |name: &String| {
        !name.ends_with("_FILE")
            && !name.ends_with("-FILE")
            && SECRET_NAMES.iter().any(|secret| name.contains(secret))
    };
    names.iter().any(is_secret)
        || word.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
        || option(word).is_some_and(|option| SECRET_OPTIONS.contains(&option))
}

/// Whether a word sets the variable of a proxy.
fn is_proxy(word: &str) -> bool {
    let mut names = word.split('=').rev().skip(1);
    names.any(|name| name.to_ascii_uppercase().ends_with("_PROXY"))
}

/// The name of an option. k3s reads its arguments as Go does, to which one dash is as good as two.
fn option(word: &str) -> Option<&str> {
    word.strip_prefix('-').map(|name| name.trim_start_matches('-').split('=').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::may_hold_secret;

    #[test]
    fn a_secret_is_seen_in_each_place_where_k3s_takes_one() {
        for line in [
            "K3S_TOKEN='x'",
            "K3S_TOKEN=\"a b\"",
            "Environment=K3S_TOKEN=x",
            "Environment=\"K3S_TOKEN=x\"",
            "\t'--token' \\",
            "\t'--token=x' \\",
            "ExecStart=/usr/local/bin/k3s agent -t x",
            "\t'mysql://user:x@tcp(host:3306)/k3s' \\",
            "HTTPS_PROXY=http://user:x@proxy:3128",
            "HTTP_PROXY=user:x@proxy:3128",
            "CONTAINERD_HTTPS_PROXY='user:x=@proxy:3128'",
            "K3S_VPN_AUTH='name=tailscale,joinKey=x'",
            "ExecStart=/usr/local/bin/k3s server -token x",
            "ExecStart=/usr/local/bin/k3s agent -t=x",
            "\t'-agent-token=x' \\",
            "\t'--etcd-s3-proxy' \\",
            "K3S_DATASTORE_ENDPOINT=x",
        ] {
            assert!(may_hold_secret(line), "{line}");
        }
        for line in [
            "",
            "K3S_TOKEN_FILE=/var/lib/rancher/k3s/server/token",
            "\t'--token-file=/var/lib/rancher/k3s/server/token' \\",
            "HTTP_PROXY=proxy:3128",
            "Documentation=https://k3s.io",
            "EnvironmentFile=-/etc/systemd/system/k3s.service.env",
            "ExecStartPre=/bin/sh -xc '! /usr/bin/systemctl is-enabled --quiet nm-cloud-setup.service'",
            "ExecStart=/usr/local/bin/k3s \\",
            "\t'--write-kubeconfig-mode' \\",
            "K3S_URL=https://server:6443",
        ] {
            assert!(!may_hold_secret(line), "{line}");
        }
    }
}
