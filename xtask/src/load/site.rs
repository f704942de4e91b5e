//! The site of a measurement: a temporary directory, and a store in it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::cpu;
use crate::program::ReceiverProcess;
use crate::workspace;

/// Opens the chains.
pub(super) const OPERATOR_TOKEN: &str = "0123456789abcdef-load";

/// Which store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LoadStore {
    Sqlite,
    Postgres,
}

/// A directory with a store. Both end with this value.
pub(super) struct LoadSite {
    directory: PathBuf,
    store: LoadStore,
}

impl LoadSite {
    /// Makes the directory, and starts the server if there is one. It syncs, as in production.
    pub(super) fn new(store: LoadStore) -> anyhow::Result<Self> {
        // Not below `target`: the server runs as another user, who may not reach that.
        let directory = std::env::temp_dir().join(format!("receiver-load-{}", std::process::id()));
        fs::create_dir(&directory).with_context(|| format!("failed to make {}", directory.display()))?;
        let site = Self { directory, store };
        fs::write(site.directory.join("operator-token"), OPERATOR_TOKEN)?;
        if store == LoadStore::Postgres {
            fs::create_dir(site.server())?;
            let said = site.control(&["start"], "-c shared_buffers=1GB -c max_wal_size=2GB")?;
            ensure!(said.is_empty(), "{said}");
        }
        Ok(site)
    }

    fn server(&self) -> PathBuf {
        self.directory.join("server")
    }

    fn control(&self, action: &[&str], options: &str) -> anyhow::Result<String> {
        let script = workspace::contract().join("conformance/postgresql/server.sh");
        let mut command = Command::new("sh");
        command.arg(script).args(&action[..1]).arg(self.server()).args(&action[1..]);
        let output = command.args(options.split_whitespace()).output().context("failed to start sh")?;
        ensure!(output.status.success(), "PostgreSQL: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// CPU time that the server has used so far; none if there is no server.
    pub(super) fn server_cpu(&self) -> Duration {
        let file = fs::read_to_string(self.server().join("db/postmaster.pid")).unwrap_or_default();
        file.lines().next().and_then(|pid| pid.parse().ok()).map_or(Duration::ZERO, cpu::of)
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> anyhow::Result<Command> {
        let store = match self.store {
            LoadStore::Sqlite => self.directory.join("receiver.db").display().to_string(),
            LoadStore::Postgres => {
                let socket = self.server().to_str().context("a path in UTF-8")?.replace('/', "%2F");
                format!("postgres://tests@{socket}/postgres")
            }
        };
        let mut command = Command::new(program);
        command.args(arguments).env("RECEIVER_STORE", store).env("RECEIVER_DISK_RESERVE", "0");
        command.env("RECEIVER_SPOOL_DIR", self.directory.join("spool"));
        Ok(command)
    }

    /// Stores documents without a connection for each.
    pub(super) fn import(
        &self,
        program: &Path,
        documents: impl Iterator<Item = String>,
    ) -> anyhow::Result<()> {
        let mut command = self.command(program, &["import", "-"])?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let mut lines = std::io::BufWriter::new(child.stdin.take().context("it is piped")?);
        for document in documents {
            writeln!(lines, "{document}")?;
        }
        drop(lines);
        if !child.wait()?.success() {
            bail!("the import failed");
        }
        Ok(())
    }

    /// Makes runs of what is stored.
    pub(super) fn roll_up(&self, program: &Path) -> anyhow::Result<()> {
        let status = self.command(program, &["rollup"])?.stdout(Stdio::null()).status()?;
        ensure!(status.success(), "the rollup failed");
        Ok(())
    }

    /// Starts a receiver here.
    pub(super) fn receiver(&self, program: &Path) -> anyhow::Result<ReceiverProcess> {
        let mut command = self.command(program, &["serve"])?;
        command.env("RECEIVER_OPERATOR_TOKEN_FILE", self.directory.join("operator-token"));
        ReceiverProcess::start(command)
    }
}

impl Drop for LoadSite {
    fn drop(&mut self) {
        // What could not be ended or removed stays below the temporary directory, and does not delay anything.
        if self.store == LoadStore::Postgres {
            let _ = self.control(&["stop", "immediate"], "");
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}
