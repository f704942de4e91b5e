//! Looking at files, directories and lines that a run made.

use std::ffi::OsString;
use std::path::Path;

use manifest::PreviousFile;

use super::live_state::{Divergence, LiveState};
use crate::component::{Dependent, Identity, nfs};
use crate::host::{Host, ProbeError};
use crate::step::lines;

/// Whether the path itself is a symbolic link, which no run makes.
fn is_link(host: &Host, path: &Path) -> bool {
    matches!(host.file_status(path), Ok(Some(found)) if found.is_symlink())
}

pub(super) fn observe_file(
    host: &Host,
    path: &Path,
    sha256: &str,
    previous: &PreviousFile,
) -> Result<LiveState, ProbeError> {
    if is_link(host, path) {
        return Ok(LiveState::Changed(Divergence::Link));
    }
    Ok(match (host.read(path)?, previous) {
        (None, PreviousFile::Absent) => LiveState::Absent,
        (None, _) => LiveState::Changed(Divergence::Removed),
        (Some(found), _) if manifest::sha256_hex(&found) == sha256 => match previous {
            PreviousFile::NotKept { .. } => LiveState::Changed(Divergence::PreviousNotKept),
            // Only the mode was changed, and it is back.
            PreviousFile::Text { content, mode }
                if found == content.as_bytes() && host.mode(path).ok().flatten() == Some(*mode) =>
            {
                LiveState::Absent
            }
            _ => LiveState::Unchanged,
        },
        (Some(found), PreviousFile::Text { content, .. }) if found == content.as_bytes() => LiveState::Absent,
        (Some(found), PreviousFile::NotKept { sha256 }) if manifest::sha256_hex(&found) == *sha256 => {
            LiveState::Absent
        }
        _ => LiveState::Changed(Divergence::OtherContent),
    })
}

/// Looks at the unit of a service, of which the run knows the checksum once it has written it. `former` are the unit and the
/// file of its environment before.
pub(super) fn observe_unit(
    host: &Host,
    name: &str,
    sha256: Option<&str>,
    former: [&PreviousFile; 2],
) -> Result<LiveState, ProbeError> {
    let path = format!("/etc/systemd/system/{name}.service");
    let path = Path::new(&path);
    if is_link(host, path) {
        return Ok(LiveState::Changed(Divergence::Link));
    }
    let (unit, environment) = (host.read(path)?, host.read(&path.with_extension("service.env"))?);
    let as_before = [&unit, &environment]
        .into_iter()
        .zip(former)
        .all(|(found, former)| is_former(found.as_deref(), former));
    let found = unit.map(|unit| manifest::sha256_hex(&unit));
    Ok(match (found, sha256, former) {
        _ if as_before => LiveState::Absent,
        (None, _, [PreviousFile::Absent, _]) => LiveState::Absent,
        (None, ..) => LiveState::Changed(Divergence::Removed),
        // Nobody is asked to put back what there never was; its component says what to do.
        (_, _, [PreviousFile::Absent, _]) => LiveState::Unchanged,
        (..) if former.iter().any(|file| matches!(file, PreviousFile::NotKept { .. })) => {
            LiveState::Changed(Divergence::PreviousNotKept)
        }
        (_, None, _) => LiveState::Unchanged,
        (Some(found), Some(written), _) if found == written => LiveState::Unchanged,
        _ => LiveState::Changed(Divergence::OtherContent),
    })
}

/// Whether what is found is what was there before.
fn is_former(found: Option<&[u8]>, former: &PreviousFile) -> bool {
    match (found, former) {
        (None, PreviousFile::Absent) => true,
        (Some(found), PreviousFile::Text { content, .. }) => found == content.as_bytes(),
        (Some(found), PreviousFile::NotKept { sha256 }) => manifest::sha256_hex(found) == *sha256,
        _ => false,
    }
}

pub(super) fn observe_dir(host: &Host, path: &Path) -> Result<LiveState, ProbeError> {
    let Some(found) = host.file_status(path)? else { return Ok(LiveState::Absent) };
    if !found.is_dir() {
        return Ok(LiveState::Changed(Divergence::NotADirectory));
    }
    let above = path.parent().map(|above| host.target_status(above)).transpose()?.flatten();
    if above.is_none_or(|above| above.device != found.device) {
        return Ok(LiveState::Changed(Divergence::MountPoint));
    }
    let entries = host.list(path)?;
    if entries.is_empty() {
        return Ok(LiveState::Unchanged);
    }
    let dependent = |entry: &OsString| {
        let path = path.join(entry);
        let name = path.display().to_string();
        Dependent { name, own: vec![Identity::Path(path)], with: Vec::new() }
    };
    Ok(LiveState::InUse(entries.iter().map(dependent).collect()))
}

pub(super) fn observe_block(
    host: &Host,
    path: &Path,
    marker: &str,
    sha256: &str,
    previous: Option<&str>,
) -> Result<LiveState, ProbeError> {
    if is_link(host, path) {
        return Ok(LiveState::Changed(Divergence::LinkForFile));
    }
    let text = host.read_text(path)?.unwrap_or_default();
    Ok(match (lines::find_block(&text, marker), previous) {
        (Some(found), _) if manifest::sha256_hex(found.as_bytes()) == sha256 => LiveState::Unchanged,
        (found, previous) if found == previous => LiveState::Absent,
        (None, _) => LiveState::Changed(Divergence::BlockRemoved),
        (Some(_), _) => LiveState::Changed(Divergence::BlockChanged),
    })
}

pub(super) fn observe_line(host: &Host, path: &Path, line: &str) -> Result<LiveState, ProbeError> {
    if is_link(host, path) {
        return Ok(LiveState::Changed(Divergence::LinkForFile));
    }
    let text = host.read_text(path)?.unwrap_or_default();
    // What the line is about is its first word: the directory of an export.
    let subject = |line: &str| line.split_whitespace().next().map(str::to_owned);
    let [folder, client] = nfs::export(line);
    let edited =
        |found: &str| subject(found) == subject(line) && folder.is_some() && nfs::mentions(found, client);
    Ok(match rows(&text).filter(|found| *found == line).count() {
        1 => LiveState::Unchanged,
        0 if rows(&text).any(edited) => LiveState::Changed(Divergence::LineChanged),
        0 => LiveState::Absent,
        _ => LiveState::Changed(Divergence::LineRepeated),
    })
}

/// The lines of a text without their line feeds, and otherwise to the byte.
fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').map(|row| row.strip_suffix('\n').unwrap_or(row))
}
