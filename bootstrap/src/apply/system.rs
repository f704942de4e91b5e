//! Commands, packages and services.

use manifest::Undo;
use schema::Component;

use super::change::{Change, StepOutcome};
use super::error::StepError;
use super::{Effect, Executor};
use crate::host::{Answer, Command};
use crate::step::{enable_service, install_packages};

impl Executor<'_> {
    pub(super) fn run(
        &mut self,
        component: Component,
        title: &str,
        command: &Command,
    ) -> Result<Effect, StepError> {
        self.make(Change::of_unknown(component, title), |this| {
            this.host.run(command)?;
            Ok(StepOutcome::wrote(command.to_string()))
        })
    }

    pub(super) fn ensure_packages(
        &mut self,
        component: Component,
        title: &str,
        packages: &[String],
    ) -> Result<Effect, StepError> {
        let mut effect = Effect::Unchanged;
        for package in packages {
            let change = match self.host.package_installed(package) {
                Answer::Yes => continue,
                Answer::No => Change::of_absent(component, title, Undo::Package { name: package.clone() }),
                Answer::Unknown(_) => Change::of_unknown(component, title),
            };
            effect = self.make(change, |this| {
                let [refresh, install] = install_packages(std::slice::from_ref(package));
                // One dead repository among many fails the refresh; whether it was needed is told by the installation.
                let _ = this.host.run(&refresh);
                this.host.run(&install)?;
                Ok(StepOutcome::wrote(package.clone()))
            })?;
        }
        Ok(effect)
    }

    pub(super) fn ensure_service(
        &mut self,
        component: Component,
        title: &str,
        name: &str,
    ) -> Result<Effect, StepError> {
        let enabled = self.host.ask(&Command::new("systemctl").args(["is-enabled", name]))?.succeeded();
        if enabled && self.host.service_active(name) == Answer::Yes {
            return Ok(Effect::Unchanged);
        }
        let change = if enabled {
            Change::of_present(component, title, Some("enabled and not active".to_owned()), Undo::None)
        } else {
            Change::of_absent(component, title, Undo::Service { name: name.to_owned() })
        };
        self.make(change, |this| {
            this.host.run(&enable_service(name))?;
            Ok(StepOutcome::wrote(name))
        })
    }
}
