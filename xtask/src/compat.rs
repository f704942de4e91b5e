//! `cargo xtask compat`: what changed since the last release, whom it breaks, and which version it needs.

mod change;
mod coverage;
mod denylist;
mod place;
mod schemas;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, bail};
use schema::DocumentKind;
use serde_json::Value;

use crate::release::{self, Version};
use crate::{contract, files, output};
use change::{Breaks, Change, Level};

/// Name and text of each published file.
type Files = BTreeMap<String, String>;

/// Prints every difference, and fails unless the version was raised as the gravest demands.
pub(crate) fn run() -> anyhow::Result<()> {
    let Some(last) = release::all()?.pop() else {
        bail!("nothing is released yet: cargo xtask release-contract")
    };
    last.verify()?;
    let names = files::below(&last.folder)?;
    let old: Files = names
        .into_iter()
        .map(|name| Ok((name.clone(), fs::read_to_string(last.folder.join(name))?)))
        .collect::<anyhow::Result<_>>()?;
    let new: Files = contract::files().into_iter().map(|file| (file.path, file.contents)).collect();
    let changes = changes(&old, &new)?;
    let current = release::current()?;
    output::line(&format!("contract {current} against release {}: {} changes", last.version, changes.len()));
    for change in &changes {
        output::line(&change.to_string());
    }
    let needed = changes.iter().map(|change| change.level).max();
    judge(needed, last.version, current)?;
    output::line(&match needed {
        Some(level) => format!("a {level} change, and the version says so"),
        None => "nothing changed since".to_owned(),
    });
    Ok(())
}

/// Everything that differs between two sets of published files.
fn changes(old: &Files, new: &Files) -> anyhow::Result<Vec<Change>> {
    let json = |files: &Files, name: &str| -> anyhow::Result<Value> {
        let text = files.get(name).with_context(|| format!("{name} is not published"))?;
        serde_json::from_str(text).with_context(|| format!("{name} is no JSON"))
    };
    let mut changes = Vec::new();
    for kind in DocumentKind::ALL {
        let name = kind.schema_file();
        changes.extend(schemas::compare(name, &json(old, name)?, &json(new, name)?)?);
    }
    changes.extend(denylist::compare(&json(old, "denylist.json")?, &json(new, "denylist.json")?));
    // A contract that means the same in other words is still another text than the one that is frozen.
    let differs = |(name, text): &(&String, &String)| old.get(*name) != Some(*text);
    if changes.is_empty()
        && let Some((name, _)) = new.iter().find(differs)
    {
        changes.push(Change::new(name, "", "the text differs".to_owned(), Breaks::Nobody, None));
    }
    Ok(changes)
}

/// Whether `current` is raised enough above `released` for a change of level `needed`.
fn judge(needed: Option<Level>, released: Version, current: Version) -> anyhow::Result<()> {
    let raised = if current.major > released.major {
        Some(Level::Major)
    } else if current.major == released.major && current.minor > released.minor {
        Some(Level::Minor)
    } else if (current.major, current.minor) == (released.major, released.minor)
        && current.patch > released.patch
    {
        Some(Level::Patch)
    } else {
        None
    };
    if current < released {
        bail!("the contract is {current}, and {released} is released already");
    }
    if raised >= needed {
        return Ok(());
    }
    let Some(needed) = needed else { return Ok(()) };
    let next = match needed {
        Level::Major => Version { major: released.major + 1, minor: 0, patch: 0 },
        Level::Minor => Version { minor: released.minor + 1, patch: 0, ..released },
        Level::Patch => Version { patch: released.patch + 1, ..released },
    };
    bail!("a {needed} change needs CONTRACT_VERSION {next} or higher in schema/src/lib.rs; it is {current}")
}
