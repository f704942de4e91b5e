//! `cargo xtask schema`: writes the published contract, or checks that what is committed is what the types say.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::contract::{self, PublishedFile};
use anyhow::{Context, bail};

use crate::{files, output};

/// Subfolders that are generated as a whole: a file in them that the types do not make is stale.
const GENERATED_FOLDERS: [&str; 2] = ["", "vectors"];

/// Written by hand beside the generated files.
const HAND_WRITTEN: [&str; 1] = ["README.md"];

/// Writes every published file and removes stale ones.
pub(crate) fn write() -> anyhow::Result<()> {
    let folder = files::published();
    let published = sound_files()?;
    for stale in stale(&folder, &published)? {
        fs::remove_file(folder.join(&stale)).with_context(|| format!("failed to remove {stale}"))?;
    }
    for file in &published {
        let path = folder.join(&file.path);
        let parent = path.parent().context("a published file has a folder")?;
        fs::create_dir_all(parent).with_context(|| format!("failed to create {}", parent.display()))?;
        fs::write(&path, &file.contents).with_context(|| format!("failed to write {}", path.display()))?;
    }
    output::line(&format!(
        "wrote {} files below schema/contract/v{}",
        published.len(),
        schema::SCHEMA_VERSION
    ));
    Ok(())
}

/// Fails if a committed file differs from what the types make, is missing, or is stale.
pub(crate) fn check() -> anyhow::Result<()> {
    let folder = files::published();
    let published = sound_files()?;
    let mut drift: Vec<String> = stale(&folder, &published)?
        .into_iter()
        .map(|path| format!("{path}: not generated any more"))
        .collect();
    for file in &published {
        match fs::read_to_string(folder.join(&file.path)) {
            Ok(committed) if committed == file.contents => {}
            Ok(_) => drift.push(format!("{}: differs from the types", file.path)),
            Err(error) => drift.push(format!("{}: {error}", file.path)),
        }
    }
    if drift.is_empty() {
        output::line(&format!("{} files are what the types say", published.len()));
        return Ok(());
    }
    bail!(
        "the published contract has drifted from the types:\n  {}\nmend it with: cargo xtask schema",
        drift.join("\n  ")
    )
}

/// The generated files. A contract that has room for free text is neither written nor taken for up to date.
fn sound_files() -> anyhow::Result<Vec<PublishedFile>> {
    let faults = contract::faults_of_all();
    if faults.is_empty() {
        return Ok(contract::files());
    }
    bail!("the types break a rule of the contract:\n  {}", faults.join("\n  "))
}

fn stale(folder: &Path, published: &[PublishedFile]) -> anyhow::Result<Vec<String>> {
    let known: BTreeSet<&str> = published.iter().map(|file| file.path.as_str()).chain(HAND_WRITTEN).collect();
    let mut stale = Vec::new();
    for subfolder in GENERATED_FOLDERS {
        let Ok(entries) = fs::read_dir(folder.join(subfolder)) else { continue };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if subfolder.is_empty() { name } else { format!("{subfolder}/{name}") };
            if entry.file_type()?.is_file() && !known.contains(path.as_str()) {
                stale.push(path);
            }
        }
    }
    stale.sort();
    Ok(stale)
}
