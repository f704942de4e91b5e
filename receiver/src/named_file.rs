//! Files that an operator names: secrets and certificates.

use std::path::Path;

use privacy::disk::{self, DiskError};

/// Reads a regular file of at most `limit` bytes, also through a link: Kubernetes gives each secret as one. Our own files
/// are never read so, but where these are is the operator's word.
///
/// # Errors
/// There is none, it cannot be read, or it is larger.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
    // What is not there is told by the name that it was given.
    let found = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    disk::read_bounded(&found, limit)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// As Kubernetes lays out a volume of secrets, so that it can exchange all of them at once.
    #[test]
    fn a_secret_is_read_through_the_links_of_its_volume() {
        let volume = tempfile::tempdir().expect("a directory");
        let path = |name: &str| volume.path().join(name);
        std::fs::create_dir(path("..2026_11_26")).expect("made");
        privacy::disk::write_atomic(&path("..2026_11_26/password"), b"secret").expect("written");
        symlink("..2026_11_26", path("..data")).expect("linked");
        symlink("..data/password", path("password")).expect("linked");
        assert_eq!(read(&path("password"), 100).expect("read"), b"secret");
        assert!(matches!(read(&path("password"), 3), Err(DiskError::TooLarge { .. })));
        assert!(matches!(read(&path("..data"), 100), Err(DiskError::NotAFile { .. })));
        assert!(matches!(read(&path("missing"), 100), Err(DiskError::Missing { .. })));
    }
}
