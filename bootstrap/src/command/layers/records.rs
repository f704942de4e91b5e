//! Where the records of runs are that a layer above has started, and the inputs that come with it.

use std::path::PathBuf;

use schema::Mode;

use super::refusal::LayerError;
use crate::input::{AnyInput, Flags, Inputs, ValueSource, collect, runs_dir_from_env};

/// The inputs of the environment, with records where they outlive the bundle.
pub(super) fn inputs(mode: Mode, warnings: &mut Vec<String>) -> Result<Inputs, LayerError> {
    let mut inputs = collect(&Flags::mode(mode), |name| std::env::var_os(name), None, warnings)?;
    if let Some(records) = records_dir() {
        inputs.runs_dir.set(&records.to_string_lossy(), ValueSource::Default)?;
    }
    Ok(inputs)
}

/// Where records go unless the environment says so. Not below the bundle: infra deletes its copy of one before it copies the
/// next, and without its records nothing can be taken back.
fn records_dir() -> Option<PathBuf> {
    let given = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if given("PRODUCTIVE_K3S_RUNS_DIR").is_some() {
        return None;
    }
    let state = given("XDG_STATE_HOME").or_else(|| Some(given("HOME")?.join(".local/state")))?;
    Some(state.join("productive-k3s/runs"))
}

/// Where records are, for the commands that take no inputs but this one.
pub(super) fn runs_dir() -> PathBuf {
    records_dir().unwrap_or_else(runs_dir_from_env)
}
