//! Commands, packages and services.

use manifest::Undo;
use schema::Component;

use super::command::{enable_service, install_packages};
use super::error::StepError;
use super::executor::{Change, Effect, Executor, StepOutcome};
use crate::host::{Command, CommandError};

impl Executor<'_> {
    pub(super) fn run(
        &mut self,
        component: Component,
        title: &str,
        command: &Command,
    ) -> Result<Effect, StepError> {
        self.change(Change::of_unknown(component, title), |this| {
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
                Ok(true) => continue,
                Ok(false) => Change::of_absent(component, title, Undo::Package { name: package.clone() }),
                Err(_) => Change::of_unknown(component, title),
            };
            effect = self.change(change, |this| {
                let [refresh, install] = install_packages(std::slice::from_ref(package));
                // One dead repository among many fails the refresh; whether it was needed is told by the installation. While
                // another process holds the lists, every package would look unknown to it.
                if let Err(error) = this.apt(&refresh)
                    && (is_stop(&error) || error.apt_lock().is_some())
                {
                    return Err(error);
                }
                this.apt(&install)?;
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
        if enabled && self.host.service_active(name) == Ok(true) {
            return Ok(Effect::Unchanged);
        }
        let change = if enabled {
            Change::of_present(component, title, Some("enabled and not active".to_owned()), Undo::None)
        } else {
            Change::of_absent(component, title, Undo::Service { name: name.to_owned() })
        };
        self.change(change, |this| {
            this.host.run(&enable_service(name))?;
            Ok(StepOutcome::wrote(name))
        })
    }
}

fn is_stop(error: &StepError) -> bool {
    matches!(error, StepError::Stopped | StepError::Command(CommandError::Interrupted { .. }))
}
