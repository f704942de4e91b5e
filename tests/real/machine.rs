//! A disposable machine: a process whose namespaces and root directory are entered to run programs there.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;

use crate::cache::Subject;
use crate::process;

/// Where runs are recorded on every machine.
pub(crate) const RUNS: &str = "/state/runs";

/// A machine that is up.
pub(crate) struct Machine {
    leader: u32,
}

/// How a call ended.
pub(crate) struct CallResult {
    /// Exit code; 128 and the signal's number after a signal.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Machine {
    /// The machine whose first process is `leader`.
    pub(crate) fn of(leader: u32) -> Self {
        Self { leader }
    }

    /// A command on the machine, with an environment of its own.
    pub(crate) fn command(&self, program: &str) -> Command {
        // nsenter and not `machinectl shell`: it needs no bus and passes the exit code on. `env -i` keeps the variables
        // of the caller out of the machine.
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.leader.to_string()]).args(["--all", "--"]);
        command.args([
            "env",
            "-i",
            "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME=/root",
            "LC_ALL=C",
        ]);
        command.arg(program);
        command
    }

    /// Runs a script, which must pass.
    pub(crate) fn sh(&self, script: &str) -> anyhow::Result<String> {
        process::output(self.command("sh").args(["-euc", script]))
            .with_context(|| format!("on the machine: {script}"))
    }

    /// Runs the program that is tested.
    pub(crate) fn bootstrap(&self, subject: &Subject, arguments: &[&str]) -> anyhow::Result<CallResult> {
        self.bootstrap_under(&[], subject, arguments)
    }

    /// Runs the program that is tested, started by `wrapper`.
    pub(crate) fn bootstrap_under(
        &self,
        wrapper: &[&str],
        subject: &Subject,
        arguments: &[&str],
    ) -> anyhow::Result<CallResult> {
        let words: Vec<&str> = wrapper
            .iter()
            .copied()
            .chain([subject.program.as_str()])
            .chain(arguments.iter().copied())
            .collect();
        let began = Instant::now();
        let output = process::run(self.command(words[0]).args(&words[1..]))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(CallResult {
            code: output.status.code().unwrap_or_else(|| 128 + signal_of(output.status)),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            took: began.elapsed(),
        })
    }

    /// A file of the machine as this process sees it.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        Path::new(&format!("/proc/{}/root", self.leader)).join(path.trim_start_matches('/'))
    }

    /// The text of a file, or nothing if there is none.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read(self.at(path)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Writes a file and the directories above it.
    pub(crate) fn write(&self, path: &str, text: &str, mode: u32) -> anyhow::Result<()> {
        let at = self.at(path);
        if let Some(directory) = at.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(&at, text).with_context(|| format!("cannot write {path} on the machine"))?;
        fs::set_permissions(&at, fs::Permissions::from_mode(mode))?;
        Ok(())
    }

    /// The public manifests of all runs, by id.
    pub(crate) fn manifests(&self) -> BTreeMap<String, Value> {
        self.manifests_in(RUNS)
    }

    /// The public manifests of all runs that are recorded in `directory`, by id.
    pub(crate) fn manifests_in(&self, directory: &str) -> BTreeMap<String, Value> {
        self.records(directory, |name| !name.ends_with("-private"))
    }

    /// The private contexts of all runs, by id and `-private`.
    pub(crate) fn contexts(&self) -> BTreeMap<String, Value> {
        self.records(RUNS, |name| name.ends_with("-private"))
    }

    fn records(&self, directory: &str, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, Value> {
        let entries = fs::read_dir(self.at(directory)).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                let name = name.strip_prefix("bootstrap-")?.strip_suffix(".json")?.to_owned();
                let value = serde_json::from_slice(&fs::read(entry.path()).ok()?).ok()?;
                wanted(&name).then_some((name, value))
            })
            .collect()
    }
}

impl CallResult {
    /// Everything that there is to say about it.
    pub(crate) fn text(&self) -> String {
        format!("exit code {}\n{}\n{}", self.code, self.stdout, self.stderr)
    }

    /// The JSON document on standard output.
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_default()
    }

    /// Seconds, for the transcript.
    pub(crate) fn seconds(&self) -> String {
        format!("{:.1} s", self.took.as_secs_f32())
    }
}

fn signal_of(status: std::process::ExitStatus) -> i32 {
    std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or_default()
}
