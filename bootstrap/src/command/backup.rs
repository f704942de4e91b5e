//! `bootstrap backup`: files of the host and objects of the cluster in a directory and an archive, for this user alone.

use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use privacy::disk::{DiskError, PrivateDir};
use schema::UtcSeconds;
use serde::Serialize;

use super::diagnostic::Diagnostic;
use super::error::Error;
use super::inputs;
use crate::backup::{Backup, BackupFile, SecretsInBackup, collect};
use crate::cli::BackupArgs;
use crate::host::{Command, Host, RootAccess, RunLog};
use crate::run::now;
use crate::terminal::{Printer, is_interactive};

/// Packing some megabytes takes a second, on a disk that is asleep a little longer.
const PACKING: Duration = Duration::from_mins(10);

/// What a backup holds: the JSON document of the command, and `backup.json` in the backup.
#[derive(Debug, Serialize)]
struct BackupDocument<'a> {
    format: &'static str,
    created_at: UtcSeconds,
    secrets: SecretsInBackup,
    files: Vec<SavedFile<'a>>,
    excluded: &'a [String],
    problems: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archive: Option<&'a Path>,
}

/// A file of the backup.
#[derive(Debug, Serialize)]
struct SavedFile<'a> {
    path: &'a str,
    /// The permission bits that it had, as chmod(1) takes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
}

pub(super) fn run(args: &BackupArgs, printer: &mut Printer) -> Result<(), Diagnostic> {
    let at = now();
    let directory = args.directory.clone().unwrap_or_else(|| default_name(at).into());
    // Told as a whole: whoever called may be in another directory than this process.
    let directory = std::path::absolute(&directory).unwrap_or(directory);
    let mut host = Host::this_machine(RunLog::discard());
    // Most of it is root's to read. What cannot be read is listed.
    let _ = host.acquire_root(is_interactive());
    let secrets = if args.include_secrets { SecretsInBackup::Included } else { SecretsInBackup::Excluded };
    let backup = collect(&host, secrets);
    let archive = archive_of(&directory);
    let mut document = document(&backup, secrets, at);
    if !args.dry_run {
        let place = BackupPlace::open(&host, &directory)?;
        place.write(&backup, &document).map_err(Error::Unwritable)?;
        place.pack(&host)?;
        (document.directory, document.archive) = (Some(directory.as_path()), Some(archive.as_path()));
    }
    if printer.is_json() {
        printer.document(&document);
    } else {
        show(&document, args.dry_run, printer);
    }
    inputs::warn_all(&backup.problems, printer);
    if backup.problems.is_empty() {
        return Ok(());
    }
    Err(Diagnostic::from(Error::IncompleteBackup { missed: backup.problems.len() }).after_document())
}

fn document(backup: &Backup, secrets: SecretsInBackup, created_at: UtcSeconds) -> BackupDocument<'_> {
    BackupDocument {
        format: "backup/v1",
        created_at,
        secrets,
        files: backup.files.iter().map(saved).collect(),
        excluded: &backup.excluded,
        problems: &backup.problems,
        directory: None,
        archive: None,
    }
}

fn saved(file: &BackupFile) -> SavedFile<'_> {
    SavedFile { path: &file.path, mode: file.mode.map(|mode| format!("{mode:04o}")) }
}

/// The name of a backup that is given none.
pub(super) fn default_name(at: UtcSeconds) -> String {
    let time: String = at.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    format!("k3s-backup-{time}")
}

fn archive_of(directory: &Path) -> PathBuf {
    let mut name = directory.as_os_str().to_owned();
    name.push(".tar.gz");
    PathBuf::from(name)
}

/// Where a backup goes. The directory above it is held open: whatever happens to its path meanwhile, root reads and writes
/// nothing elsewhere.
struct BackupPlace {
    above: PrivateDir,
    name: String,
}

impl BackupPlace {
    /// # Errors
    /// The directory above cannot be made or used; where the backup holds what root has read, also that another user could
    /// put something else in its place.
    fn open(host: &Host, directory: &Path) -> Result<Self, Error> {
        let invalid = || Error::Unwritable(DiskError::InvalidName { path: directory.to_owned() });
        let name = directory.file_name().and_then(|name| name.to_str()).ok_or_else(invalid)?.to_owned();
        let above = directory.parent().ok_or_else(invalid)?;
        let above = match host.root_access() {
            RootAccess::Plain => PrivateDir::create(above),
            RootAccess::Root | RootAccess::Sudo => PrivateDir::create_trusted(above),
        };
        Ok(Self { above: above.map_err(Error::Unwritable)?, name })
    }

    /// Writes the files with mode 0600 into directories of mode 0700.
    fn write(&self, backup: &Backup, document: &BackupDocument<'_>) -> Result<(), DiskError> {
        let root = self.above.create_dir(&self.name)?;
        if !root.is_empty()? {
            return Err(DiskError::Exists { path: root.path().to_owned() });
        }
        for BackupFile { path, bytes, .. } in &backup.files {
            put(&root, path, bytes)?;
        }
        // Our documents have string keys and no serializer that fails.
        root.write_atomic("backup.json", &serde_json::to_vec_pretty(document).unwrap_or_default())
    }

    /// Packs what was written into an archive beside it. tar gets both by what is open here, and not by their paths.
    fn pack(&self, host: &Host) -> Result<(), Error> {
        let archive = format!("{}.tar.gz", self.name);
        let file = self.above.create_file(&archive).map_err(Error::Unwritable)?;
        let held = self.above.to_fd().map_err(Error::Unwritable)?;
        let above = format!("/proc/{}/fd/{}", std::process::id(), held.as_raw_fd());
        let tar = Command::new("tar").args(["-czf", "-", "-C", &above, "--", &self.name]).timeout(PACKING);
        let packed = host.run_into(&tar, file).map(drop);
        if packed.is_err() {
            // Half an archive is worse than none.
            let _ = self.above.remove(&archive);
        }
        packed.map_err(Error::Packing)
    }
}

fn put(directory: &PrivateDir, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
    match path.split_once('/') {
        Some((first, rest)) => put(&directory.create_dir(first)?, rest, bytes),
        None => directory.write_atomic_unsynced(path, bytes),
    }
}

fn show(document: &BackupDocument<'_>, dry_run: bool, printer: &mut Printer) {
    printer.heading(if dry_run { "A backup would contain" } else { "Backup" });
    for file in &document.files {
        printer.data(&format!("  {}", file.path));
    }
    if !document.excluded.is_empty() {
        printer.heading("Excluded: is or may contain a secret; --include-secrets saves it");
        for place in document.excluded {
            printer.data(&format!("  {place}"));
        }
    }
    for (name, path) in [("Directory", document.directory), ("Archive", document.archive)] {
        if let Some(path) = path {
            printer.data(&format!("{name:<9}  {}", path.display()));
        }
    }
}
