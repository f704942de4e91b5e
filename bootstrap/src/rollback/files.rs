//! Looking at files, folders and lines that a run made, and taking them back.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use manifest::{PreviousFile, Undo};

use super::error::UndoError;
use super::live_state::{Dependent, Identity, LiveState};
use crate::host::{FileError, Host};
use crate::step::lines;

/// A look at something that failed is an unknown, never a nothing.
fn seen(live_state: Result<LiveState, FileError>) -> LiveState {
    live_state.unwrap_or_else(|error| LiveState::Unknown(error.to_string()))
}

fn changed(text: impl Into<String>) -> LiveState {
    LiveState::Changed(text.into())
}

/// Whether the path itself is a symbolic link, which no run makes.
fn is_link(host: &Host, path: &Path) -> bool {
    fs::symlink_metadata(host.at(path)).is_ok_and(|found| found.is_symlink())
}

pub(super) fn observe_file(host: &Host, path: &Path, sha256: &str, previous: &PreviousFile) -> LiveState {
    if is_link(host, path) {
        return changed("a symbolic link is in its place");
    }
    seen(host.read(path).map(|found| match (found, previous) {
        (None, PreviousFile::Absent) => LiveState::Absent,
        (None, _) => changed("it was removed since, and the run had found a file there"),
        (Some(found), _) if Undo::sha256(&found) == sha256 => match previous {
            PreviousFile::NotKept { .. } => changed("what was there before the run was not kept"),
            // Only the mode was changed, and it is back.
            PreviousFile::Text { content, mode }
                if found == content.as_bytes() && host.mode(path).ok().flatten() == Some(*mode) =>
            {
                LiveState::Absent
            }
            _ => LiveState::Unchanged,
        },
        (Some(found), PreviousFile::Text { content, .. }) if found == content.as_bytes() => LiveState::Absent,
        (Some(found), PreviousFile::NotKept { sha256 }) if Undo::sha256(&found) == *sha256 => {
            LiveState::Absent
        }
        _ => changed("its content is not what the run wrote"),
    }))
}

pub(super) fn undo_file(host: &Host, path: &Path, previous: &PreviousFile) -> Result<(), UndoError> {
    match previous {
        PreviousFile::Text { content, mode } => {
            host.write(path, content, Some(*mode))?;
        }
        PreviousFile::Absent => host.remove_file(path)?,
        PreviousFile::NotKept { .. } => {}
    }
    Ok(())
}

pub(super) fn observe_folder(host: &Host, path: &Path) -> LiveState {
    let found = match fs::symlink_metadata(host.at(path)) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return LiveState::Absent,
        Err(error) => return LiveState::Unknown(format!("failed to look at {}: {error}", path.display())),
    };
    if !found.is_dir() {
        return changed("it is not a folder any more");
    }
    let above = path.parent().and_then(|above| fs::metadata(host.at(above)).ok());
    if above.is_none_or(|above| above.dev() != found.dev()) {
        return changed("a file system is mounted on it");
    }
    let listed = fs::read_dir(host.at(path)).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match listed {
        Ok(entries) if entries.is_empty() => LiveState::Unchanged,
        Ok(entries) => {
            let dependent = |entry: &fs::DirEntry| {
                let path = path.join(entry.file_name());
                let name = path.display().to_string();
                Dependent { name, own: vec![Identity::Path(path)], with: Vec::new() }
            };
            LiveState::InUse(entries.iter().map(dependent).collect())
        }
        Err(error) => LiveState::Unknown(format!("failed to list {}: {error}", path.display())),
    }
}

pub(super) fn undo_folder(host: &Host, path: &Path) -> Result<(), UndoError> {
    if host.remove_empty_dir(path)? {
        return Ok(());
    }
    Err(UndoError::State(format!("{} is not empty any more", path.display())))
}

pub(super) fn observe_block(
    host: &Host,
    path: &Path,
    marker: &str,
    sha256: &str,
    previous: Option<&str>,
) -> LiveState {
    if is_link(host, path) {
        return changed("a symbolic link is in the place of the file");
    }
    seen(host.read_text(path).map(|text| {
        let text = text.unwrap_or_default();
        match (lines::find_block(&text, marker), previous) {
            (Some(found), _) if Undo::sha256(found.as_bytes()) == sha256 => LiveState::Unchanged,
            (found, previous) if found == previous => LiveState::Absent,
            (None, _) => changed("the block was removed since, and the run had found an older one"),
            (Some(_), _) => changed("the block was changed since"),
        }
    }))
}

pub(super) fn undo_block(
    host: &Host,
    path: &Path,
    marker: &str,
    previous: Option<&str>,
) -> Result<(), UndoError> {
    let Some(text) = host.read_text(path)? else { return Ok(()) };
    let Some(found) = lines::find_block(&text, marker) else { return Ok(()) };
    let restored = text.replacen(found, previous.unwrap_or_default(), 1);
    host.write(path, &restored, None)?;
    Ok(())
}

pub(super) fn observe_line(host: &Host, path: &Path, line: &str) -> LiveState {
    if is_link(host, path) {
        return changed("a symbolic link is in the place of the file");
    }
    seen(host.read_text(path).map(|text| {
        let text = text.unwrap_or_default();
        // What the line is about is its first word: the folder of an export.
        let subject = |line: &str| line.split_whitespace().next().map(str::to_owned);
        let [folder, client] = export(line);
        let edited =
            |found: &str| subject(found) == subject(line) && folder.is_some() && mentions(found, client);
        match rows(&text).filter(|found| *found == line).count() {
            1 => LiveState::Unchanged,
            0 if rows(&text).any(edited) => changed("the line was changed since"),
            0 => LiveState::Absent,
            _ => changed("the line is there more than once"),
        }
    }))
}

pub(super) fn undo_line(host: &Host, path: &Path, line: &str) -> Result<(), UndoError> {
    let Some(text) = host.read_text(path)? else { return Ok(()) };
    let kept: String = text
        .split_inclusive('\n')
        .filter(|found| found.strip_suffix('\n').unwrap_or(found) != line)
        .collect();
    host.write(path, &kept, None)?;
    Ok(())
}

/// The lines of a text without their line feeds, and otherwise to the byte.
fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').map(|row| row.strip_suffix('\n').unwrap_or(row))
}

/// Folder and client of an export line that a run wrote.
pub(super) fn export(line: &str) -> [Option<&str>; 2] {
    let mut words = line.split_whitespace();
    [words.next(), words.next().and_then(|client| client.split('(').next())]
}

/// Whether a line exports something to exactly this client.
pub(super) fn mentions(line: &str, client: Option<&str>) -> bool {
    let line = line.split('#').next().unwrap_or_default();
    client.is_some() && line.split_whitespace().skip(1).any(|word| word.split('(').next() == client)
}
