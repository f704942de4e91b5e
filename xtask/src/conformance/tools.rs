//! Programs of other languages: installing them, running them, and reporting the result.
//!
//! They are installed once for each state of the files that pin them. A machine without one of them skips its checks
//! and reports that.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::contract::sha256;
use crate::workspace;

/// The result of an implementation or a check.
pub(super) enum ToolResult<T> {
    /// It ran, with this result.
    Ran(T),
    /// It is not available here; why.
    Skipped(String),
}

impl<T> ToolResult<T> {
    /// The result of `work` on it, if it ran.
    pub(super) fn map<U>(self, work: impl FnOnce(T) -> U) -> ToolResult<U> {
        match self {
            Self::Ran(value) => ToolResult::Ran(work(value)),
            Self::Skipped(reason) => ToolResult::Skipped(reason),
        }
    }

    /// [`Self::map`] for what is needed again.
    pub(super) fn with<U>(&self, work: impl FnOnce(&T) -> U) -> ToolResult<U> {
        match self {
            Self::Ran(value) => ToolResult::Ran(work(value)),
            Self::Skipped(reason) => ToolResult::Skipped(reason.clone()),
        }
    }
}

/// Where implementations are installed and documents are written.
pub(super) fn scratch() -> PathBuf {
    workspace::root().join("target/conformance")
}

/// Prints the result of a check; the fault if it found one.
pub(super) fn checked(name: &str, outcome: ToolResult<Result<String, String>>) -> Option<String> {
    match outcome {
        ToolResult::Ran(Ok(words)) => {
            workspace::print_line(&format!("{name}: {words}"));
            None
        }
        ToolResult::Ran(Err(fault)) => {
            workspace::print_line(&format!("{name}: FAILED"));
            Some(format!("{name}: {fault}"))
        }
        ToolResult::Skipped(reason) => {
            workspace::print_line(&format!("{name}: SKIP ({reason})"));
            None
        }
    }
}

/// The output of a command that must succeed; otherwise why it is missing or failed.
pub(super) fn output_of(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let said = [text(&output.stdout), text(&output.stderr)].concat();
    let said: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    // The last lines hold the error; npm and pip write a page before it.
    Err(format!("{name}: {}: {}", output.status, said[said.len().saturating_sub(12)..].join("\n    ")))
}

/// Makes a build the same bytes on every machine with the same toolchain: no path of this one is in them.
pub(super) fn without_paths(build: &mut Command) -> &mut Command {
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).unwrap_or_default();
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let flags = [remap(&cargo_home, "/cargo"), remap(&workspace::root(), "/productive-k3s-core")];
    // Cargo separates flags by this character, because a path may hold a space.
    build.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
}

/// Prints the path of a built package, and its checksum.
pub(super) fn print_built(file: &Path) -> anyhow::Result<()> {
    let digest = sha256(&fs::read(file).with_context(|| format!("failed to read {}", file.display()))?);
    workspace::print_line(&format!("{digest}  {}", file.display()));
    Ok(())
}

/// Runs `install` unless it was done for this state of `pins` already.
fn once(
    name: &str,
    directory: &Path,
    pins: &Path,
    install: impl FnOnce() -> Result<(), String>,
) -> anyhow::Result<ToolResult<()>> {
    let stamp = scratch().join(format!("{name}.installed"));
    let wanted = fs::read_to_string(pins).with_context(|| format!("failed to read {}", pins.display()))?;
    if directory.is_dir() && fs::read_to_string(&stamp).is_ok_and(|known| known == wanted) {
        return Ok(ToolResult::Ran(()));
    }
    fs::create_dir_all(scratch())?;
    // Without a network nothing can be installed. That is no fault of the contract, and is reported.
    if let Err(reason) = install() {
        return Ok(ToolResult::Skipped(reason.lines().next_back().unwrap_or(&reason).trim().to_owned()));
    }
    // Written last: an installation that was cut off is done again.
    fs::write(&stamp, wanted).with_context(|| format!("failed to write {}", stamp.display()))?;
    Ok(ToolResult::Ran(()))
}

/// The directory of the programs of a virtual environment with everything of `requirements.txt`.
pub(super) fn python() -> anyhow::Result<ToolResult<PathBuf>> {
    let environment = scratch().join("python");
    let programs = environment.join("bin");
    let pins = workspace::contract().join("conformance/python/requirements.txt");
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
        ToolResult::Ran(()) => ToolResult::Ran(programs),
        ToolResult::Skipped(reason) => ToolResult::Skipped(reason),
    })
}

/// Builds the package in `directory`, which generates types from the contract; the program. Optimised, because its speed is
/// measured.
pub(super) fn rust(contract: &Path, directory: &Path) -> anyhow::Result<ToolResult<PathBuf>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = scratch().join("rust");
    let manifest = directory.join("Cargo.toml");
    let in_package = |subcommand: &str| {
        let mut command = Command::new(&cargo);
        command.args([subcommand, "--quiet", "--locked", "--manifest-path"]).arg(&manifest);
        command
    };
    let installed = once("rust", directory, &directory.join("Cargo.lock"), || {
        output_of(&mut in_package("fetch")).map(drop)
    })?;
    if let ToolResult::Skipped(reason) = installed {
        return Ok(ToolResult::Skipped(reason));
    }
    let mut build = in_package("build");
    build.args(["--release", "--target-dir"]).arg(&target).env("CONTRACT", contract);
    output_of(&mut build).map_err(anyhow::Error::msg)?;
    Ok(ToolResult::Ran(target.join("release/contract-types")))
}

/// Installs what the lock file in `directory` pins, in that directory.
pub(super) fn node(name: &str, directory: &Path) -> anyhow::Result<ToolResult<()>> {
    if let Err(reason) = output_of(Command::new("npm").arg("--version")) {
        return Ok(ToolResult::Skipped(reason));
    }
    once(name, &directory.join("node_modules"), &directory.join("package-lock.json"), || {
        // Scripts of foreign packages are never run.
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        output_of(Command::new("npm").args(arguments).current_dir(directory)).map(drop)
    })
}
