//! The software bill of materials: every crate that is linked into a program, as `Cargo.lock` pins it (`CycloneDX` 1.6).

use serde_json::{Value, json};

use crate::crates::{self, LinkedCrate};

/// The bill of the program of the package `root`, released as `product` with this version. It has no serial number and no
/// time: the same crates make the same bill.
pub(crate) fn document(root: &str, product: &str, version: &str) -> anyhow::Result<Value> {
    let linked = crates::linked(root)?;
    let (this, others): (Vec<_>, Vec<_>) = linked.iter().partition(|linked| linked.name == root);
    let itself = format!("pkg:generic/{product}@{version}");
    let application = json!({ "type": "application", "bom-ref": itself, "name": product, "version": version,
        "licenses": [{ "expression": "Apache-2.0" }] });
    let mut dependencies: Vec<Value> = this.iter().map(|this| uses(&itself, this)).collect();
    dependencies.extend(others.iter().map(|other| uses(&other.purl(), other)));
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": application },
        "components": others.iter().map(|other| component(other)).collect::<Vec<_>>(),
        "dependencies": dependencies,
    }))
}

fn uses(reference: &str, linked: &LinkedCrate) -> Value {
    let used: Vec<String> = linked.uses.iter().map(|(name, version)| crates::purl(name, version)).collect();
    json!({ "ref": reference, "dependsOn": used })
}

fn component(linked: &LinkedCrate) -> Value {
    let purl = linked.purl();
    let mut component = json!({
        "type": "library",
        "bom-ref": purl,
        "name": linked.name,
        "version": linked.version,
        "purl": purl,
    });
    if let Some(license) = &linked.license {
        component["licenses"] = json!([{ "expression": license }]);
    }
    component
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_bill_names_each_crate_once_and_nothing_that_it_does_not_list() {
        for (root, product) in [("bootstrap", "core"), ("receiver", "receiver")] {
            let bill = document(root, product, "1.2.3").expect("cargo knows the crates");
            let list = |value: &Value| value.as_array().expect("a list").clone();
            let components = list(&bill["components"]);
            let names: BTreeSet<String> = components.iter().map(|one| one["bom-ref"].to_string()).collect();
            assert_eq!(names.len(), components.len(), "a crate is listed twice");
            for dependency in list(&bill["dependencies"]) {
                let used = list(&dependency["dependsOn"]);
                assert!(used.iter().all(|used| names.contains(&used.to_string())), "{dependency}");
            }
            assert!(components.iter().all(|component| !component["licenses"].is_null()), "{root}");
        }
    }
}
