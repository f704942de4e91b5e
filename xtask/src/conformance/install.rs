//! Installing what the conformance run needs, once for each state of the files that pin it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::{Outcome, scratch};
use crate::files;

/// The output of a command that must end well; why it cannot be had or failed, where it does not.
pub(super) fn output_of(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let said = [text(&output.stdout), text(&output.stderr)].concat();
    let said: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    Err(format!("{name}: {}: {}", output.status, said[said.len().saturating_sub(12)..].join("\n    ")))
}

/// Runs `install` unless it was done for this state of `pins` already.
fn once(
    name: &str,
    folder: &Path,
    pins: &Path,
    install: impl FnOnce() -> Result<(), String>,
) -> anyhow::Result<Outcome<()>> {
    let stamp = scratch().join(format!("{name}.installed"));
    let wanted = fs::read_to_string(pins).with_context(|| format!("failed to read {}", pins.display()))?;
    if folder.is_dir() && fs::read_to_string(&stamp).is_ok_and(|known| known == wanted) {
        return Ok(Outcome::Ran(()));
    }
    fs::create_dir_all(scratch())?;
    if let Err(reason) = install() {
        return Ok(Outcome::Skipped(reason.lines().next_back().unwrap_or(&reason).trim().to_owned()));
    }
    fs::write(&stamp, wanted).with_context(|| format!("failed to write {}", stamp.display()))?;
    Ok(Outcome::Ran(()))
}

/// The folder of the programs of a virtual environment with everything of `requirements.txt`.
pub(super) fn python() -> anyhow::Result<Outcome<PathBuf>> {
    let environment = scratch().join("python");
    let programs = environment.join("bin");
    let pins = files::contract().join("conformance/python/requirements.txt");
    let installed = once("python", &environment, &pins, || {
        output_of(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
        let pip = programs.join("pip");
        output_of(
            Command::new(pip)
                .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
                .arg(&pins),
        )?;
        Ok(())
    })?;
    Ok(match installed {
        Outcome::Ran(()) => Outcome::Ran(programs),
        Outcome::Skipped(reason) => Outcome::Skipped(reason),
    })
}

/// Installs what the lock file in `folder` pins, in that folder.
pub(super) fn node(name: &str, folder: &Path) -> anyhow::Result<Outcome<()>> {
    if let Err(reason) = output_of(Command::new("npm").arg("--version")) {
        return Ok(Outcome::Skipped(reason));
    }
    once(name, &folder.join("node_modules"), &folder.join("package-lock.json"), || {
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        output_of(Command::new("npm").args(arguments).current_dir(folder)).map(drop)
    })
}
