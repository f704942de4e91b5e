//! `bootstrap backup`: files of the host and objects of the cluster in a directory and an archive, for this user alone.

use std::fs::OpenOptions;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use privacy::disk::{DiskError, Owner, PrivateDir};
use schema::UtcSeconds;
use serde::Serialize;

use super::diagnostic::Diagnostic;
use super::error::Error;
use super::inputs;
use crate::backup::{Backup, BackupFile, SecretsInBackup, collect};
use crate::cli::BackupArgs;
use crate::host::{Command, Host, RunLog};
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
    left_out: &'a [String],
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
    let directory = args.directory.clone().unwrap_or_else(|| default_directory(at));
    let mut host = Host::this_machine(RunLog::discard());
    // Most of it is root's to read. What cannot be read is listed.
    let _ = host.acquire_root(is_interactive());
    let secrets = if args.include_secrets { SecretsInBackup::Included } else { SecretsInBackup::LeftOut };
    let backup = collect(&host, secrets);
    let archive = archive_of(&directory);
    let mut document = document(&backup, secrets, at);
    if !args.dry_run {
        write(&backup, &document, &directory)?;
        pack(&host, &directory, &archive)?;
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
        left_out: &backup.left_out,
        problems: &backup.problems,
        directory: None,
        archive: None,
    }
}

fn saved(file: &BackupFile) -> SavedFile<'_> {
    SavedFile { path: &file.path, mode: file.mode.map(|mode| format!("{mode:04o}")) }
}

fn default_directory(at: UtcSeconds) -> PathBuf {
    let time: String = at.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    PathBuf::from(format!("k3s-backup-{time}"))
}

fn archive_of(directory: &Path) -> PathBuf {
    let mut name = directory.as_os_str().to_owned();
    name.push(".tar.gz");
    PathBuf::from(name)
}

/// Writes the files with mode 0600 into directories of mode 0700.
fn write(backup: &Backup, document: &BackupDocument<'_>, directory: &Path) -> Result<(), Error> {
    let failed = Error::Unwritable;
    let root = PrivateDir::create(directory).map_err(failed)?;
    if !root.names(1).map_err(failed)?.is_empty() {
        return Err(failed(DiskError::Exists { path: directory.to_owned() }));
    }
    for BackupFile { path, bytes, .. } in &backup.files {
        put(&root, path, bytes).map_err(failed)?;
    }
    // Our documents have string keys and no serializer that fails.
    let text = serde_json::to_vec_pretty(document).unwrap_or_default();
    root.write_atomic("backup.json", &text).map_err(failed)
}

fn put(directory: &PrivateDir, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
    match path.split_once('/') {
        Some((first, rest)) => put(&directory.create_dir(first)?, rest, bytes),
        None => directory.write_atomic_unsynced(path, bytes),
    }
}

fn pack(host: &Host, directory: &Path, archive: &Path) -> Result<(), Error> {
    let unwritable = |source| Error::Archive { path: archive.to_owned(), source };
    // Made first, with its mode: tar would make it with that of any new file.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(archive).map_err(unwritable)?;
    if rustix::process::geteuid().is_root() {
        chown(archive, Some(Owner::from_env().uid()), None).map_err(unwritable)?;
    }
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new(".")).to_string_lossy().into_owned();
    let name = directory.file_name().unwrap_or(directory.as_os_str()).to_string_lossy().into_owned();
    let tar = Command::new("tar").args(["--force-local", "-czf"]).args([archive.to_string_lossy()]);
    let tar = tar.args(["-C", &parent, "--", &name]).timeout(PACKING);
    host.run(&tar).map(drop).map_err(Error::Packing)
}

fn show(document: &BackupDocument<'_>, dry_run: bool, printer: &mut Printer) {
    printer.heading(if dry_run { "A backup would contain" } else { "Backup" });
    for file in &document.files {
        printer.data(&format!("  {}", file.path));
    }
    if !document.left_out.is_empty() {
        printer.heading("Excluded: is or may contain a secret; --include-secrets saves it");
        for place in document.left_out {
            printer.data(&format!("  {place}"));
        }
    }
    for (name, path) in [("Directory", document.directory), ("Archive", document.archive)] {
        if let Some(path) = path {
            printer.data(&format!("{name:<9}  {}", path.display()));
        }
    }
}
