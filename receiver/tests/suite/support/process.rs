//! The program as a process.

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

use super::Client;

/// The built program with an empty environment.
#[expect(clippy::disallowed_methods, reason = "a test starts what it tests")]
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_receiver"));
    command.env_clear();
    command
}

/// Makes a command that of an ordinary user, who owns this directory from now on.
pub(crate) fn as_owner_of<'a>(directory: &Path, command: &'a mut Command) -> &'a mut Command {
    if rustix::process::geteuid().is_root() {
        chown(directory, Some(61_000), Some(61_000)).expect("given away");
        command.uid(61_000).gid(61_000);
    }
    command
}

/// Runs a command as a user whose permissions count, who owns this directory: for root, none do. `None` if such a user
/// cannot run the program where it is.
pub(crate) fn output_as_owner_of(directory: &Path, command: &mut Command) -> Option<Output> {
    match as_owner_of(directory, command).output() {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            super::skip(
                "what an ordinary user may do",
                "the program is in a directory that only root may enter",
            );
            None
        }
        output => Some(output.expect("it starts")),
    }
}

/// A receiver that serves on free ports of loopback. It is killed when it is dropped.
pub(crate) struct Receiver {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    said: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Starts one by a command that serves, with more options.
    pub(crate) fn start(mut command: Command, options: &[&str]) -> Self {
        command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]).args(options);
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let said = Arc::new(Mutex::new(String::new()));
        let mut address_after = |label: &str| {
            let mut line = String::new();
            // It may print warnings before.
            while !line.starts_with(label) {
                said.lock().expect("no panic").push_str(&line);
                line.clear();
                let length = stderr.read_line(&mut line).expect("it speaks");
                assert!(length > 0, "it said {:?}", said.lock().expect("no panic"));
            }
            let url = line.trim().strip_prefix(label).expect("the label").trim();
            let authority = url.trim_start_matches("http://").split('/').next().expect("an address");
            authority.parse().expect("an address")
        };
        let (address, admin) = (address_after("listening:"), address_after("admin:"));
        let kept = Arc::clone(&said);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut buffer) {
                kept.lock().expect("no panic").push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        });
        Self { child, address, admin, said, reader: Some(reader) }
    }

    /// A connection to the public port.
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// The value of a metric without labels, or with the labels in its name.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let (_, metrics) = self.admin("/metrics");
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} is not in:\n{metrics}"))
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The answer of the admin port at `path`.
    pub(crate) fn admin(&self, path: &str) -> (u16, String) {
        let reply = Client::connect(self.admin).get(path);
        (reply.status, reply.body)
    }

    /// What it has printed.
    pub(crate) fn log(&self) -> String {
        self.said.lock().expect("no panic").clone()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("it runs");
    }

    /// Waits until it has ended; its exit status, and everything that it printed.
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("it ends");
        if let Some(reader) = self.reader.take() {
            reader.join().expect("no panic");
        }
        (status, self.log())
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it was started").is_some()
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) -> (ExitStatus, String) {
        self.signal(Signal::TERM);
        self.wait()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // It may have ended by itself; either way there is nothing more to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
