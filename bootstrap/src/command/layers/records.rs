//! Where the records of runs are that a layer above has started, and the inputs that come with it.

use std::path::{Path, PathBuf};

use manifest::{MachineId, RunsDir};
use schema::Mode;

use super::installation::Installation;
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

/// What the runs on this host have installed.
pub(super) fn installation() -> Option<Installation> {
    let history = RunsDir::open(&runs_dir()).ok()?.history(&MachineId::read(Path::new("/"))).ok()?;
    Installation::of(&history.contexts)
}

/// What the runs on this host did.
pub(super) fn history() -> RunHistory {
    RunHistory::below(&runs_dir())
}
