//! Writing system files as root, without help.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// What is at `path` itself, not at what it may link to.
pub(super) fn look(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces the file at `path` at once and says true, or, where something is mounted on it, writes over it and says
/// false. `owner` is user and group id; this process's when absent.
pub(super) fn replace(path: &Path, bytes: &[u8], mode: u32, owner: Option<(u32, u32)>) -> io::Result<bool> {
    let new = temporary(path);
    let renamed = write_new(&new, bytes, mode, owner).and_then(|()| fs::rename(&new, path));
    match renamed {
        Ok(()) => sync_folder(path).map(|()| true),
        Err(error) => {
            let _ = fs::remove_file(&new);
            // The kernel refuses to move anything over a mount point, such as the hosts file of a container.
            if error.raw_os_error() == Some(rustix::io::Errno::BUSY.raw_os_error()) {
                return write_over(path, bytes, mode).map(|()| false);
            }
            Err(error)
        }
    }
}

/// Copies what `source` holds to a new file at `path`.
pub(super) fn copy_new(source: &mut File, path: &Path, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    io::copy(source, &mut file).map(drop)
}

/// The name of a file on its way to `path`. It is always the same, so that a leftover of a crash does not outlive the
/// next run; two runs cannot meet, for there is one mutating run on a host at a time.
pub(super) fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.productive-k3s-new"))
}

/// Makes the directory at `path` with exactly mode `mode`.
pub(super) fn make_dir(path: &Path, mode: u32) -> io::Result<()> {
    DirBuilder::new().mode(mode).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(mode))
}

fn write_new(new: &Path, bytes: &[u8], mode: u32, owner: Option<(u32, u32)>) -> io::Result<()> {
    if look(new)?.is_some() {
        fs::remove_file(new)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
    if let Some((uid, gid)) = owner {
        fchown(&file, Some(uid), Some(gid))?;
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn write_over(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let no_links = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let mut file = OpenOptions::new().write(true).custom_flags(no_links).open(path)?;
    let found = file.metadata()?.permissions().mode() & 0o7777;
    let between = mode_between(found, mode);
    if between != found {
        file.set_permissions(Permissions::from_mode(between))?;
    }
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    if mode != between {
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    file.sync_all()
}

/// The mode of a file while it is written over, which has `found` and is to have `mode`: either content may be a secret, so
/// that nobody may read it who may not read both.
pub(super) const fn mode_between(found: u32, mode: u32) -> u32 {
    found & mode
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
