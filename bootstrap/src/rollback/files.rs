//! Looking at files, folders and lines that a run made, and taking them back.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use manifest::PreviousFile;

use super::error::UndoError;
use super::sight::{Mark, Sight, Tenant};
use crate::host::{FileError, Host};
use crate::step::lines;

/// A look at something that failed is an unknown, never a nothing.
fn seen(sight: Result<Sight, FileError>) -> Sight {
    sight.unwrap_or_else(|error| Sight::Unknown(error.to_string()))
}

fn changed(text: impl Into<String>) -> Sight {
    Sight::Changed(text.into())
}

/// Whether the path itself is a symbolic link, which no run makes.
fn is_link(host: &Host, path: &Path) -> bool {
    fs::symlink_metadata(host.at(path)).is_ok_and(|found| found.is_symlink())
}

pub(super) fn look_at_file(host: &Host, path: &Path, sha256: &str, previous: &PreviousFile) -> Sight {
    if is_link(host, path) {
        return changed("a symbolic link is in its place");
    }
    seen(host.read(path).map(|found| match (found, previous) {
        (None, PreviousFile::Absent) => Sight::Gone,
        (None, _) => changed("it was removed since, and the run had found a file there"),
        (Some(found), _) if manifest::sha256_hex(&found) == sha256 => match previous {
            PreviousFile::NotKept { .. } => changed("what was there before the run was not kept"),
            // Only the mode was changed, and it is back.
            PreviousFile::Text { content, mode }
                if found == content.as_bytes() && host.mode(path).ok().flatten() == Some(*mode) =>
            {
                Sight::Gone
            }
            _ => Sight::Ours,
        },
        (Some(found), PreviousFile::Text { content, .. }) if found == content.as_bytes() => Sight::Gone,
        (Some(found), PreviousFile::NotKept { sha256 }) if manifest::sha256_hex(&found) == *sha256 => {
            Sight::Gone
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

pub(super) fn look_at_folder(host: &Host, path: &Path) -> Sight {
    let found = match fs::symlink_metadata(host.at(path)) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Sight::Gone,
        Err(error) => return Sight::Unknown(format!("failed to look at {}: {error}", path.display())),
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
        Ok(entries) if entries.is_empty() => Sight::Ours,
        Ok(entries) => {
            let tenant = |entry: &fs::DirEntry| {
                let path = path.join(entry.file_name());
                let name = path.display().to_string();
                Tenant { name, own: vec![Mark::Path(path)], with: Vec::new() }
            };
            Sight::Inhabited(entries.iter().map(tenant).collect())
        }
        Err(error) => Sight::Unknown(format!("failed to list {}: {error}", path.display())),
    }
}

pub(super) fn undo_folder(host: &Host, path: &Path) -> Result<(), UndoError> {
    if host.remove_empty_dir(path)? {
        return Ok(());
    }
    Err(UndoError::State(format!("{} is not empty any more", path.display())))
}

pub(super) fn look_at_block(
    host: &Host,
    path: &Path,
    marker: &str,
    sha256: &str,
    previous: Option<&str>,
) -> Sight {
    if is_link(host, path) {
        return changed("a symbolic link is in the place of the file");
    }
    seen(host.read_text(path).map(|text| {
        let text = text.unwrap_or_default();
        match (lines::find_block(&text, marker), previous) {
            (Some(found), _) if manifest::sha256_hex(found.as_bytes()) == sha256 => Sight::Ours,
            (found, previous) if found == previous => Sight::Gone,
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

pub(super) fn look_at_line(host: &Host, path: &Path, line: &str) -> Sight {
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
            1 => Sight::Ours,
            0 if rows(&text).any(edited) => changed("the line was changed since"),
            0 => Sight::Gone,
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
