//! The gate as a wheel for Python: built, installed beside other validators, tested there, and measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::anyhow;
use schema::CONTRACT_VERSION;

use super::implementations;
use super::speed;
use super::tools::{self, ToolResult, checked, scratch};
use super::traffic::Traffic;
use super::vector::Verdicts;
use crate::workspace;

/// Builds the wheel and prints its path.
pub(crate) fn build_alone() -> anyhow::Result<()> {
    let built = match tools::python()? {
        ToolResult::Ran(programs) => build(&programs).map_err(anyhow::Error::msg)?,
        ToolResult::Skipped(reason) => return Err(anyhow!("maturin cannot be installed: {reason}")),
    };
    tools::print_built(&built)
}

/// The wheel, installed in a virtual environment.
pub(super) struct InstalledWheel {
    python: PathBuf,
    file: String,
}

/// Builds the wheel and installs it.
pub(super) fn install(python: &ToolResult<PathBuf>) -> anyhow::Result<ToolResult<InstalledWheel>> {
    let installed = python.with(|programs| {
        let built = build(programs)?;
        let mut pip = Command::new(programs.join("pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]);
        tools::output_of(pip.arg("--force-reinstall").arg(&built))?;
        let file = built.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(InstalledWheel { python: programs.join("python"), file })
    });
    match installed {
        ToolResult::Ran(outcome) => outcome.map(ToolResult::Ran).map_err(|fault: String| anyhow!(fault)),
        ToolResult::Skipped(reason) => Ok(ToolResult::Skipped(reason)),
    }
}

/// The same bytes on every machine with the same toolchain: no path of this one is in them.
fn build(programs: &Path) -> Result<PathBuf, String> {
    let wheels = scratch().join("wheels");
    if wheels.exists() {
        fs::remove_dir_all(&wheels).map_err(|error| format!("{}: {error}", wheels.display()))?;
    }
    let mut maturin = Command::new(programs.join("maturin"));
    maturin.args(["build", "--quiet", "--manifest-path", "wheel/Cargo.toml", "--out"]).arg(&wheels);
    maturin.arg("--target-dir").arg(scratch().join("wheel")).current_dir(workspace::root());
    tools::output_of(tools::without_paths(&mut maturin))?;
    let name = workspace::files_below(&wheels).ok().and_then(|names| names.into_iter().next());
    name.map(|name| wheels.join(name)).ok_or_else(|| "maturin built no wheel".to_owned())
}

/// The verdict of the wheel on each vector.
pub(super) fn verdicts(
    contract: &Path,
    wheel: &ToolResult<InstalledWheel>,
) -> anyhow::Result<ToolResult<Verdicts>> {
    match wheel {
        ToolResult::Ran(wheel) => implementations::run(wheel.script("wheel_verdicts.py").arg(contract)),
        ToolResult::Skipped(reason) => Ok(ToolResult::Skipped(reason.clone())),
    }
}

/// Runs its tests, a type checker and a measurement; what went wrong.
pub(super) fn check(contract: &Path, traffic: &Traffic, wheel: &ToolResult<InstalledWheel>) -> Vec<String> {
    let package = workspace::root().join("wheel");
    let run = |options: &[&str], path: Option<&Path>| {
        wheel.with(|wheel| {
            let mut python = Command::new(&wheel.python);
            tools::output_of(python.arg("-B").args(options).args(path).current_dir(scratch()))
        })
    };
    let tests = wheel.with(|wheel| {
        let mut python = Command::new(&wheel.python);
        python.arg("-B").arg(package.join("tests/test_gate.py")).env("CONTRACT_VERSION", CONTRACT_VERSION);
        tools::output_of(&mut python).map(|_| format!("{} passes its tests", wheel.file))
    });
    // Checkers read the source of the package itself.
    let stub = run(&["-m", "mypy.stubtest", "productive_k3s_contract._gate"], None);
    let types = run(&["-m", "mypy", "--strict", "--python-version", "3.10"], Some(&package.join("tests")));
    let speed = wheel.with(|wheel| {
        speed::table(tools::output_of(wheel.script("bench.py").arg(contract).arg(&traffic.valid))?)
    });
    let last_line = |text: String| text.trim().lines().last().unwrap_or_default().to_owned();
    let outcomes = [
        ("wheel", tests),
        ("wheel, stubtest", stub.map(|said| said.map(last_line))),
        ("wheel, mypy --strict", types.map(|said| said.map(last_line))),
        ("validators in Python, on one core", speed),
    ];
    outcomes.into_iter().filter_map(|(name, outcome)| checked(name, outcome)).collect()
}

impl InstalledWheel {
    /// One of our programs, run where the wheel is.
    fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg("-B").arg(workspace::contract().join("conformance/python").join(name));
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wheel_has_the_version_of_the_contract() {
        let manifest =
            fs::read_to_string(workspace::root().join("wheel/pyproject.toml")).expect("there is one");
        let version = manifest.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
        let version = version.expect("a version");
        let post = version.strip_prefix(CONTRACT_VERSION);
        assert!(post.is_some_and(|post| post.is_empty() || post.starts_with(".post")), "{version}");
    }
}
