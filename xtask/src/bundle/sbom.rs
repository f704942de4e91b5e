//! The software bill of materials: every crate that is linked into the program, as `Cargo.lock` pins it (`CycloneDX` 1.6).

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::workspace;

/// The bill of the program with this version. It has no serial number and no time: the same crates make the same bill.
pub(super) fn document(version: &str) -> anyhow::Result<Value> {
    let metadata = metadata()?;
    let list = |value: &Value| value.as_array().cloned().context("cargo metadata lists it");
    let packages: BTreeMap<String, Value> =
        list(&metadata["packages"])?.into_iter().map(|package| (text(&package["id"]), package)).collect();
    let nodes: BTreeMap<String, Value> =
        list(&metadata["resolve"]["nodes"])?.into_iter().map(|node| (text(&node["id"]), node)).collect();
    let root = packages.values().find(|package| package["name"] == "bootstrap").context("our program")?;
    let mut linked = BTreeMap::new();
    let mut open = vec![text(&root["id"])];
    while let Some(id) = open.pop() {
        let (Some(package), Some(node)) = (packages.get(&id), nodes.get(&id)) else { continue };
        let key = (text(&package["name"]), text(&package["version"]));
        if linked.insert(key, component(package)).is_some() {
            continue;
        }
        // What only tests or build scripts use is not in the program.
        let is_linked = |dependency: &&Value| {
            dependency["dep_kinds"]
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
        };
        let dependencies = node["deps"].as_array().into_iter().flatten();
        open.extend(dependencies.filter(is_linked).map(|dependency| text(&dependency["pkg"])));
    }
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": { "type": "application", "name": "productive-k3s-core", "version": version } },
        "components": linked.into_values().collect::<Vec<_>>(),
    }))
}

fn component(package: &Value) -> Value {
    let (name, version) = (text(&package["name"]), text(&package["version"]));
    let mut component = json!({
        "type": "library",
        "name": name,
        "version": version,
        "purl": format!("pkg:cargo/{name}@{version}"),
    });
    if let Some(license) = package["license"].as_str() {
        component["licenses"] = json!([{ "expression": license }]);
    }
    component
}

fn metadata() -> anyhow::Result<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let platform = Command::new("rustc").args(["--print", "host-tuple"]).output()?;
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform"])
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
