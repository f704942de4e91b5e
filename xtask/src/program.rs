//! Programs of the workspace: built, and for the receiver started.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::workspace;

/// Builds a program of the workspace and returns its path. This crate does not depend on the gate: it must still build
/// when a published file is broken.
pub(crate) fn build(wanted: &[&str]) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--message-format=json-render-diagnostics"])
        .args(wanted)
        .current_dir(workspace::root())
        .output()
        .context("failed to start cargo")?;
    if !output.status.success() {
        bail!("failed to build {}:\n{}", wanted.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    let mut executables = printed.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    executables.next_back().context("cargo names no program")
}

/// Our receiver on free ports of loopback, which ends with this value.
pub(crate) struct ReceiverProcess {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl ReceiverProcess {
    /// Starts it by a command that serves.
    pub(crate) fn start(mut command: Command) -> anyhow::Result<Self> {
        command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]).stderr(Stdio::piped());
        let mut child = command.spawn().context("failed to start the receiver")?;
        let stderr = child.stderr.take().context("its messages are read")?;
        let mut line = String::new();
        BufReader::new(stderr).read_line(&mut line)?;
        let said = line.trim().strip_prefix("listening: http://").and_then(|url| url.split('/').next());
        let address = said.with_context(|| format!("the receiver said {line:?}"))?.parse()?;
        Ok(Self { child, address })
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it has used so far, in KiB, as the kernel states it (proc(5)).
    pub(crate) fn peak_memory_kib(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        Ok(peak.trim().trim_end_matches("kB").trim_end().parse()?)
    }
}

impl Drop for ReceiverProcess {
    fn drop(&mut self) {
        // It may have ended by itself; either way there is nothing more to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
