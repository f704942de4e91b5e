//! What a run that ended tells the operator: how it ended, where things are, and what can be done next.

use std::time::{Duration, Instant};

use schema::{Component, ComponentResult, Mode, RunManifest, Status};

use super::report::{Generated, RunPaths};
use crate::component::COMPONENTS;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::terminal::{Line, Tone, Verbosity};

/// How long a run and its components took, and which generated passwords are to be shown.
#[derive(Debug)]
pub struct RunSummary {
    begun: Instant,
    took: Vec<(Component, Duration)>,
    generated: Vec<Generated>,
}

impl RunSummary {
    /// The summary of a run that begins now.
    pub fn begin() -> Self {
        Self { begun: Instant::now(), took: Vec::new(), generated: Vec::new() }
    }

    /// Adds how long a component took that is done.
    pub fn add(&mut self, component: Component, took: Duration) {
        self.took.push((component, took));
    }

    /// How many components are done.
    pub fn done(&self) -> usize {
        self.took.len()
    }

    /// Adds the passwords that are to be shown.
    pub fn add_passwords(&mut self, passwords: Vec<(Component, Secret)>) {
        let generated = passwords.into_iter().map(|(component, password)| Generated { component, password });
        self.generated.extend(generated);
    }

    /// The passwords that are to be shown.
    pub fn generated(&self) -> &[Generated] {
        &self.generated
    }

    /// What a run that succeeded has made and what comes next; of any other, with `-v`, what became of each component.
    pub fn lines(
        &self,
        manifest: &RunManifest,
        settings: &Settings,
        (paths, undo): (&RunPaths, &str),
        verbosity: Verbosity,
    ) -> Vec<Line> {
        let mut lines = if verbosity >= Verbosity::Verbose { self.results(manifest) } else { Vec::new() };
        if manifest.status != Status::Success {
            return lines;
        }
        let ready = manifest.components.iter().filter(|(_, record)| is_ready(record.result)).count();
        let components = if ready == 1 { "component" } else { "components" };
        let took = duration(self.begun.elapsed());
        lines.push(Line::new(format!(" in {took}: {ready} {components} ready")).lead(Tone::Good, "Done"));
        let mut item = |label: &str, text: String| {
            lines.push(Line::new(text).lead(Tone::Plain, format!("  {label:<8}  ")).whole());
        };
        item("Cluster", cluster(settings.mode).to_owned());
        let served = served(manifest, settings);
        for (component, host) in &served {
            item(title(*component), format!("https://{host}"));
        }
        for Generated { component, password } in &self.generated {
            item("Password", format!("{} ({component}, shown once)", password.expose()));
        }
        if let Some(text) = names(&served) {
            item("DNS", text);
        }
        item("Undo", undo.to_owned());
        item("Log", paths.log().display().to_string());
        lines
    }

    fn results(&self, manifest: &RunManifest) -> Vec<Line> {
        let took =
            |component| self.took.iter().find(|(of, _)| *of == component).map(|(_, took)| duration(*took));
        let line = |(component, result): (Component, ComponentResult)| {
            Line::new(took(component).unwrap_or_default())
                .lead(Tone::Plain, format!("  {:<21}  {:<11}  ", component.as_str(), result.as_str()))
        };
        manifest.components.iter().map(|(component, record)| line((component, record.result))).collect()
    }
}

/// The components that answer by HTTPS and that the run has verified, each with its host name.
fn served<'a>(manifest: &RunManifest, settings: &'a Settings) -> Vec<(Component, &'a str)> {
    let ready = |component| manifest.components.get(component).is_some_and(|record| is_ready(record.result));
    let ready = COMPONENTS.iter().filter(|spec| ready(spec.id()));
    ready.filter_map(|spec| Some((spec.id(), spec.endpoint(settings)?.host))).collect()
}

const fn is_ready(result: ComponentResult) -> bool {
    matches!(result, ComponentResult::Installed | ComponentResult::Reused | ComponentResult::Configured)
}

const fn cluster(mode: Mode) -> &'static str {
    match mode {
        Mode::Agent => "on the server: sudo k3s kubectl get nodes",
        Mode::Server | Mode::SingleNode | Mode::Stack => "sudo k3s kubectl get nodes",
    }
}

const fn title(component: Component) -> &'static str {
    match component {
        Component::Rancher => "Rancher",
        Component::Registry => "Registry",
        _ => "Service",
    }
}

/// What whoever opens one of the URLs needs.
fn names(served: &[(Component, &str)]) -> Option<String> {
    let hosts: Vec<&str> = served.iter().map(|(_, host)| *host).collect();
    match hosts.as_slice() {
        [] => None,
        [host] => Some(format!("{host} must resolve to this host")),
        hosts => Some(format!("{} must resolve to this host", hosts.join(" and "))),
    }
}

/// `6m12s`, or `12s`.
fn duration(took: Duration) -> String {
    match (took.as_secs() / 60, took.as_secs() % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds:02}s"),
    }
}

#[cfg(test)]
mod tests {
    use schema::{Arch, Execution, Id, OsFamily, OsId, OsVersion, Platform, Support};
    use schema::{ComponentRecord, DetectedBefore, Finish, PlannedAction};

    use super::*;
    use crate::input::{Completeness, Flags, collect, resolve};
    use crate::run::now;

    fn summary(mode: Mode, ready: &[Component]) -> String {
        let mut inputs = collect(&Flags::mode(mode), |_| None, None, &mut Vec::new()).expect("inputs");
        let settings = resolve(&mut inputs, None, Completeness::Optional).expect("settings");
        let platform = Platform {
            support: Support::Supported,
            os_family: OsFamily::Debian,
            os_id: OsId::Debian,
            os_version: OsVersion::or_other("12"),
            arch: Arch::Amd64,
        };
        let id = Id::parse("9f86d081884c7d65").expect("an id");
        let mut manifest = RunManifest::begin(id, Execution::Apply, mode, platform, now());
        let (detected_before, planned_action) = (DetectedBefore::Missing, PlannedAction::Install);
        for component in ready {
            let result = ComponentResult::Installed;
            manifest.components.set(*component, ComponentRecord { detected_before, planned_action, result });
        }
        manifest.finish(Finish::Success, 0, now());
        let mut summary = RunSummary::begin();
        if ready.contains(&Component::Rancher) {
            summary.add_passwords(vec![(Component::Rancher, Secret::new("29055a4d"))]);
        }
        let undo = "bootstrap rollback --to runs/bootstrap-9f86d081884c7d65.json";
        let lines = summary.lines(&manifest, &settings, (&RunPaths::sample(), undo), Verbosity::Normal);
        let text: String = lines.iter().map(|line| line.laid_out(usize::MAX)).collect();
        let text = anstream::adapter::strip_str(&text).to_string();
        // How long a test takes is the machine's business.
        text.split_once(": ").map_or(String::new(), |(_, rest)| format!("Done in TIME: {rest}"))
    }

    #[test]
    fn an_end_tells_what_can_be_done_now() {
        insta::assert_snapshot!("done_single_node", summary(Mode::SingleNode, Component::ALL));
        insta::assert_snapshot!("done_server", summary(Mode::Server, &[Component::K3s, Component::Helm]));
        insta::assert_snapshot!("done_agent", summary(Mode::Agent, &[Component::K3s]));
    }

    #[test]
    fn times_are_short() {
        assert_eq!(
            (duration(Duration::from_millis(12_900)), duration(Duration::from_secs(372))),
            ("12s".to_owned(), "6m12s".to_owned())
        );
    }
}
