//! Running commands.

use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

use super::environment;
use super::process::{self, Attendant, Ended, OnLine, Pipes, StdinSource, child};
use super::{Command, CommandError, Host, Output, Privilege, RootAccess, Stdin};

/// This many last lines of output go into an error.
const TAIL_LINES: usize = 12;

impl Host {
    /// Runs `command` and passes only if it ends with code 0.
    ///
    /// # Errors
    /// Every way in which it can fail, with the last lines of its output.
    pub fn run(&self, command: &Command) -> Result<Output, CommandError> {
        self.passed(command, self.ask(command)?)
    }

    /// As [`Self::run`], with `file` in the place of standard output.
    ///
    /// # Errors
    /// As [`Self::run`]; part of the output may be in the file.
    pub fn run_into(&self, command: &Command, file: File) -> Result<Output, CommandError> {
        let pipes = Pipes { stdin: StdinSource::Bytes(input(command)), stdout: Some(file) };
        self.passed(command, self.ask_with(command, pipes)?)
    }

    /// As [`Self::run`], with `file` in the place of standard input.
    pub(super) fn run_from(&self, command: &Command, file: File) -> Result<Output, CommandError> {
        let pipes = Pipes { stdin: StdinSource::File(file), stdout: None };
        self.passed(command, self.ask_with(command, pipes)?)
    }

    /// As [`Self::run`], with open files in the places of standard input and standard output.
    ///
    /// # Errors
    /// As [`Self::run`]; part of the output may be in the file.
    pub fn run_between(&self, stdin: File, command: &Command, stdout: File) -> Result<Output, CommandError> {
        let pipes = Pipes { stdin: StdinSource::File(stdin), stdout: Some(stdout) };
        self.passed(command, self.ask_with(command, pipes)?)
    }

    /// Runs `command` for its answer, which may be any exit code.
    ///
    /// # Errors
    /// It could not be started, did not end in time, or said more than can be kept: a part is no answer.
    pub fn ask(&self, command: &Command) -> Result<Output, CommandError> {
        self.ask_with(command, Pipes { stdin: StdinSource::Bytes(input(command)), stdout: None })
    }

    pub(super) fn passed(&self, command: &Command, output: Output) -> Result<Output, CommandError> {
        if output.succeeded() {
            return Ok(output);
        }
        Err(CommandError::Failed {
            command: self.log.masked(&command.to_string()),
            status: output.to_string(),
            code: output.code(),
            tail: self.tail(command, &output),
        })
    }

    fn ask_with(&self, command: &Command, pipes: Pipes) -> Result<Output, CommandError> {
        let requests = self.stops.requests();
        if self.stops.ends(requests) {
            return Err(CommandError::Interrupted { command: self.log.masked(&command.to_string()) });
        }
        let by_sudo = self.by_sudo(command);
        if by_sudo {
            self.sudo.keep(&self.log);
        }
        let prepared = self.prepared(command)?;
        if let Stdin::Secret(secret) = &command.stdin {
            self.log.redact(secret);
        }
        let shown = self.log.masked(&command.to_string());
        self.log.line(&format!("{} {shown}", if by_sudo { "$ sudo -n" } else { "$" }));
        let begun = Instant::now();
        let attendant = Attendant {
            on_line: self.logging(command),
            meanwhile: &|| self.sudo.keep_meanwhile(&self.log),
            stops: &|| self.stops.ends(requests),
            kill: &|group, signal| self.kill(group, signal, command),
        };
        let ended = process::run(prepared, pipes, command.timeout, &attendant);
        let took = begun.elapsed().as_secs_f32();
        if by_sudo && matches!(&ended, Ok(Ended::InTime(output)) if output.succeeded()) {
            self.sudo.agreed();
        }
        match ended.map_err(|source| CommandError::Start { command: shown.clone(), source })? {
            Ended::InTime(output) if output.truncated => {
                self.log.line(&format!("= {output} after {took:.1} s, with more output than is kept"));
                Err(CommandError::TooMuchOutput { command: shown })
            }
            Ended::InTime(output) => {
                self.log.line(&format!("= {output} after {took:.1} s"));
                Ok(output)
            }
            Ended::Stopped => {
                self.log.line(&format!("= ended by an interrupt after {took:.1} s"));
                Err(CommandError::Interrupted { command: shown })
            }
            Ended::TimedOut(output) => {
                self.log.line(&format!("= killed after {took:.1} s"));
                let (seconds, tail) = (command.timeout.as_secs(), self.tail(command, &output));
                Err(CommandError::TimedOut { command: shown, seconds, tail })
            }
        }
    }

    pub(super) fn prepared(&self, command: &Command) -> Result<std::process::Command, CommandError> {
        let program = self.locate(&command.program)?;
        let mut prepared = if self.by_sudo(command) {
            let mut sudo = child(self.locate("sudo")?);
            sudo.args(["-n", "--"]).args(self.by_env(command)?).arg(program);
            sudo
        } else if command.privilege == Privilege::Root && self.root_access == RootAccess::Plain {
            return Err(CommandError::NeedsRoot { command: self.log.masked(&command.to_string()) });
        } else {
            child(program)
        };
        prepared.args(&command.args).env_clear().env("LC_ALL", "C").envs(command.env.iter().cloned());
        prepared.envs(environment::of_commands());
        if self.by_sudo(command) || command.program == "sudo" {
            prepared.envs(environment::credentials_of_sudo());
        }
        if let Ok(path) = std::env::join_paths(&self.search) {
            prepared.env("PATH", path);
        }
        Ok(prepared)
    }

    /// The words before a program that sudo runs, which resets the environment: env(1) with what the program is to see.
    /// Setting variables by sudo itself needs another permission than running a command.
    fn by_env(&self, command: &Command) -> Result<Vec<OsString>, CommandError> {
        let own = command.env.iter().map(|(name, value)| OsString::from(format!("{name}={value}")));
        let mut words: Vec<OsString> = environment::proxy_words().chain(own).collect();
        if !words.is_empty() {
            words.insert(0, self.locate("env")?.into_os_string());
        }
        Ok(words)
    }

    fn locate(&self, program: &str) -> Result<PathBuf, CommandError> {
        if program.starts_with('/') {
            return Ok(PathBuf::from(program));
        }
        self.program(program).ok_or_else(|| not_found(program))
    }

    fn by_sudo(&self, command: &Command) -> bool {
        command.privilege == Privilege::Root && self.root_access == RootAccess::Sudo
    }

    fn logging(&self, command: &Command) -> OnLine {
        if command.withheld {
            return Arc::new(|_, _| {});
        }
        let log = self.log.clone();
        Arc::new(move |stream, line| log.line(&format!("{stream}| {line}")))
    }

    fn tail(&self, command: &Command, output: &Output) -> Vec<String> {
        // Withheld standard output may be a secret itself; what it wrote to standard error is always worth telling.
        output.tail(TAIL_LINES, command.withheld).iter().map(|line| self.log.masked(line)).collect()
    }

    /// A user may not signal what runs as root, so sudo has to.
    fn kill(&self, group: Pid, signal: Signal, command: &Command) {
        let refused = kill_process_group(group, signal) == Err(Errno::PERM);
        if refused
            && self.by_sudo(command)
            && let (Some(sudo), Some(kill)) = (self.program("sudo"), self.program("kill"))
        {
            let (group, signal) = (format!("-{}", group.as_raw_nonzero()), format!("-{}", signal.as_raw()));
            let mut command = child(sudo);
            command.args(["-n", "--"]).arg(kill).args([signal.as_str(), "--", group.as_str()]);
            let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

fn input(command: &Command) -> Vec<u8> {
    match &command.stdin {
        Stdin::Empty => Vec::new(),
        Stdin::Public(text) => text.clone().into_bytes(),
        Stdin::Secret(secret) => secret.expose().as_bytes().to_vec(),
    }
}

fn not_found(program: &str) -> CommandError {
    CommandError::NotFound { program: program.to_owned() }
}
