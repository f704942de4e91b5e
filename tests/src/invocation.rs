//! One call of the binary, and how it ended.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::machine::bootstrap;
use crate::session::Sessions;

/// No call takes this long unless it hangs, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(100);

/// A call of the binary that is being put together.
#[derive(Clone, Debug)]
pub struct Invocation {
    arguments: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
    directory: PathBuf,
    input: Vec<u8>,
    wrapper: Vec<OsString>,
    sessions: Sessions,
}

impl Invocation {
    pub(crate) fn new(directory: &Path, sessions: &Sessions) -> Self {
        Self {
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            directory: directory.to_owned(),
            input: Vec::new(),
            wrapper: Vec::new(),
            sessions: sessions.clone(),
        }
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.insert(name.into(), value.as_ref().to_owned());
        self
    }

    /// Sets several.
    pub fn envs<'a>(self, variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        variables.into_iter().fold(self, |call, (name, value)| call.env(name, value))
    }

    /// Leaves a variable out that every call has.
    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(OsStr::new(name));
        self
    }

    /// What it reads from standard input.
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// The directory it starts in.
    pub fn current_dir(mut self, directory: &Path) -> Self {
        directory.clone_into(&mut self.directory);
        self
    }

    /// Starts it through another program, which is given the binary and its arguments at the end of its own. A wrapper
    /// that is added later goes in front.
    pub fn through<S: AsRef<OsStr>>(mut self, wrapper: impl IntoIterator<Item = S>) -> Self {
        let front: Vec<OsString> = wrapper.into_iter().map(|word| word.as_ref().to_owned()).collect();
        self.wrapper.splice(0..0, front);
        self
    }

    /// The command in a session of its own, with the environment of the sandbox and nothing else. `options` are those of
    /// setsid(1).
    pub(crate) fn command(&self, options: &[&str]) -> Command {
        let mut command = Sessions::leader(options);
        command.args(&self.wrapper).arg(bootstrap()).args(&self.arguments);
        // A variable from the environment of the tests (a proxy, CI, DO_NOT_TRACK) would change what the binary does.
        command.env_clear().envs(&self.environment).current_dir(&self.directory);
        command
    }

    /// Starts what [`Self::command`] has made.
    pub(crate) fn spawn(&self, command: &mut Command) -> Child {
        self.sessions.spawn(command)
    }

    /// Starts it, without a terminal.
    pub fn start(&self) -> Running {
        let mut command = self.command(&[]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let begun = Instant::now();
        let mut child = self.spawn(&mut command);
        let mut stdin = child.stdin.take().expect("piped");
        let input = self.input.clone();
        // A program that does not read its input is no fault of the test.
        thread::spawn(move || stdin.write_all(&input));
        let stdout = collect(child.stdout.take().expect("piped"));
        let stderr = collect(child.stderr.take().expect("piped"));
        Running { child, stdout, stderr, begun }
    }

    /// Runs it to its end.
    pub fn run(&self) -> Outcome {
        self.start().end()
    }
}

fn collect(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes
    })
}

/// A call in progress.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
    begun: Instant,
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process is a child of this one");
    }

    /// Waits for its end and for the end of its output.
    pub fn end(mut self) -> Outcome {
        let until = self.begun + PATIENCE;
        // Output is awaited before the process: a child that kept the pipe open would go unnoticed the other way round.
        while !(self.stdout.is_finished() && self.stderr.is_finished()) {
            if Instant::now() > until {
                let _ = self.child.kill();
                panic!("it did not end within {PATIENCE:?}");
            }
            thread::sleep(Duration::from_millis(1));
        }
        let took = self.begun.elapsed();
        let status = self.child.wait().expect("a child");
        let text =
            |bytes: JoinHandle<Vec<u8>>| String::from_utf8(bytes.join().expect("no panic")).expect("UTF-8");
        Outcome { status, stdout: text(self.stdout), stderr: text(self.stderr), took }
    }
}

/// How the binary ended and its output. `Display` is the form of the snapshots.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Time until both streams were closed, as a reader of its output sees it.
    pub took: Duration,
}

impl Outcome {
    /// The exit code. A process that a signal killed has none.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("killed by a signal: {self}"))
    }

    /// Standard output as JSON; fails unless it is exactly one document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not one JSON document ({error}): {self}"))
    }

    /// Passes if it ended with `code`.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }

    /// Both streams.
    pub fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The warnings, each on one line.
    pub fn warnings(&self) -> Vec<String> {
        // Warnings are wrapped with an indent of the width of their label.
        let unwrapped = self.stderr.replace("\n         ", " ");
        unwrapped.lines().filter_map(|line| line.strip_prefix("warning: ")).map(str::to_owned).collect()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => writeln!(f, "exit code {code}")?,
            (None, signal) => writeln!(f, "signal {signal:?}")?,
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            writeln!(f, "--- {name}")?;
            f.write_str(text)?;
        }
        Ok(())
    }
}
