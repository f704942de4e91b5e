//! The gate as a package for JavaScript: built, installed as users do it, tested there, and measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow};
use schema::CONTRACT_VERSION;

use super::implementations;
use super::speed;
use super::tools::{self, ToolResult, checked, scratch};
use super::traffic::Traffic;
use super::vector::Verdicts;
use crate::workspace;

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds the package and prints its path.
pub(crate) fn build_alone() -> anyhow::Result<()> {
    match platform().with(|()| pack()) {
        ToolResult::Ran(packed) => tools::print_built(&packed.map_err(anyhow::Error::msg)?),
        ToolResult::Skipped(reason) => Err(anyhow!("what it is built with cannot be had: {reason}")),
    }
}

/// The directory of a user who installed the package, with its tests.
pub(super) struct PackageUser {
    directory: PathBuf,
}

/// Builds the package and installs it.
pub(super) fn install() -> anyhow::Result<ToolResult<PackageUser>> {
    // Without Node.js the package could not be tested.
    let wanted = match tools::output_of(Command::new("npm").arg("--version")) {
        Ok(_) => platform(),
        Err(reason) => ToolResult::Skipped(reason),
    };
    match wanted.with(|()| installed()) {
        ToolResult::Ran(user) => user.map(ToolResult::Ran).map_err(|fault| anyhow!(fault)),
        ToolResult::Skipped(reason) => Ok(ToolResult::Skipped(reason)),
    }
}

/// Whether the package can be built here: everything that comes over the network has arrived.
fn platform() -> ToolResult<()> {
    match add_target().and_then(|()| fetch()) {
        Ok(()) => ToolResult::Ran(()),
        Err(reason) => ToolResult::Skipped(reason.lines().next_back().unwrap_or(&reason).trim().to_owned()),
    }
}

/// Installs the platform with rustup unless it exists: a toolchain from elsewhere has it or cannot get it.
fn add_target() -> Result<(), String> {
    let library =
        tools::output_of(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]));
    if library.is_ok_and(|path| Path::new(path.trim()).is_dir()) {
        return Ok(());
    }
    tools::output_of(Command::new("rustup").args(["target", "add", TARGET])).map(drop)
}

fn fetch() -> Result<(), String> {
    let root = workspace::root();
    tools::output_of(cargo("fetch", &root).args(["--target", TARGET]))?;
    tools::output_of(&mut cargo("fetch", &root.join("wasm/bindgen"))).map(drop)
}

fn installed() -> Result<PackageUser, String> {
    let packed = pack()?;
    let directory = fresh("javascript").map_err(|error| format!("{error:#}"))?;
    copy(&workspace::root().join("wasm/tests"), &directory).map_err(|error| format!("{error:#}"))?;
    // Without a manifest here npm would install into a directory above.
    fs::write(directory.join("package.json"), "{}").map_err(|error| error.to_string())?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    tools::output_of(npm.arg(packed).current_dir(&directory))?;
    Ok(PackageUser { directory })
}

/// The package as the file that registries accept.
fn pack() -> Result<PathBuf, String> {
    let root = workspace::root();
    let mut module = cargo_build(&root, "wasm");
    module.args(["--release", "--package", "wasm", "--target", TARGET]);
    tools::output_of(tools::without_paths(&mut module))?;
    tools::output_of(&mut cargo_build(&root.join("wasm/bindgen"), "bindgen"))?;
    let package = fresh("package").map_err(|error| format!("{error:#}"))?;
    let module = scratch().join("wasm").join(TARGET).join("release/wasm.wasm");
    tools::output_of(Command::new(scratch().join("bindgen/debug/bindgen")).arg(module).arg(&package))?;
    copy(&root.join("wasm/package"), &package).map_err(|error| format!("{error:#}"))?;
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", "--ignore-scripts", "--pack-destination"]).arg(scratch());
    let file = tools::output_of(npm.current_dir(&package))?;
    Ok(scratch().join(file.trim()))
}

fn cargo(subcommand: &str, directory: &Path) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args([subcommand, "--quiet", "--locked"]).current_dir(directory);
    command
}

/// Builds what is in `directory` into another one of that name.
fn cargo_build(directory: &Path, into: &str) -> Command {
    let mut build = cargo("build", directory);
    build.arg("--target-dir").arg(scratch().join(into));
    build
}

/// An empty directory.
fn fresh(name: &str) -> anyhow::Result<PathBuf> {
    let directory = scratch().join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    Ok(directory)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    for name in workspace::files_below(from)? {
        fs::copy(from.join(&name), to.join(&name)).with_context(|| name)?;
    }
    Ok(())
}

/// The verdict of the package on each vector.
pub(super) fn verdicts(
    contract: &Path,
    user: &ToolResult<PackageUser>,
) -> anyhow::Result<ToolResult<Verdicts>> {
    match user {
        ToolResult::Ran(user) => {
            implementations::run(script("wasm_verdicts.mjs").arg(contract).arg(&user.directory))
        }
        ToolResult::Skipped(reason) => Ok(ToolResult::Skipped(reason.clone())),
    }
}

/// Runs its tests, a type checker and a measurement; what went wrong.
pub(super) fn check(
    contract: &Path,
    traffic: &Traffic,
    user: &ToolResult<PackageUser>,
) -> anyhow::Result<Vec<String>> {
    let tests = user.with(|user| {
        let mut node = Command::new("node");
        node.args(["--test", "node.test.mjs", "browser.test.mjs"]).current_dir(&user.directory);
        tools::output_of(node.env("CONTRACT_VERSION", CONTRACT_VERSION))
            .map(|_| "passes its tests".to_owned())
    });
    let example = workspace::contract().join("examples/typescript");
    let types = match tools::node("typescript", &example)? {
        ToolResult::Ran(()) => user.with(|user| user.compile_types(&example)),
        ToolResult::Skipped(reason) => ToolResult::Skipped(reason),
    };
    let speed = user.with(|user| {
        let mut bench = script("bench.mjs");
        speed::table(tools::output_of(bench.arg(contract).arg(&user.directory).arg(&traffic.valid))?)
    });
    let outcomes = [
        ("package for JavaScript", tests),
        ("package for JavaScript, tsc --strict", types),
        ("validators in JavaScript, on one core", speed),
    ];
    Ok(outcomes.into_iter().filter_map(|(name, outcome)| checked(name, outcome)).collect())
}

impl PackageUser {
    /// Compiles what a receiver would write, with the compiler of the example.
    fn compile_types(&self, example: &Path) -> Result<String, String> {
        let mut compiler = Command::new(example.join("node_modules/.bin/tsc"));
        tools::output_of(compiler.arg("--project").arg(&self.directory)).map(|_| "no errors".to_owned())
    }
}

/// One of the programs that are here for every package.
fn script(name: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(workspace::contract().join("conformance/node").join(name));
    command
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn read(path: &str) -> String {
        fs::read_to_string(workspace::root().join(path)).expect(path)
    }

    #[test]
    fn the_package_has_the_version_of_the_contract() {
        let manifest: Value = serde_json::from_str(&read("wasm/package/package.json")).expect("JSON");
        assert_eq!(manifest["version"], CONTRACT_VERSION);
    }

    #[test]
    fn the_tool_speaks_the_format_of_the_module() {
        let version = |lock: &str, name: &str| {
            let entry = format!("name = \"{name}\"\nversion = ");
            let lock = read(lock);
            let line = lock.split_once(&entry).and_then(|(_, rest)| rest.lines().next().map(str::to_owned));
            line.expect("it is locked")
        };
        assert_eq!(
            version("Cargo.lock", "wasm-bindgen"),
            version("wasm/bindgen/Cargo.lock", "wasm-bindgen-cli-support")
        );
    }
}
