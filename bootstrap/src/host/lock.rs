//! The lock of the machine: one process at a time changes a host.
//!
//! It lies in a directory that root alone may enter. In one that is open to all, such as `/run/lock`, every user of the
//! machine could hold it and keep root from its work. So a process that gets root from sudo cannot open the file
//! itself; a child of sudo holds the lock for it, and goes when its standard input is closed, which the kernel does however this
//! process ends.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use manifest::{FileLock, LockHolder, ManifestError};

use super::process::spawn;
use super::{Command, CommandError, FileError, Host, RootAccess};

/// The directory of the lock. `/run` is empty after a start of the machine, and no lock outlives one.
const DIR: &str = "/run/productive-k3s";

/// The lock.
const LOCK: &str = "/run/productive-k3s/host.lock";

/// How `flock` says that somebody else holds the lock. It is none of the codes of `flock` itself, see `sysexits.h`, nor of sudo.
const HELD: &str = "75";

/// The right to change the host, held until dropped. It ends with the process, however that ends.
#[derive(Debug)]
pub struct HostLock {
    _held: Held,
}

#[derive(Debug)]
enum Held {
    ByFile { _lock: FileLock },
    ByChild { _process: LockProcess },
}

/// Why this process may not change the host now.
#[derive(Debug, thiserror::Error)]
pub enum HostLockError {
    /// Another run or rollback is changing this host, or the lock file cannot be used.
    #[error(transparent)]
    Lock(#[from] ManifestError),
    /// The directory of the lock cannot be used.
    #[error("cannot use the directory of the lock")]
    Directory(#[from] FileError),
    /// The command that holds the lock for a user of sudo failed.
    #[error("cannot take the lock {LOCK}")]
    Command(#[from] CommandError),
    /// The lock file, or the pipe to that command, failed.
    #[error("cannot take the lock {LOCK}")]
    Io(#[from] io::Error),
}

impl Host {
    /// Takes the lock of the machine. Root is needed for it, see [`Host::acquire_root`].
    ///
    /// # Errors
    /// Another process holds it, and says so in the file where it can; or the lock cannot be taken.
    pub fn lock(&self, holder: &LockHolder) -> Result<HostLock, HostLockError> {
        let dir = Path::new(DIR);
        self.ensure_dir(dir, 0o700)?;
        self.refuse_shared(dir)?;
        if self.mode(dir)? != Some(0o700) {
            return Err(FileError::Shared { path: dir.to_owned(), problem: "others can enter it" }.into());
        }
        let held = match self.root_access {
            RootAccess::Sudo => Held::ByChild { _process: self.lock_by_sudo(holder)? },
            RootAccess::Root | RootAccess::Plain => Held::ByFile { _lock: self.lock_by_file(holder)? },
        };
        Ok(HostLock { _held: held })
    }

    fn lock_by_file(&self, holder: &LockHolder) -> Result<FileLock, HostLockError> {
        let path = self.at(Path::new(LOCK));
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        Ok(FileLock::take(file, &path, holder)?)
    }

    fn lock_by_sudo(&self, holder: &LockHolder) -> Result<LockProcess, HostLockError> {
        let path = self.at(Path::new(LOCK));
        let lock = path.to_string_lossy();
        // tee writes into the file who holds the lock, and its echo says that the lock is held.
        let flock = Command::new("flock").args(["-n", "-E", HELD, &lock, "tee", &lock]).as_root();
        self.log().line(&format!("$ sudo -n {flock}"));
        if let Some(process) = LockProcess::start(self.prepared(&flock)?, holder)? {
            return Ok(process);
        }
        let cat = self.run(&Command::new("cat").args([&*lock]).as_root())?;
        Err(ManifestError::Held { path, holder: LockHolder::parse(&cat.stdout) }.into())
    }
}

/// A child that holds the lock for as long as its standard input is open.
#[derive(Debug)]
struct LockProcess {
    child: Child,
    stdin: Option<ChildStdin>,
    /// Kept open: a child that cannot write ends.
    _stdout: BufReader<ChildStdout>,
}

impl LockProcess {
    /// Starts `flock`; `None` if another process holds the lock.
    fn start(mut flock: std::process::Command, holder: &LockHolder) -> io::Result<Option<Self>> {
        // In a group of its own, so that Ctrl-C does not end it before the run has come to a safe point.
        flock.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = spawn(&mut flock)?;
        drop(flock);
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        let mut stdin = child.stdin.take().ok_or_else(closed)?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or_else(closed)?);
        let mut echoes = |line: &str| {
            // That nobody reads it shows at the echo.
            let _ = stdin.write_all(line.as_bytes());
            let mut echo = String::new();
            stdout.read_line(&mut echo).map(|_| echo == line)
        };
        // tee writes to its standard output before it writes to the file: the second echo says that the first line is there.
        if echoes(&format!("{}\n", serde_json::to_string(holder)?))? && echoes("\n")? {
            return Ok(Some(Self { child, stdin: Some(stdin), _stdout: stdout }));
        }
        drop((stdin, stdout));
        let output = child.wait_with_output()?;
        if output.status.code().is_some_and(|code| code.to_string() == HELD) {
            return Ok(None);
        }
        let told = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(format!("flock ended with {}: {}", output.status, told.trim())))
    }
}

impl Drop for LockProcess {
    fn drop(&mut self) {
        self.stdin.take();
        let _ = self.child.wait();
    }
}
