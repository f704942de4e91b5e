//! What every chore needs: the paths of the files of the repository, and output for the caller.

use std::path::{Path, PathBuf};

/// The directory that holds the workspace, whatever directory the command was started in.
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

/// The frozen releases, one directory for each version.
pub(crate) fn released() -> PathBuf {
    contract().join("released")
}

/// The names of the files below `directory`, with `/` between the parts, sorted.
pub(crate) fn files_below(directory: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            names.extend(files_below(&entry.path())?.into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Prints one line of the result of a chore.
#[expect(clippy::print_stdout, reason = "the result of a chore is for its caller")]
pub(crate) fn print_line(text: &str) {
    println!("{text}");
}
