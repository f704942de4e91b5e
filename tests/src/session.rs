//! The processes that outlive the calls of a sandbox.
//!
//! The binary closes its memory to other processes of its user, and with it the kernel closes its environment, its
//! directory and its descriptors to all but root. Its session stays open to everyone, and a process keeps the session in
//! which it was started, even when nobody is left who started it. So every call leads a session of its own, and a sandbox
//! knows the sessions of its calls.

use std::collections::HashSet;
use std::fs;
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use crate::machine::program;

/// The sessions of the calls of one sandbox. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashSet<Pid>>>);

impl Sessions {
    /// A command that makes a session and continues in it as whatever program is added to its arguments. `options` are
    /// those of setsid(1).
    pub(crate) fn leader(options: &[&str]) -> Command {
        let mut command = Command::new(program("setsid").expect("util-linux is on every supported host"));
        command.args(options);
        command
    }

    /// Starts a command that was begun with [`Self::leader`].
    pub(crate) fn spawn(&self, command: &mut Command) -> Child {
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        // It stays the process that was started: setsid(1) forks only where that leads a process group already.
        self.0.lock().expect("no panic").insert(Pid::from_child(&child));
        child
    }

    /// The detached deliveries that are in progress.
    ///
    /// # Panics
    /// Where `/proc` hides processes: one that is not seen must not count as ended.
    pub(crate) fn deliveries(&self) -> Vec<Pid> {
        assert!(Path::new("/proc/1").exists(), "this /proc hides processes, and deliveries with them");
        let ours = self.0.lock().expect("no panic").clone();
        let names = fs::read_dir("/proc")
            .expect("Linux")
            .filter_map(|entry| entry.expect("readable").file_name().into_string().ok());
        let ids = names.filter_map(|name| name.parse().ok().and_then(Pid::from_raw));
        let is_ours = |pid: &Pid| session_of(*pid).is_some_and(|session| ours.contains(&session));
        ids.filter(|pid| is_delivery(*pid) && is_ours(pid)).collect()
    }
}

fn is_delivery(pid: Pid) -> bool {
    read(pid, "cmdline").is_some_and(|line| line.ends_with("\0flush\0--detached\0"))
}

/// The fourth field behind the name, see `proc_pid_stat(5)`. A session from outside of a namespace is none that can be
/// named here, and none of ours.
fn session_of(pid: Pid) -> Option<Pid> {
    let status = read(pid, "stat")?;
    let session = status.rsplit(") ").next().and_then(|fields| fields.split(' ').nth(3));
    Pid::from_raw(
        session.and_then(|session| session.parse().ok()).expect("the kernel says it of each process"),
    )
}

/// What the kernel says of a process, unless that has ended.
fn read(pid: Pid, file: &str) -> Option<String> {
    match fs::read(format!("/proc/{pid}/{file}")) {
        Ok(content) => Some(String::from_utf8_lossy(&content).into_owned()),
        Err(error) if has_ended(&error) => None,
        Err(error) => panic!("{file} of process {pid}: {error}"),
    }
}

fn has_ended(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound || Errno::from_io_error(error) == Some(Errno::SRCH)
}

/// Kills a process at once; it is no fault if it has ended meanwhile.
pub(crate) fn kill(pid: Pid) {
    let _ = kill_process(pid, Signal::KILL);
}
