//! Where a run keeps what it fetched until it is installed.
//!
//! Root executes and installs only bytes that nobody else can change between the check and the use. So a file is fetched
//! into a file without a name, of which this process holds the only handle; it is checked there; and only then is it
//! copied to a directory that root alone can enter. Nothing that lies there from an earlier run is ever used. Paths of
//! staged files are those that commands see, not below the root directory of a stand-in.

use std::fmt::Write;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::status::failed;
use super::{Command, CommandError, FileError, Host, RootAccess, native};

/// The directory of all runs' staging directories. The state of services lies below `/var/lib`, see `file-hierarchy(7)`.
pub const STAGING: &str = "/var/lib/productive-k3s/staging";

/// Where files without a name are made: on a disk, for the largest is some hundred megabytes.
const SCRATCH: &str = "/var/tmp";

/// Copying a program of a hundred megabytes on a slow disk takes less.
const COPY: Duration = Duration::from_mins(2);

/// A file without a name: when it is closed, it is gone.
#[derive(Debug)]
pub struct Scratch(File);

impl Host {
    /// An empty file without a name.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn scratch(&self) -> Result<Scratch, FileError> {
        let place = self.at(Path::new(SCRATCH));
        let place = if place.is_dir() { place } else { std::env::temp_dir() };
        tempfile::tempfile_in(&place).map(Scratch).map_err(failed("create a temporary file in", &place))
    }

    /// Runs `command` and keeps what it writes to standard output.
    ///
    /// # Errors
    /// As [`Host::run`].
    pub fn run_to_scratch(&self, command: &Command) -> Result<Scratch, StagingError> {
        let scratch = self.scratch()?;
        self.run_into(command, scratch.handle()?)?;
        Ok(scratch)
    }

    /// The staging directory of a run, as commands see it.
    pub fn staging(&self, run: &str) -> PathBuf {
        self.at(Path::new(STAGING)).join(run)
    }

    /// Makes the staging directory of a run, and removes what runs that were killed left beside it: there is one
    /// changing run on a host at a time.
    ///
    /// # Errors
    /// A directory on the way belongs to somebody else, is a link or can be written by others.
    pub fn create_staging(&self, dir: &Path) -> Result<(), FileError> {
        self.clear_staging()?;
        let all = Path::new(STAGING);
        let own = all.join(dir.file_name().unwrap_or_default());
        for (path, mode) in [(all.parent().unwrap_or(all), 0o755), (all, 0o700), (&own, 0o700)] {
            self.ensure_dir(path, mode)?;
            self.refuse_shared(path)?;
        }
        Ok(())
    }

    /// Copies a checked file to `path` in the staging directory, for root alone.
    ///
    /// # Errors
    /// It could not be written.
    pub fn stage(&self, scratch: &mut Scratch, path: &Path) -> Result<(), FileError> {
        scratch.0.rewind().map_err(failed("read", path))?;
        if self.root_access == RootAccess::Sudo {
            let target = path.to_string_lossy();
            let install = Command::new("install").args(["-m", "0600", "--", "/dev/stdin", &target]);
            self.run_from(&install.as_root().timeout(COPY), scratch.handle()?)?;
            return Ok(());
        }
        native::copy_new(&mut scratch.0, path, 0o600).map_err(failed("write", path))
    }

    /// The text of a file in the staging directory.
    ///
    /// # Errors
    /// It cannot be read or is no UTF-8.
    pub fn read_staged(&self, path: &Path) -> Result<String, FileError> {
        let not_text = |_| FileError::Kind { path: path.to_owned(), wanted: "UTF-8 text" };
        let bytes = if self.root_access == RootAccess::Sudo {
            let cat = Command::new("cat").args(["--", &path.to_string_lossy()]);
            self.run(&cat.as_root().withhold_output())?.stdout
        } else {
            fs::read(path).map_err(failed("read", path))?
        };
        String::from_utf8(bytes).map_err(not_text)
    }

    /// The SHA-256 of a file of this machine, such as one in the staging directory, in hexadecimal; `None` if there is
    /// none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn sha256_of_staged(&self, path: &Path) -> Result<Option<String>, FileError> {
        if self.root_access == RootAccess::Sudo {
            let there = Command::new("test").args(["-e", &path.to_string_lossy()]).as_root();
            if !self.ask(&there)?.succeeded() {
                return Ok(None);
            }
            let sum = Command::new("sha256sum").args(["--", &path.to_string_lossy()]);
            let output = self.run(&sum.as_root().timeout(COPY))?.text();
            return Ok(output.split_whitespace().next().map(str::to_owned));
        }
        match File::open(path) {
            Ok(file) => Scratch(file).sha256().map(Some).map_err(failed("read", path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("open", path)(error)),
        }
    }

    /// Removes everything that runs have staged; that there is nothing is no error.
    ///
    /// # Errors
    /// It could not be removed. What is left is never used, but it takes room.
    pub fn clear_staging(&self) -> Result<(), FileError> {
        let dir = Path::new(STAGING);
        if !self.exists(dir)? {
            return Ok(());
        }
        let target = self.at(dir);
        if self.root_access == RootAccess::Sudo {
            let rm = Command::new("rm").args(["-rf", "--one-file-system", "--", &target.to_string_lossy()]);
            self.run(&rm.as_root().timeout(COPY))?;
        } else {
            fs::remove_dir_all(&target).map_err(failed("remove", dir))?;
        }
        self.remove_empty_dir(dir.parent().unwrap_or(dir)).map(drop)
    }

    /// Root's own directories are of no use if somebody else made them first.
    pub(super) fn refuse_shared(&self, path: &Path) -> Result<(), FileError> {
        let missing = || failed("inspect", path)(io::ErrorKind::NotFound.into());
        let found = self.file_status(path)?.ok_or_else(missing)?;
        let problem = if found.is_symlink() {
            "it is a symbolic link"
        } else if found.uid != self.root_uid {
            "it belongs to another user"
        } else if found.permissions() & 0o022 != 0 {
            "others can write to it"
        } else {
            return Ok(());
        };
        Err(FileError::Shared { path: path.to_owned(), problem })
    }
}

/// Why fetching to a file without a name failed.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// The command failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The file failed.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Scratch {
    /// A copy of what `source` holds.
    ///
    /// # Errors
    /// Reading or writing failed.
    pub fn fill(&mut self, source: &mut impl Read) -> io::Result<()> {
        io::copy(source, &mut self.0).map(drop)
    }

    /// The SHA-256 of its content, in hexadecimal.
    ///
    /// # Errors
    /// It could not be read.
    pub fn sha256(&mut self) -> io::Result<String> {
        self.0.rewind()?;
        let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 20]);
        loop {
            match self.0.read(&mut piece)? {
                0 => break,
                read => hash.update(&piece[..read]),
            }
        }
        Ok(hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }))
    }

    /// Its first bytes, at most `length`.
    ///
    /// # Errors
    /// It could not be read.
    pub fn start(&mut self, length: u64) -> io::Result<Vec<u8>> {
        self.0.rewind()?;
        let mut start = Vec::new();
        (&mut self.0).take(length).read_to_end(&mut start)?;
        Ok(start)
    }

    fn handle(&self) -> Result<File, FileError> {
        self.0.try_clone().map_err(failed("use", Path::new(SCRATCH)))
    }
}
