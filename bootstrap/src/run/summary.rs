//! What a run came to, told once at its end.

use std::time::Duration;

use schema::{Component, ComponentResult, RunManifest};
use serde::{Serialize, Serializer};

use crate::secret::Secret;
use crate::settings::Settings;
use crate::step::GeneratedPasswords;
use crate::terminal::Printer;

/// How long the components took, and which passwords were made for them.
#[derive(Debug, Default)]
pub struct Summary {
    took: Vec<(Component, Duration)>,
    made: Vec<Generated>,
}

/// A password that the run has made. This is the only place where it is ever shown.
#[derive(Debug, Serialize)]
pub struct Generated {
    component: Component,
    #[serde(serialize_with = "shown")]
    password: Secret,
}

fn shown<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

impl Summary {
    /// What one component came to.
    pub fn of(component: Component, took: Duration, passwords: &GeneratedPasswords) -> Self {
        let made = passwords
            .made()
            .iter()
            .map(|(component, password)| Generated { component: *component, password: password.clone() });
        Self { took: vec![(component, took)], made: made.collect() }
    }

    /// Adds what another component came to.
    pub fn extend(&mut self, other: Self) {
        self.took.extend(other.took);
        self.made.extend(other.made);
    }

    /// The passwords that were made.
    pub fn generated(&self) -> &[Generated] {
        &self.made
    }

    /// Prints what was done, where it is reachable, and the passwords that were made.
    pub fn show(&self, manifest: &RunManifest, settings: &Settings, printer: &mut Printer) {
        printer.heading(&format!("Run {}: {}", manifest.run_id, manifest.status));
        for (component, record) in manifest.components.iter() {
            let took = self.took.iter().find(|(of, _)| *of == component);
            let took = took.map(|(_, took)| format!("{:.1} s", took.as_secs_f32())).unwrap_or_default();
            printer.data(format!("  {component:<21}  {:<11}  {took}", record.result).trim_end());
        }
        for (component, host) in
            [(Component::Rancher, &settings.rancher.host), (Component::Registry, &settings.registry.host)]
        {
            let result = manifest.components.get(component).map(|record| record.result);
            if matches!(
                result,
                Some(ComponentResult::Installed | ComponentResult::Reused | ComponentResult::Configured)
            ) {
                printer.data(&format!("{component} is at https://{host}"));
            }
        }
        for Generated { component, password } in &self.made {
            printer.data(&format!("Password made for {component}, shown only now: {}", password.expose()));
        }
    }
}
