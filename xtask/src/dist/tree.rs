//! Files in the layout of a host, gathered before they are packed.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::workspace;

/// A directory that is the root of a host or of an archive. Modes do not depend on the umask of the caller.
pub(super) struct Tree {
    root: PathBuf,
}

impl Tree {
    /// An empty one at `root`, which replaces what exists.
    pub(super) fn new(root: PathBuf) -> anyhow::Result<Self> {
        if root.exists() {
            fs::remove_dir_all(&root).with_context(|| format!("failed to remove {}", root.display()))?;
        }
        fs::create_dir_all(&root)?;
        fs::set_permissions(&root, Permissions::from_mode(0o755))?;
        Ok(Self { root })
    }

    /// Where it is.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Writes a file and the directories above it.
    pub(super) fn put(&self, path: &str, bytes: impl AsRef<[u8]>, mode: u32) -> anyhow::Result<()> {
        let to = self.root.join(path);
        let above = Path::new(path).ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
        fs::create_dir_all(to.parent().context("a file of a package is in a directory")?)?;
        for above in above {
            fs::set_permissions(self.root.join(above), Permissions::from_mode(0o755))?;
        }
        fs::write(&to, bytes).with_context(|| format!("failed to write {}", to.display()))?;
        fs::set_permissions(&to, Permissions::from_mode(mode))?;
        Ok(())
    }

    /// Copies a file of the workspace.
    pub(super) fn copy(&self, path: &str, from: &str, mode: u32) -> anyhow::Result<()> {
        let bytes =
            fs::read(workspace::root().join(from)).with_context(|| format!("failed to read {from}"))?;
        self.put(path, bytes, mode)
    }

    /// Writes a file packed with gzip, without a name and a time in the header: Debian requires this for manual pages.
    pub(super) fn put_zipped(&self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let mut gzip = Command::new("gzip");
        let mut gzip = gzip.args(["-9", "-n"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (mut input, bytes) = (gzip.stdin.take().context("its input is written")?, bytes.to_vec());
        // In parallel to the reading: a file may be larger than the buffer of a pipe.
        let writer = std::thread::spawn(move || input.write_all(&bytes));
        let output = gzip.wait_with_output()?;
        writer.join().map_err(|_| anyhow::anyhow!("the writer stopped"))??;
        if !output.status.success() {
            bail!("failed to pack {path}: gzip {}", output.status);
        }
        self.put(path, output.stdout, 0o644)
    }
}
