//! `cargo xtask schema`: writes the published contract, or checks that the committed files match the types.
//!
//! Everything that receivers use is generated here from the types and tables of `schema`: the schemas, the denylist,
//! the vectors, the reference and the index. The generation is a chore and not a part of `schema`, so that the program
//! links none of it; it reads the committed files, which this check compares with the types.

mod answers;
mod codegen;
mod file;
mod generate;
mod identifying;
mod leaf;
mod lint;
mod openapi;
mod reference;
mod size;
mod sql;
mod vectors;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use schema::{DocumentKind, denylist};

use crate::workspace;
use file::{PublishedFile, index_of};
use generate::schema_of;

pub(crate) use file::sha256;

/// Directories that are generated as a whole: a file in them that the types do not make is stale. No others are checked,
/// so that a mistake in a path cannot remove what people wrote.
const GENERATED_DIRECTORIES: [&str; 4] = ["", "codegen", "sql", "vectors"];

/// Written by hand beside the generated files.
const HAND_WRITTEN: [&str; 1] = ["README.md"];

/// Writes every published file and removes stale ones.
pub(crate) fn write_all() -> anyhow::Result<()> {
    let directory = workspace::published();
    let published = sound_files()?;
    for stale in stale(&directory, &published)? {
        fs::remove_file(directory.join(&stale)).with_context(|| format!("failed to remove {stale}"))?;
    }
    for file in &published {
        let path = directory.join(&file.path);
        let parent = path.parent().context("a published file has a directory")?;
        fs::create_dir_all(parent).with_context(|| format!("failed to create {}", parent.display()))?;
        fs::write(&path, &file.contents).with_context(|| format!("failed to write {}", path.display()))?;
    }
    workspace::print_line(&format!(
        "wrote {} files below schema/contract/v{}",
        published.len(),
        schema::SCHEMA_VERSION
    ));
    Ok(())
}

/// Fails if a committed file differs from what the types make, is missing, or is stale. The whole texts are compared and
/// not their checksums: the index that holds the checksums is generated as well.
pub(crate) fn check() -> anyhow::Result<()> {
    let directory = workspace::published();
    let published = sound_files()?;
    let mut drift: Vec<String> = stale(&directory, &published)?
        .into_iter()
        .map(|path| format!("{path}: not generated any more"))
        .collect();
    for file in &published {
        match fs::read_to_string(directory.join(&file.path)) {
            Ok(committed) if committed == file.contents => {}
            Ok(_) => drift.push(format!("{}: differs from the types", file.path)),
            Err(error) => drift.push(format!("{}: {error}", file.path)),
        }
    }
    if drift.is_empty() {
        workspace::print_line(&format!("{} files match the types", published.len()));
        return Ok(());
    }
    bail!(
        "the published contract has drifted from the types:\n  {}\nmend it with: cargo xtask schema",
        drift.join("\n  ")
    )
}

/// The generated files. A contract that has room for free text is neither written nor accepted as up to date.
pub(crate) fn sound_files() -> anyhow::Result<Vec<PublishedFile>> {
    let faults = lint::faults_of_all();
    if faults.is_empty() {
        return Ok(files());
    }
    bail!("the types break a rule of the contract:\n  {}", faults.join("\n  "))
}

fn stale(directory: &Path, published: &[PublishedFile]) -> anyhow::Result<Vec<String>> {
    let known: BTreeSet<&str> = published.iter().map(|file| file.path.as_str()).chain(HAND_WRITTEN).collect();
    let mut stale = Vec::new();
    for subdirectory in GENERATED_DIRECTORIES {
        let Ok(entries) = fs::read_dir(directory.join(subdirectory)) else { continue };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if subdirectory.is_empty() { name } else { format!("{subdirectory}/{name}") };
            if entry.file_type()?.is_file() && !known.contains(path.as_str()) {
                stale.push(path);
            }
        }
    }
    stale.sort();
    Ok(stale)
}

/// Every generated file, the index last.
fn files() -> Vec<PublishedFile> {
    let mut files: Vec<PublishedFile> = DocumentKind::ALL
        .into_iter()
        .map(|kind| PublishedFile::json(kind.schema_file(), &schema_of(kind)))
        .collect();
    files.extend(codegen::files());
    files.push(PublishedFile::json("openapi.json", &openapi::document()));
    files.push(PublishedFile::json("denylist.json", &denylist::published()));
    files.extend(sql::files());
    files.extend(vectors::files());
    files.push(PublishedFile { path: "CONTRACT.md".to_owned(), contents: reference::markdown() });
    // The index lists the others and not itself: a file cannot hold its own checksum.
    files.push(PublishedFile::json("index.json", &index_of(&files)));
    files
}
