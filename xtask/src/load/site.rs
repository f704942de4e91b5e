//! The site of a measurement: a temporary directory, and a store in it.

use std::fs;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::cpu;
use super::documents::Documents;
use super::figure::Figure;
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

impl LoadStore {
    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
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

    /// The directory.
    pub(super) fn path(&self) -> &Path {
        &self.directory
    }

    /// What all of it takes on the disk, for people.
    pub(super) fn size(&self) -> anyhow::Result<String> {
        let output =
            Command::new("du").args(["--summarize", "--human-readable"]).arg(&self.directory).output()?;
        let said = String::from_utf8(output.stdout)?;
        Ok(said.split_whitespace().next().context("du says nothing")?.to_owned())
    }

    /// The store as the receiver is told of it.
    pub(super) fn store_url(&self) -> anyhow::Result<String> {
        Ok(match self.store {
            LoadStore::Sqlite => self.directory.join("receiver.db").display().to_string(),
            LoadStore::Postgres => {
                let socket = self.server().to_str().context("a path in UTF-8")?.replace('/', "%2F");
                format!("postgres://tests@{socket}/postgres")
            }
        })
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(program);
        command.args(arguments).env("RECEIVER_STORE", self.store_url()?).env("RECEIVER_DISK_RESERVE", "0");
        command.env("RECEIVER_SPOOL_DIR", self.directory.join("spool"));
        Ok(command)
    }

    /// Stores documents without a connection for each.
    fn import(&self, program: &Path, documents: impl Iterator<Item = String>) -> anyhow::Result<()> {
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

    /// Fills the store with the documents of these numbers, and makes runs of all that it has. A service would do that
    /// beside what is measured.
    pub(super) fn fill(
        &self,
        program: &Path,
        documents: &Documents,
        numbers: Range<u64>,
    ) -> anyhow::Result<()> {
        let (count, started) = (numbers.end - numbers.start, Instant::now());
        self.import(program, numbers.map(|number| documents.document(number)))?;
        Figure::new(count, started.elapsed(), Vec::new()).print("imported");
        let started = Instant::now();
        self.roll_up(program)?;
        workspace::print_line(&format!("rolled up in {:.1} s", started.elapsed().as_secs_f64()));
        Ok(())
    }

    fn roll_up(&self, program: &Path) -> anyhow::Result<()> {
        let status = self.command(program, &["rollup"])?.stdout(Stdio::null()).status()?;
        ensure!(status.success(), "the rollup failed");
        Ok(())
    }

    /// Starts a receiver here.
    pub(super) fn receiver(&self, program: &Path) -> anyhow::Result<ReceiverProcess> {
        self.receiver_with(program, &[])
    }

    /// As [`Self::receiver`], with other variables.
    pub(super) fn receiver_with(
        &self,
        program: &Path,
        variables: &[(&str, &str)],
    ) -> anyhow::Result<ReceiverProcess> {
        let mut command = self.command(program, &["serve"])?;
        command.envs(variables.iter().copied());
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
