//! One child process with its output, its time limit and its children.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};

/// What a command said and how it ended.
#[derive(Clone, Debug)]
pub struct Output {
    status: ExitStatus,
    /// What it wrote to standard output, at most 32 MiB.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error, at most 32 MiB.
    pub stderr: Vec<u8>,
    /// Whether it wrote more than was kept: what was kept must not be taken for an answer then.
    pub(super) truncated: bool,
}

/// What a command reads, and where its standard output goes.
pub(super) struct Pipes {
    /// Its standard input.
    pub(super) stdin: StdinSource,
    /// A file that takes its standard output in place of being captured.
    pub(super) stdout: Option<File>,
}

/// Where the standard input of a command comes from.
pub(super) enum StdinSource {
    /// Bytes in memory.
    Bytes(Vec<u8>),
    /// An open file, read from where it stands.
    File(File),
}

/// More output than this is written to the log and not kept.
pub(super) const MAX_CAPTURED: usize = 32 * 1024 * 1024;

/// Lines are written to the log in pieces of at most this many bytes.
const MAX_LINE: u64 = 64 * 1024;

/// Between the polite signal and the one that cannot be refused.
const GRACE: Duration = Duration::from_secs(2);

/// How long output is waited for after the process itself has ended: a service that it started may hold the pipe.
const LINGER: Duration = Duration::from_millis(500);

/// A line of output on its way to the log; the first word says from which stream.
pub(super) type OnLine = Arc<dyn Fn(&'static str, &str) + Send + Sync>;

/// What happens beside a command that runs.
pub(super) struct Attendant<'a> {
    /// Told each line of its output.
    pub(super) on_line: OnLine,
    /// Called while it runs, each time when [`TICK`] has passed.
    pub(super) meanwhile: &'a dyn Fn(),
    /// Whether it ends now, because somebody asked to stop; looked at as often as `meanwhile` is called.
    pub(super) stops: &'a dyn Fn() -> bool,
    /// Sends a signal to its process group.
    pub(super) kill: &'a dyn Fn(Pid, Signal),
}

/// How a process ended, or that it had to be killed.
pub(super) enum Ended {
    InTime(Output),
    TimedOut(Output),
    /// Somebody asked to stop.
    Stopped,
}

/// Why a process is not waited for any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WaitEnd {
    Exited,
    TimedOut,
    Stopped,
}

/// Short enough for who presses Ctrl-C to see an answer at once.
const TICK: Duration = Duration::from_millis(100);

impl Output {
    /// Whether it ended with code 0.
    pub fn succeeded(&self) -> bool {
        self.status.success()
    }

    /// Its exit code; none if a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// The last `count` lines of standard error, or of standard output if that is empty and not `withheld`.
    pub(super) fn tail(&self, count: usize, withheld: bool) -> Vec<String> {
        let text = match self.stderr_text() {
            stderr_text if withheld || !stderr_text.trim().is_empty() => stderr_text,
            _ => self.text(),
        };
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).to_owned()).collect()
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => write!(f, "exit code {code}"),
            (None, Some(signal)) => write!(f, "signal {signal}"),
            (None, None) => f.write_str("an unknown status"),
        }
    }
}

/// The one place where a child process comes from.
#[expect(clippy::disallowed_methods, reason = "this is the host seam")]
pub(super) fn child(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// Runs `command` in a process group of its own, which is killed when `timeout` has passed or when
/// somebody asks to stop.
pub(super) fn run(
    mut command: Command,
    pipes: Pipes,
    timeout: Duration,
    attendant: &Attendant<'_>,
) -> io::Result<Ended> {
    let input = match pipes.stdin {
        StdinSource::Bytes(bytes) => {
            command.stdin(Stdio::piped());
            bytes
        }
        StdinSource::File(file) => {
            command.stdin(Stdio::from(file));
            Vec::new()
        }
    };
    command.stdout(pipes.stdout.map_or_else(Stdio::piped, Stdio::from));
    command.stderr(Stdio::piped()).process_group(0);
    let mut child = spawn(&mut command)?;
    // The command holds the files that were given to it, and with them what the child waits to be closed.
    drop(command);
    let pid = Pid::from_child(&child);
    let streams = Streams::attend(&mut child, input, &attendant.on_line);
    let exits = watch(pid);
    let waited = attendant.awaits(&exits, timeout);
    if waited != WaitEnd::Exited {
        (attendant.kill)(pid, Signal::TERM);
        let _ = exits.recv_timeout(GRACE);
        (attendant.kill)(pid, Signal::KILL);
    }
    // Only here is the process reaped: until then its id and group cannot be anybody else's.
    let status = child.wait()?;
    let output = streams.collect(status);
    Ok(match waited {
        WaitEnd::Exited => Ended::InTime(output),
        WaitEnd::TimedOut => Ended::TimedOut(output),
        WaitEnd::Stopped => Ended::Stopped,
    })
}

impl Attendant<'_> {
    /// Waits until the process ends, for `timeout`, or until somebody asks to stop.
    fn awaits(&self, exits: &Receiver<()>, timeout: Duration) -> WaitEnd {
        let until = Instant::now() + timeout;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if exits.recv_timeout(left.min(TICK)).is_ok() {
                return WaitEnd::Exited;
            }
            if left <= TICK {
                return WaitEnd::TimedOut;
            }
            if (self.stops)() {
                return WaitEnd::Stopped;
            }
            (self.meanwhile)();
        }
    }
}

/// A program that was just put in place may still be open for writing in a process that was started at that moment and
/// has not got rid of what it inherited. That passes.
pub(super) fn spawn(command: &mut Command) -> io::Result<Child> {
    let mut tries = 0..20;
    loop {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && tries.next().is_some() => {
                thread::sleep(Duration::from_millis(20));
            }
            spawned => return spawned,
        }
    }
}

/// Tells when the process `pid` has ended, without reaping it.
fn watch(pid: Pid) -> Receiver<()> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(pid), options), Err(rustix::io::Errno::INTR)) {}
        let _ = sender.send(());
    });
    receiver
}

struct Streams {
    stdout: Captured,
    stderr: Captured,
    ends: Receiver<()>,
    listened: usize,
}

type Captured = Arc<Mutex<Kept>>;

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    truncated: bool,
}

impl Streams {
    fn attend(child: &mut Child, input: Vec<u8>, on_line: &OnLine) -> Self {
        if let Some(mut stdin) = child.stdin.take() {
            // A child that does not read its input must not stop us; that it did not is told by its status.
            thread::spawn(move || stdin.write_all(&input));
        }
        let (sender, ends) = channel();
        let mut listened = 0;
        let mut listen = |stream: Option<Box<dyn Read + Send>>, name: &'static str| {
            let captured = Captured::default();
            if let Some(stream) = stream {
                listened += 1;
                let (captured, on_line, sender) = (captured.clone(), on_line.clone(), sender.clone());
                thread::spawn(move || {
                    capture(stream, &captured, |line| on_line(name, line));
                    let _ = sender.send(());
                });
            }
            captured
        };
        let stdout = listen(child.stdout.take().map(|stream| Box::new(stream) as _), "out");
        let stderr = listen(child.stderr.take().map(|stream| Box::new(stream) as _), "err");
        Self { stdout, stderr, ends, listened }
    }

    fn collect(self, status: ExitStatus) -> Output {
        let until = Instant::now() + LINGER;
        for _ in 0..self.listened {
            let _ = self.ends.recv_timeout(until.saturating_duration_since(Instant::now()));
        }
        let taken = |captured: &Captured| {
            std::mem::take(&mut *captured.lock().unwrap_or_else(PoisonError::into_inner))
        };
        let (stdout, stderr) = (taken(&self.stdout), taken(&self.stderr));
        let truncated = stdout.truncated || stderr.truncated;
        Output { status, stdout: stdout.bytes, stderr: stderr.bytes, truncated }
    }
}

fn capture(stream: impl Read, captured: &Captured, on_line: impl Fn(&str)) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while matches!(reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line), Ok(read) if read > 0) {
        on_line(String::from_utf8_lossy(&line).trim_end());
        let mut kept = captured.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_CAPTURED - kept.bytes.len();
        kept.truncated |= line.len() > room;
        kept.bytes.extend(line.iter().take(room));
        line.clear();
    }
}
