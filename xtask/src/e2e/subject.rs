//! The program that is tested.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::cache::Work;
use super::process;
use crate::workspace;

/// Where machines see the scratch folder.
pub(super) const SHARED: &str = "/e2e";

/// A copy of the program in the scratch folder, so that a build in the meantime does not change it.
pub(super) struct Subject {
    /// Where machines see it.
    pub(super) program: String,
}

impl Subject {
    /// Builds the program, unless it is given.
    pub(super) fn get(given: Option<&Path>, work: &Work) -> anyhow::Result<Self> {
        let built = match given {
            Some(file) => file.to_owned(),
            None => build()?,
        };
        let copy = work.path().join("bootstrap");
        fs::copy(&built, copy).with_context(|| format!("cannot copy {}", built.display()))?;
        Ok(Self { program: format!("{SHARED}/bootstrap") })
    }
}

fn build() -> anyhow::Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    process::output(
        Command::new(cargo)
            .args(["build", "--quiet", "--package", "bootstrap"])
            .current_dir(workspace::root()),
    )?;
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace::root().join("target"), PathBuf::from);
    Ok(target.join("debug/bootstrap"))
}
