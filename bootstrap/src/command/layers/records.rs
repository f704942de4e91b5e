//! Where the records of runs are that a layer above has started, and the inputs that come with it.

use std::path::{Path, PathBuf};

use manifest::{LocalFacts, MachineId, PrivateContext, RunsDir};
use schema::{Execution, Mode};

use super::refusal::LayerError;
use crate::component::RunHistory;
use crate::input::{
    AnyInput, Flags, Inputs, ValueSource, collect, refuse_unknown_variables, runs_dir_from_env,
};

/// The inputs of the environment, with records where they outlive the bundle.
pub(super) fn inputs(mode: Mode, warnings: &mut Vec<String>) -> Result<Inputs, LayerError> {
    refuse_unknown_variables(std::env::vars_os().map(|(name, _)| name))?;
    let mut inputs = collect(&Flags::mode(mode), |name| std::env::var_os(name), None, warnings)?;
    if let Some(records) = records_dir() {
        inputs.runs_dir.set(&records.to_string_lossy(), ValueSource::Default)?;
    }
    Ok(inputs)
}

/// Where records go unless the environment says so. Not below the bundle: infra deletes its copy of one before it copies the
/// next, and without its records nothing can be taken back.
fn records_dir() -> Option<PathBuf> {
    if given("PRODUCTIVE_K3S_RUNS_DIR").is_some() {
        return None;
    }
    Some(state_dir()?.join("runs"))
}

/// Where the program keeps what outlives a bundle.
pub(super) fn state_dir() -> Option<PathBuf> {
    let state = given("XDG_STATE_HOME").or_else(|| Some(given("HOME")?.join(".local/state")))?;
    Some(state.join("productive-k3s"))
}

fn given(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Where records are, for the commands that take no inputs but this one.
pub(super) fn runs_dir() -> PathBuf {
    records_dir().unwrap_or_else(runs_dir_from_env)
}

/// The record of the newest run that changed this host.
pub(super) fn newest() -> Option<PrivateContext> {
    let contexts = RunsDir::open(&runs_dir()).ok()?.contexts(&MachineId::read(Path::new("/"))).ok()?;
    contexts.into_iter().find(|run| run.execution == Execution::Apply)
}

/// What the runs on this host did.
pub(super) fn history() -> RunHistory {
    RunHistory::below(&runs_dir())
}

/// Gives the inputs what the run was told, where the environment does not say otherwise.
pub(super) fn recall(inputs: &mut Inputs, facts: &LocalFacts) -> Result<(), LayerError> {
    let set = |input: &mut dyn AnyInput, value: Option<&str>| match value {
        Some(value) => input.set(value, ValueSource::Default),
        None => Ok(()),
    };
    set(&mut inputs.rancher.host, facts.rancher_host.as_deref())?;
    set(&mut inputs.registry.host, facts.registry_host.as_deref())?;
    set(&mut inputs.registry.storage_class, facts.registry_storage_class.as_deref())?;
    set(&mut inputs.longhorn.data_path, facts.longhorn_data_path.as_ref().and_then(|path| path.to_str()))?;
    set(&mut inputs.nfs.export_path, facts.nfs_export_path.as_ref().and_then(|path| path.to_str()))?;
    set(&mut inputs.nfs.allowed_network, facts.nfs_allowed_network.as_deref())?;
    let manages = facts.nfs_export_path.is_some().to_string();
    set(&mut inputs.nfs.manage, Some(&manages))?;
    Ok(())
}
