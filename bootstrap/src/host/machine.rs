//! The machine, and with which rights this process acts on it.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use schema::Arch;

use super::log::RunLog;
use super::stops::{Shield, Stops};
use super::sudo::{RootAccess, SudoSession};

/// A machine, or in tests a directory that stands for one.
#[derive(Debug)]
pub struct Host {
    pub(super) root: PathBuf,
    pub(super) search: Vec<PathBuf>,
    pub(super) root_access: RootAccess,
    pub(super) sudo: SudoSession,
    pub(super) log: RunLog,
    pub(super) stops: Stops,
    /// To whom what root makes belongs: 0, except on a stand-in.
    pub(super) root_uid: u32,
    arch: Arch,
}

/// Directories of system programs that are often not on the search path of a user.
const SYSTEM_FOLDERS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

impl Host {
    /// This machine, with the search path of this process.
    pub fn this_machine(log: RunLog) -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self {
            root: PathBuf::from("/"),
            search: search_path(&path),
            root_access: RootAccess::of_this_process(),
            sudo: SudoSession::default(),
            log,
            stops: Stops::default(),
            root_uid: 0,
            arch: arch(),
        }
    }

    /// A directory that stands for a machine, with the only directories in which programs are looked for.
    pub fn stand_in(root: &Path, search: Vec<PathBuf>, root_access: RootAccess, log: RunLog) -> Self {
        let root_uid = rustix::process::geteuid().as_raw();
        let sudo = SudoSession::default();
        let stops = Stops::default();
        Self { root: root.to_owned(), search, root_access, sudo, log, stops, root_uid, arch: Arch::Amd64 }
    }

    /// Lets `requests` end commands: it tells how often somebody has asked to stop.
    pub fn with_stop(mut self, requests: impl Fn() -> usize + 'static) -> Self {
        self.stops = Stops::of(requests);
        self
    }

    /// What follows changes something, until the shield is dropped.
    pub fn shield(&self) -> Shield<'_> {
        self.stops.shield()
    }

    /// Processor architecture.
    pub fn arch(&self) -> Arch {
        self.arch
    }

    /// The log of the run.
    pub fn log(&self) -> &RunLog {
        &self.log
    }

    /// Where the program `name` is, if it is on the search path.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        self.search.iter().map(|folder| folder.join(name)).find(|path| is_program(path))
    }

    /// Where the system path `path` is found.
    pub fn at(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }
}

fn search_path(path: &OsStr) -> Vec<PathBuf> {
    // A relative entry would mean another program in another working directory.
    let mut search: Vec<PathBuf> =
        std::env::split_paths(path).filter(|folder| folder.is_absolute()).collect();
    for folder in SYSTEM_FOLDERS.map(PathBuf::from) {
        if !search.contains(&folder) {
            search.push(folder);
        }
    }
    search
}

fn arch() -> Arch {
    match std::env::consts::ARCH {
        "x86_64" => Arch::Amd64,
        "aarch64" => Arch::Arm64,
        _ => Arch::Other,
    }
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
