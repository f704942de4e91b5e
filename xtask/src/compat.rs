//! `cargo xtask compat`: what changed since the last release, which side it breaks, and which version it needs; and
//! `cargo xtask release-contract`, which freezes a contract that passed.
//!
//! Only the last release is compared. Each one was compared with the one before it, so within a first number what the
//! last one accepts includes what all accepted.

mod change;
mod coverage;
mod denylist;
mod place;
mod schemas;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use schema::DocumentKind;
use serde_json::Value;

use crate::{contract, releases, workspace};
use change::{Breaks, ContractChange, judge};

/// Name and text of each published file.
type FileTexts = BTreeMap<String, String>;

/// Prints every difference, and fails unless the version was raised as the gravest demands.
pub(crate) fn run() -> anyhow::Result<()> {
    let Some(last) = releases::all()?.pop() else {
        bail!("nothing is released yet: cargo xtask release-contract")
    };
    // A comparison with an edited release would prove nothing.
    last.verify()?;
    let names = workspace::files_below(&last.directory)?;
    let old: FileTexts = names
        .into_iter()
        .map(|name| Ok((name.clone(), fs::read_to_string(last.directory.join(name))?)))
        .collect::<anyhow::Result<_>>()?;
    // From the types and not from the committed files: a change is judged before it is written.
    let new: FileTexts =
        contract::sound_files()?.into_iter().map(|file| (file.path, file.contents)).collect();
    let changes = changes(&old, &new)?;
    let current = releases::current()?;
    workspace::print_line(&format!(
        "contract {current} against release {}: {} changes",
        last.version,
        changes.len()
    ));
    for change in &changes {
        workspace::print_line(&change.to_string());
    }
    let needed = changes.iter().map(|change| change.level).max();
    judge(needed, last.version, current)?;
    workspace::print_line(&match needed {
        Some(level) => format!("a {level} change, and the version is raised accordingly"),
        None => "nothing changed since".to_owned(),
    });
    Ok(())
}

/// Everything that differs between two sets of published files.
fn changes(old: &FileTexts, new: &FileTexts) -> anyhow::Result<Vec<ContractChange>> {
    let json = |files: &FileTexts, name: &str| -> anyhow::Result<Value> {
        let text = files.get(name).with_context(|| format!("{name} is not published"))?;
        serde_json::from_str(text).with_context(|| format!("{name} is not JSON"))
    };
    let mut changes = Vec::new();
    for kind in DocumentKind::ALL {
        let name = kind.schema_file();
        changes.extend(schemas::compare(name, &json(old, name)?, &json(new, name)?)?);
    }
    changes.extend(denylist::compare(&json(old, "denylist.json")?, &json(new, "denylist.json")?));
    // A contract with the same meaning in other words is still another text than the frozen one.
    let differs = |(name, text): &(&String, &String)| old.get(*name) != Some(*text);
    if changes.is_empty()
        && let Some((name, _)) = new.iter().find(differs)
    {
        changes.push(ContractChange::new(name, "", "the text differs".to_owned(), Breaks::Nobody, None));
    }
    Ok(changes)
}

/// `cargo xtask release-contract`: copies today's contract to the directory of its version.
pub(crate) fn freeze() -> anyhow::Result<()> {
    // The committed files are frozen, so they must be up to date.
    contract::check()?;
    let version = releases::current()?;
    let directory = workspace::released().join(version.to_string());
    let source = workspace::published();
    if directory.exists() {
        if is_same(&source, &directory)? {
            workspace::print_line(&format!("{version} is released already, exactly as it is today"));
            return Ok(());
        }
        bail!(
            "{version} is released and frozen: raise CONTRACT_VERSION in schema/src/version.rs, then `cargo xtask schema`"
        );
    }
    if !releases::all()?.is_empty() {
        run()?;
    }
    for name in workspace::files_below(&source)? {
        let target = directory.join(&name);
        fs::create_dir_all(target.parent().unwrap_or(&directory))?;
        fs::copy(source.join(&name), &target).with_context(|| format!("failed to freeze {name}"))?;
    }
    workspace::print_line(&format!("{version} is frozen below schema/contract/released; commit it"));
    Ok(())
}

fn is_same(left: &Path, right: &Path) -> anyhow::Result<bool> {
    let names = workspace::files_below(left)?;
    if names != workspace::files_below(right)? {
        return Ok(false);
    }
    for name in names {
        if fs::read(left.join(&name))? != fs::read(right.join(&name))? {
            return Ok(false);
        }
    }
    Ok(true)
}
