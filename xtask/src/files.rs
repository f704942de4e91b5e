//! Where the files of the repository are.

use std::path::PathBuf;

/// The folder that holds the workspace, whatever folder the command was started in.
pub(crate) fn root() -> PathBuf {
    let manifest_dir = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest_dir.parent().map(PathBuf::from).unwrap_or(manifest_dir)
}
