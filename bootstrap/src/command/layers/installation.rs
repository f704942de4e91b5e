//! What the records of this host say is installed, and the inputs that it was installed with.
//!
//! An add-on run knows of its add-on alone, and a run that was declined or refused of nothing on the host. So what stands is
//! gathered from all runs that came to something, for each component from the newest one that had it.

use manifest::{LocalFacts, PrivateContext, TlsFacts};
use schema::{Component, Execution, Issuer, LetsencryptEnvironment, Mode, Status, TlsMode};

use crate::component::components;
use crate::input::{AnyInput, InputError, Inputs, ValueSource};
use crate::rollback::{RunTrace, run_trace};

/// What runs have installed and nobody has undone.
pub(super) struct Installation {
    /// The mode of the runs, of several the one that installs most.
    pub(super) mode: Mode,
    local: LocalFacts,
}

impl Installation {
    /// What these runs have installed, given the newest first. A host changes its role when it is set up anew, and what runs
    /// did in the other role counts no more.
    pub(super) fn of(contexts: &[PrivateContext]) -> Option<Self> {
        let runs: Vec<(&PrivateContext, Vec<Component>)> = (0..contexts.len())
            .filter_map(|number| contexts[number..].split_first())
            .map(|(run, older)| (run, standing(run, older).collect()))
            .filter(|(_, standing): &(_, Vec<_>)| !standing.is_empty())
            .collect();
        let is_agent = |run: &PrivateContext| run.mode == Mode::Agent;
        let (newest, _) = runs.first()?;
        let mut found = Self { mode: newest.mode, local: LocalFacts::default() };
        for (run, standing) in runs.iter().take_while(|(run, _)| is_agent(run) == is_agent(newest)) {
            if components(run.mode).count() > components(found.mode).count() {
                found.mode = run.mode;
            }
            for component in standing.iter().copied() {
                if !found.local.components.contains(&component) {
                    found.local.take_over(component, &run.local);
                }
            }
        }
        Some(found)
    }

    /// Leaves out of the inputs what is not installed.
    pub(super) fn leave_out_rest(&self, inputs: &mut Inputs) {
        for component in components(self.mode).filter(|component| !self.local.components.contains(component))
        {
            inputs.leave_out(component);
        }
    }

    /// Gives the inputs what the runs were told, where the environment does not say otherwise.
    pub(super) fn recall(&self, inputs: &mut Inputs) -> Result<(), InputError> {
        let LocalFacts { tls, rancher_host, registry, longhorn, nfs, .. } = &self.local;
        if let Some(tls) = tls {
            recall_tls(tls, inputs)?;
        }
        set(&mut inputs.rancher.host, rancher_host.as_deref())?;
        if let Some(registry) = registry {
            set(&mut inputs.registry.host, Some(&registry.host))?;
            set(&mut inputs.registry.pvc_size_gib, Some(&registry.pvc_size_gib.get().to_string()))?;
            set(&mut inputs.registry.storage_class, registry.storage_class.as_deref())?;
            set(&mut inputs.registry.auth, Some(word(registry.user.is_some())))?;
            set(&mut inputs.registry.user, registry.user.as_deref())?;
        }
        if let Some(longhorn) = longhorn {
            set(&mut inputs.longhorn.data_path, longhorn.data_path.to_str())?;
            set(&mut inputs.longhorn.replica_count, Some(&longhorn.replica_count.get().to_string()))?;
            let percentage = longhorn.minimal_available_percentage.get().to_string();
            set(&mut inputs.longhorn.minimal_available_percentage, Some(&percentage))?;
            set(&mut inputs.longhorn.make_default, Some(word(longhorn.make_default)))?;
        }
        if let Some(nfs) = nfs {
            set(&mut inputs.nfs.export_path, nfs.export_path.to_str())?;
            set(&mut inputs.nfs.allowed_network, Some(&nfs.allowed_network))?;
        }
        Ok(())
    }
}

/// The components that the run has installed or found, and that were not undone, given the `older` runs, the newest first;
/// none of a run that ended before its first step.
fn standing<'a>(
    run: &'a PrivateContext,
    older: &'a [PrivateContext],
) -> impl Iterator<Item = Component> + 'a {
    let came_to_something = run.status == Status::Success || !run.steps.is_empty();
    let counts = run.execution == Execution::Apply && came_to_something;
    run.local.components.iter().copied().filter(move |component| counts && stands(*component, run, older))
}

fn stands(component: Component, run: &PrivateContext, older: &[PrivateContext]) -> bool {
    match run_trace(run, component) {
        RunTrace::Kept => true,
        RunTrace::Undone(_) => false,
        // A run that failed may not have come to it, and once it is taken back nobody expects the component any more.
        RunTrace::Nothing if run.status != Status::Success && !run.rollbacks.is_empty() => false,
        // What it found there is gone when the run that had made it was taken back later.
        RunTrace::Nothing | RunTrace::Added => {
            let mut traces = older.iter().map(|run| run_trace(run, component));
            let maker = traces.find(|trace| matches!(trace, RunTrace::Kept | RunTrace::Undone(_)));
            !matches!(maker, Some(RunTrace::Undone(at)) if at > run.started_at)
        }
    }
}

fn recall_tls(tls: &TlsFacts, inputs: &mut Inputs) -> Result<(), InputError> {
    let (mode, environment) = match tls.issuer {
        Issuer::Selfsigned => (TlsMode::SelfSigned, None),
        Issuer::LetsencryptStaging => (TlsMode::Letsencrypt, Some(LetsencryptEnvironment::Staging)),
        Issuer::LetsencryptProduction => (TlsMode::Letsencrypt, Some(LetsencryptEnvironment::Production)),
    };
    set(&mut inputs.tls.mode, Some(mode.as_str()))?;
    set(&mut inputs.tls.letsencrypt_email, tls.email.as_deref())?;
    set(&mut inputs.tls.letsencrypt_environment, environment.map(LetsencryptEnvironment::as_str))
}

fn set(input: &mut dyn AnyInput, value: Option<&str>) -> Result<(), InputError> {
    value.map_or(Ok(()), |value| input.set(value, ValueSource::Record))
}

const fn word(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use manifest::{
        Intent, JournalOutcome, MachineFingerprint, MachineId, PriorState, RegistryFacts, RunId, StepState,
        Undo,
    };
    use schema::{Bounded, Id, UtcSeconds};

    use super::*;

    fn at(second: u32) -> UtcSeconds {
        UtcSeconds::parse(&format!("2026-11-22T07:00:{second:02}Z")).expect("a time")
    }

    /// A run of the mode that was to bring these components about, and made something of each.
    fn run(mode: Mode, of: &[Component]) -> PrivateContext {
        let id = RunId::new(Id::parse("9f86d081884c7d65").expect("an id"));
        let machine = MachineFingerprint::of(&MachineId::read(Path::new("/")));
        let mut run = PrivateContext::begin(&id, Execution::Apply, mode, machine, at(0));
        for component in of.iter().copied() {
            run.local.components.insert(component);
            let (release, namespace) = (component.to_string(), component.to_string());
            let undo = Undo::HelmRelease { release, namespace, revision: Some(1) };
            let intent = Intent { component, action: String::new(), before: PriorState::Absent, undo };
            let seq = run.begin_step(intent, at(1));
            run.end_step(seq, JournalOutcome::Done { wrote: None, undo: None }, at(1));
        }
        run.status = Status::Failed;
        run
    }

    fn undo(run: &mut PrivateContext, step: u32) {
        run.begin_undo(step, at(10));
        run.end_undo(step, StepState::Done, at(10));
    }

    fn registry(host: &str, user: Option<&str>) -> RegistryFacts {
        RegistryFacts {
            host: host.to_owned(),
            pvc_size_gib: Bounded::clamped(20),
            storage_class: None,
            user: user.map(str::to_owned),
        }
    }

    /// The mode and the components, in the words of the contract.
    fn check(newest_first: &[PrivateContext]) -> Option<(Mode, Vec<&'static str>)> {
        let found = Installation::of(newest_first)?;
        Some((found.mode, found.local.components.iter().map(|component| component.as_str()).collect()))
    }

    #[test]
    fn a_run_that_came_to_nothing_says_nothing_of_the_host() {
        let whole = run(Mode::SingleNode, &[Component::K3s, Component::Rancher]);
        let mut declined = run(Mode::Server, &[Component::K3s, Component::Helm]);
        declined.steps.clear();
        let mut looked = run(Mode::Stack, &[Component::Longhorn]);
        looked.execution = Execution::DryRun;
        let expected = Some((Mode::SingleNode, vec!["k3s", "rancher"]));
        assert_eq!(check(&[looked.clone(), declined.clone(), whole.clone()]), expected);
        assert_eq!(check(&[looked, declined.clone()]), None);
        // One that found everything in place has no steps either.
        declined.status = Status::Success;
        assert_eq!(check(&[declined, whole]), Some((Mode::SingleNode, vec!["k3s", "helm", "rancher"])));
    }

    #[test]
    fn each_component_is_as_the_newest_run_that_had_it_was_told() {
        let mut whole = run(Mode::SingleNode, &[Component::K3s, Component::Rancher, Component::Registry]);
        whole.local.rancher_host = Some("rancher.corp.example".to_owned());
        whole.local.registry = Some(registry("first.corp.example", Some("pusher")));
        let mut addon = run(Mode::Stack, &[Component::Registry]);
        addon.local.registry = Some(registry("second.corp.example", None));
        let found = Installation::of(&[addon, whole]).expect("installed");
        assert_eq!(found.mode, Mode::SingleNode);
        assert_eq!(found.local.rancher_host.as_deref(), Some("rancher.corp.example"));
        assert!(found.local.registry == Some(registry("second.corp.example", None)));
    }

    #[test]
    fn what_was_undone_and_what_another_role_had_is_not_installed() {
        let mut whole = run(Mode::SingleNode, &[Component::K3s, Component::Rancher]);
        undo(&mut whole, 2);
        assert_eq!(check(&[whole.clone()]), Some((Mode::SingleNode, vec!["k3s"])));
        let agent = run(Mode::Agent, &[Component::K3s]);
        assert_eq!(check(&[agent, whole]), Some((Mode::Agent, vec!["k3s"])));
    }

    #[test]
    fn what_a_run_found_in_place_goes_with_the_run_that_had_made_it() {
        let mut whole = run(Mode::SingleNode, &[Component::K3s, Component::Rancher]);
        let mut again = whole.clone();
        again.steps.clear();
        again.status = Status::Success;
        undo(&mut whole, 2);
        assert_eq!(check(&[again.clone(), whole.clone()]), Some((Mode::SingleNode, vec!["k3s"])));
        // What it found after the rollback is somebody else's, and there.
        again.started_at = at(20);
        assert_eq!(check(&[again, whole]), Some((Mode::SingleNode, vec!["k3s", "rancher"])));
    }

    #[test]
    fn what_a_run_added_goes_with_the_run_that_had_made_the_rest() {
        let mut whole = run(Mode::SingleNode, &[Component::K3s, Component::Longhorn]);
        let mut again = run(Mode::SingleNode, &[Component::Longhorn]);
        let line = Undo::Line { path: "/etc/hosts".into(), line: String::new() };
        again.steps[0].undo = line;
        assert_eq!(check(&[again.clone(), whole.clone()]), Some((Mode::SingleNode, vec!["k3s", "longhorn"])));
        undo(&mut whole, 2);
        assert_eq!(check(&[again, whole]), Some((Mode::SingleNode, vec!["k3s"])));
    }

    #[test]
    fn what_a_run_that_was_taken_back_did_not_come_to_is_not_missing() {
        let mut failed = run(Mode::SingleNode, &[Component::Longhorn]);
        failed.local.components.insert(Component::Rancher);
        assert_eq!(check(&[failed.clone()]), Some((Mode::SingleNode, vec!["longhorn", "rancher"])));
        undo(&mut failed, 1);
        assert_eq!(check(&[failed]), None);
    }
}
