//! The binary on a pseudo-terminal, with an operator in front of it.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::invocation::{Invocation, Outcome};
use crate::machine::eventually;

/// A conversation with the binary: standard input and standard error are a terminal; standard output is a pipe, or the
/// terminal too.
#[derive(Debug)]
pub struct TerminalSession {
    child: Child,
    master: File,
    screen: Arc<Mutex<Vec<u8>>>,
    watcher: JoinHandle<()>,
    stdout: Option<JoinHandle<Vec<u8>>>,
    begun: Instant,
}

impl TerminalSession {
    /// Starts `call` on its controlling terminal, so that Ctrl-C reaches it.
    pub fn start(call: &Invocation) -> Self {
        Self::start_on(call, None)
    }

    /// As [`Self::start`], with standard output on the terminal too, which is so many columns wide.
    pub fn start_wide(call: &Invocation, columns: u16) -> Self {
        Self::start_on(call, Some(columns))
    }

    fn start_on(call: &Invocation, columns: Option<u16>) -> Self {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("a terminal of ours");
        let name = ptsname(&master, Vec::new()).expect("it has a name").into_string().expect("ASCII");
        let slave = File::options().read(true).write(true).open(name).expect("it opens");
        let mut command = call.command(&["--ctty"]);
        command.stdin(slave.try_clone().expect("a descriptor")).stdout(Stdio::piped());
        if let Some(columns) = columns {
            let size = Winsize { ws_col: columns, ws_row: 50, ws_xpixel: 0, ws_ypixel: 0 };
            tcsetwinsize(&slave, size).expect("a terminal has a size");
            command.stdout(slave.try_clone().expect("a descriptor"));
        }
        command.stderr(slave);
        let mut child = call.spawn(&mut command);
        // The terminal ends for us when the last descriptor of its other side is closed, and the command holds some.
        drop(command);
        let stdout = child.stdout.take().map(|mut stdout| {
            thread::spawn(move || {
                let mut bytes = Vec::new();
                let _ = stdout.read_to_end(&mut bytes);
                bytes
            })
        });
        let master = File::from(master);
        let screen = Arc::default();
        let watcher = watch(master.try_clone().expect("a descriptor"), Arc::clone(&screen));
        Self { child, master, screen, watcher, stdout, begun: Instant::now() }
    }

    /// What the terminal shows so far.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().expect("no panic")).replace("\r\n", "\n")
    }

    /// Waits until the terminal shows `text`.
    pub fn wait_for(&self, text: &str) {
        let shown = eventually(Duration::from_secs(30), || self.screen().contains(text));
        assert!(shown, "the terminal never showed {text:?}: {}", self.screen());
    }

    /// Types `keys`: a line feed is Enter, `\x04` the end of input, `\x03` Ctrl-C.
    pub fn type_keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Whether the terminal shows what is typed.
    pub fn echoes(&self) -> bool {
        tcgetattr(&self.master).expect("a terminal has modes").local_modes.contains(LocalModes::ECHO)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process is a child of this one");
    }

    /// Waits for the end. Standard error is what the terminal showed.
    pub fn end(mut self) -> Outcome {
        let ended = eventually(Duration::from_mins(1), || matches!(self.child.try_wait(), Ok(Some(_))));
        if !ended {
            let _ = self.child.kill();
        }
        let status = self.child.wait().expect("a child");
        assert!(ended, "it did not end: {}", self.screen());
        // Its last output may not have arrived yet. A process that it left behind may hold the terminal open.
        eventually(Duration::from_secs(5), || self.watcher.is_finished());
        let stdout = self.stdout.map(|stdout| stdout.join().expect("no panic")).unwrap_or_default();
        let stdout = String::from_utf8(stdout).expect("UTF-8");
        let stderr = String::from_utf8_lossy(&self.screen.lock().expect("no panic")).replace("\r\n", "\n");
        Outcome { status, stdout, stderr, took: self.begun.elapsed() }
    }
}

/// Keeps what is written to the terminal. The end of the other side is an error of this one.
fn watch(mut master: File, screen: Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = master.read(&mut bytes) {
            screen.lock().expect("no panic").extend_from_slice(&bytes[..count]);
        }
    })
}
