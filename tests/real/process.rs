//! Programs that are run to their end, and programs that run until they are no longer needed.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tests::eventually;

/// A program that runs in the background and ends with this value, or with this process.
pub(crate) struct Daemon {
    name: String,
    child: Child,
}

impl Daemon {
    /// Starts `program`; its output goes to the file `log`. The kernel ends it when this process dies.
    pub(crate) fn start(
        program: &Path,
        prepare: impl FnOnce(&mut Command),
        log: &Path,
    ) -> anyhow::Result<Self> {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let output = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        // A tier that is killed must not leave etcd or a machine behind, and no destructor runs then.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        prepare(&mut command);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name, child })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until `ready`, unless the program ends before.
    pub(crate) fn until(&mut self, seconds: u64, mut ready: impl FnMut() -> bool) -> anyhow::Result<()> {
        let until = Instant::now() + Duration::from_secs(seconds);
        while !ready() {
            if !self.runs() {
                bail!("{} has ended", self.name);
            }
            if Instant::now() > until {
                bail!("{} is not ready after {seconds} s", self.name);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Whether it ends by itself within `limit`.
    pub(crate) fn ends_within(&mut self, limit: Duration) -> bool {
        eventually(limit, || !self.runs())
    }

    /// The code it ends with by itself within `limit`.
    pub(crate) fn code(&mut self, limit: Duration) -> Option<i32> {
        if self.ends_within(limit) { self.child.wait().ok()?.code() } else { None }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to one process.
pub(crate) fn signal(name: &str, pid: u32) -> anyhow::Result<()> {
    output(Command::new("kill").args(["-s", name, "--"]).arg(pid.to_string())).map(drop)
}

/// Runs a command to its end.
///
/// # Errors
/// It cannot be started, or ends with another code than 0; with the last lines of its output.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = run(command)?;
    if !output.status.success() {
        bail!("{program}: {}: {}", output.status, last_lines(&output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command to its end, whatever its code.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {program}"))
}

/// The last lines of standard error, or of standard output if that is empty.
fn last_lines(output: &Output) -> String {
    let text = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}
