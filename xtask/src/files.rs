//! Where the files of the repository are.

use std::path::{Path, PathBuf};

/// The folder that holds the workspace, whatever folder the command was started in.
pub(crate) fn root() -> PathBuf {
    let manifest_dir = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest_dir.parent().map(PathBuf::from).unwrap_or(manifest_dir)
}

/// Everything about the contract, written by hand or generated.
pub(crate) fn contract() -> PathBuf {
    root().join("schema/contract")
}

/// Today's contract as it is committed.
pub(crate) fn published() -> PathBuf {
    contract().join(format!("v{}", schema::SCHEMA_VERSION))
}

/// The frozen releases, one folder a version.
pub(crate) fn released() -> PathBuf {
    contract().join("released")
}

/// The names of the files below `folder`, with `/` between the parts, sorted.
pub(crate) fn below(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            names.extend(below(&entry.path())?.into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
