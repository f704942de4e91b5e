//! Which crates are in a program, as `Cargo.lock` pins them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::workspace;

/// A crate that is linked into a program, or that writes code of it.
#[derive(Debug)]
pub(crate) struct LinkedCrate {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Its SPDX expression; nothing where the crate states none.
    pub(crate) license: Option<String>,
    /// The repository that it states, if any.
    pub(crate) repository: Option<String>,
    /// Where its files are.
    pub(crate) directory: PathBuf,
    /// Whether it is a member of this workspace.
    pub(crate) is_ours: bool,
    /// Name and version of the crates that it uses itself.
    pub(crate) uses: Vec<(String, String)>,
}

impl LinkedCrate {
    /// Its package URL.
    pub(crate) fn purl(&self) -> String {
        purl(&self.name, &self.version)
    }
}

/// The package URL of a crate (ECMA-427).
pub(crate) fn purl(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{version}")
}

/// The crates in the program of the package `root`, itself included, by name and version.
pub(crate) fn linked(root: &str) -> anyhow::Result<Vec<LinkedCrate>> {
    let metadata = metadata()?;
    let by_id = |list: &Value| -> anyhow::Result<BTreeMap<String, Value>> {
        let items = list.as_array().context("cargo metadata lists it")?;
        Ok(items.iter().map(|item| (text(&item["id"]), item.clone())).collect())
    };
    let packages = by_id(&metadata["packages"])?;
    let nodes = by_id(&metadata["resolve"]["nodes"])?;
    let is_root = |package: &&Value| package["name"] == root && package["source"].is_null();
    let start = packages.values().find(is_root).with_context(|| format!("there is no package {root}"))?;
    let mut found = BTreeMap::new();
    let mut open = vec![text(&start["id"])];
    while let Some(id) = open.pop() {
        let package = packages.get(&id).with_context(|| format!("cargo metadata lacks {id}"))?;
        let key = named(package);
        if found.contains_key(&key) {
            continue;
        }
        let next = used_by(nodes.get(&id).context("cargo resolves each package")?);
        let uses = next.iter().filter_map(|id| packages.get(id)).map(named).collect();
        found.insert(key, linked_crate(package, uses)?);
        open.extend(next);
    }
    Ok(found.into_values().collect())
}

/// The packages that are in a program because `node` is. What only tests or build scripts use is not in it.
fn used_by(node: &Value) -> Vec<String> {
    let is_linked = |dependency: &&Value| {
        let kinds = dependency["dep_kinds"].as_array();
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
    };
    let dependencies = node["deps"].as_array().into_iter().flatten();
    dependencies.filter(is_linked).map(|dependency| text(&dependency["pkg"])).collect()
}

fn linked_crate(package: &Value, uses: Vec<(String, String)>) -> anyhow::Result<LinkedCrate> {
    let (name, version) = named(package);
    let manifest = PathBuf::from(text(&package["manifest_path"]));
    let stated = |key: &str| package[key].as_str().map(str::to_owned);
    Ok(LinkedCrate {
        name,
        version,
        // The slash is the older form, before SPDX expressions.
        license: stated("license").map(|license| license.replace('/', " OR ")),
        repository: stated("repository"),
        directory: manifest.parent().context("a manifest is in a directory")?.to_owned(),
        is_ours: package["source"].is_null(),
        uses,
    })
}

fn named(package: &Value) -> (String, String) {
    (text(&package["name"]), text(&package["version"]))
}

/// The crates for this platform: those of others need not be on this machine.
fn metadata() -> anyhow::Result<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let platform = Command::new("rustc").args(["--print", "host-tuple"]).output()?;
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform"])
        .arg(String::from_utf8(platform.stdout)?.trim())
        .current_dir(workspace::root())
        .output()
        .context("failed to start cargo")?;
    if !output.status.success() {
        bail!("failed to list the crates: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
