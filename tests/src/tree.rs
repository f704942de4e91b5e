//! What is in a folder, to tell whether anything changed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Kind and permission bits.
    pub mode: u32,
    /// User id of the owner.
    pub uid: u32,
    /// Group id of the owner.
    pub gid: u32,
    /// What it holds; empty for a folder.
    pub content: Vec<u8>,
}

/// Everything below `root`, by its path from there, without folders called `except`.
pub fn tree(root: &Path, except: Option<&str>) -> BTreeMap<PathBuf, Entry> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if except.is_some_and(|name| path.ends_with(name)) {
                continue;
            }
            // A delivery may remove an entry while this looks.
            let Ok(data) = path.symlink_metadata() else { continue };
            let content = if data.is_file() { fs::read(&path).unwrap_or_default() } else { Vec::new() };
            if data.is_dir() {
                folders.push(path.clone());
            }
            let relative = path.strip_prefix(root).expect("below").to_owned();
            found.insert(relative, Entry { mode: data.mode(), uid: data.uid(), gid: data.gid(), content });
        }
    }
    found
}
