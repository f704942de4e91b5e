//! A home, a working directory and a `PATH` that belong to one test.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::invocation::{Invocation, Outcome};
use crate::machine::{self, NOBODY, eventually, is_root, program};
use crate::records::{Entry, RunRecord, tree};
use crate::server::Server;
use crate::session::{self, Sessions};

/// A home, a working directory and a `PATH` that belong to one test, and are removed with it.
#[derive(Debug)]
pub struct Sandbox {
    root: TempDir,
    is_unprivileged: bool,
    sessions: Sessions,
}

impl Sandbox {
    /// An empty one. It is in `/tmp` whatever `TMPDIR` says: the length of its path decides where messages are wrapped,
    /// and those are compared with snapshots.
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("e2e-").tempdir_in("/tmp").expect("a scratch directory");
        let sandbox = Self { root, is_unprivileged: false, sessions: Sessions::default() };
        for directory in [sandbox.home(), sandbox.cwd(), sandbox.bin()] {
            fs::create_dir(directory).expect("a scratch directory takes directories");
        }
        fs::write(sandbox.calls(), "").expect("a scratch directory takes files");
        for (name, stub) in Stub::HOST {
            sandbox.stub(name, stub);
        }
        sandbox
    }

    /// One whose calls are made by a user who is not root and owns all of it.
    pub fn unprivileged() -> Self {
        let mut sandbox = Self::new();
        sandbox.is_unprivileged = is_root();
        if is_root() {
            for path in [sandbox.root(), &sandbox.home(), &sandbox.cwd(), &sandbox.bin(), &sandbox.calls()] {
                chown(path, Some(NOBODY), Some(NOBODY)).expect("root gives away what it likes");
            }
        }
        sandbox
    }

    /// The directory that holds all of it.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The home directory.
    pub fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    /// The working directory.
    pub fn cwd(&self) -> PathBuf {
        self.root().join("work")
    }

    /// The directory of runs.
    pub fn runs_dir(&self) -> PathBuf {
        self.cwd().join("runs")
    }

    /// The outbox.
    pub fn outbox(&self) -> PathBuf {
        self.runs_dir().join("telemetry-outbox")
    }

    fn bin(&self) -> PathBuf {
        self.root().join("bin")
    }

    fn calls(&self) -> PathBuf {
        self.root().join("calls")
    }

    /// Puts a stand-in for the program `name` on the `PATH`.
    pub fn stub(&self, name: &str, stub: Stub<'_>) {
        stub.install(&self.bin(), name, &self.calls());
    }

    /// How stand-ins were called so far, in order.
    pub fn calls_made(&self) -> Vec<String> {
        fs::read_to_string(self.calls()).expect("readable").lines().map(str::to_owned).collect()
    }

    /// Waits until the stand-in `name` has been called.
    pub fn wait_for_call(&self, name: &str) {
        let called = || self.calls_made().iter().any(|call| call.starts_with(name));
        assert!(eventually(Duration::from_secs(70), called), "{name} was not called");
    }

    /// Lets stand-ins answer that still take their time.
    pub fn hurry_stubs(&self) {
        fs::write(self.calls().with_extension("hurry"), "").expect("the directory is ours");
    }

    /// Writes a file with this mode in the working directory and returns its path.
    pub fn file(&self, name: &str, content: &str, mode: u32) -> PathBuf {
        let path = self.cwd().join(name);
        fs::write(&path, content).expect("the directory is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("the file is ours");
        if self.is_unprivileged {
            chown(&path, Some(NOBODY), Some(NOBODY)).expect("root gives away what it likes");
        }
        path
    }

    /// A call of the binary in this sandbox. Its endpoint is a port of loopback where nothing listens, so that no fault of
    /// the binary can send anything anywhere.
    pub fn bootstrap<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Invocation {
        let call = Invocation::new(&self.cwd(), &self.sessions)
            .args(arguments)
            .env("HOME", self.home())
            .env("PATH", self.bin())
            .env("TELEMETRY_ENDPOINT", "http://127.0.0.1:9/telemetry");
        if !self.is_unprivileged {
            return call;
        }
        let setpriv = program("setpriv").expect("util-linux is on every supported host");
        let (user, group) = (format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"));
        call.through([setpriv.as_os_str(), user.as_ref(), group.as_ref(), "--clear-groups".as_ref()])
    }

    /// A dry run of `mode`.
    pub fn dry_run(&self, mode: &str) -> Invocation {
        self.bootstrap(["run", "--mode", mode, "--dry-run"])
    }

    /// A dry run of the server mode that reports to `server`.
    pub fn reporting_run(&self, server: &Server) -> Invocation {
        self.dry_run("server").env("TELEMETRY_ENABLED", "true").env("TELEMETRY_ENDPOINT", server.url())
    }

    /// Delivers the queued documents to `server`, in the foreground.
    pub fn flush(&self, server: &Server) -> Outcome {
        let call = self.bootstrap(["telemetry", "flush"]);
        call.env("TELEMETRY_ENABLED", "true").env("TELEMETRY_ENDPOINT", server.url()).run()
    }

    /// The runs so far, by id.
    pub fn runs(&self) -> Vec<RunRecord> {
        RunRecord::all(&self.runs_dir())
    }

    /// The only run so far.
    pub fn only_run(&self) -> RunRecord {
        let mut runs = self.runs();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs.remove(0)
    }

    /// Event ids of the queued entries in the outbox.
    pub fn queued(&self) -> Vec<String> {
        let names = fs::read_dir(self.outbox())
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect()
    }

    /// Everything in the sandbox except the directory of runs and the recorded calls of the stand-ins.
    pub fn files_outside_runs(&self) -> BTreeMap<PathBuf, Entry> {
        let mut found = tree(self.root(), Some("runs"));
        found.remove(Path::new("calls"));
        found
    }

    /// Ids of the detached deliveries in progress.
    pub fn deliveries(&self) -> Vec<u32> {
        self.sessions.deliveries().into_iter().map(|pid| pid.as_raw_nonzero().get().unsigned_abs()).collect()
    }

    /// Waits until no delivery is in progress.
    pub fn wait_for_deliveries(&self) {
        assert!(
            eventually(Duration::from_secs(70), || self.deliveries().is_empty()),
            "a delivery did not end"
        );
    }

    /// Kills the deliveries in progress.
    pub fn kill_deliveries(&self) {
        self.sessions.deliveries().into_iter().for_each(session::kill);
    }

    /// Compares an outcome with its snapshot, without ids, times, and what depends on this machine.
    pub fn snapshot(&self, name: &str, outcome: &impl ToString) {
        self.compare(name, &outcome.to_string(), OF_THIS_MACHINE);
    }

    /// As [`Self::snapshot`], with what failed in the preflight.
    pub fn snapshot_screen(&self, name: &str, outcome: &impl ToString) {
        self.compare(name, &failures_alone(&outcome.to_string()), &[]);
    }

    fn compare(&self, name: &str, text: &str, more: &[(&str, &str)]) {
        let mut settings = insta::Settings::clone_current();
        for (pattern, replacement) in FILTERS.iter().chain(more) {
            settings.add_filter(pattern, *replacement);
        }
        settings.add_filter(&self.root().display().to_string(), "[sandbox]");
        // Snapshots are named by what they show: tests may move between modules without renaming files.
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_snapshot_path(machine::workspace().join("tests/tests/suite/snapshots"));
        settings.bind(|| insta::assert_snapshot!(name, text));
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Sandbox {
    /// A delivery must not write to a directory that is about to be removed.
    fn drop(&mut self) {
        // One may be started between the listing and the kill, so this repeats until the listing is empty.
        eventually(Duration::from_secs(5), || {
            self.kill_deliveries();
            self.deliveries().is_empty()
        });
    }
}

/// How a stand-in answers.
#[derive(Clone, Copy, Debug)]
pub struct Stub<'a> {
    /// What it writes to standard output.
    pub stdout: &'a str,
    /// What it writes to standard error.
    pub stderr: &'a str,
    /// How long it takes, if it is not hurried.
    pub seconds: u32,
    /// Its exit code.
    pub code: u8,
}

impl Default for Stub<'_> {
    /// A program that a dry run has no reason to call.
    fn default() -> Self {
        Self { stdout: "", stderr: "a stand-in that should not have been called", seconds: 0, code: 97 }
    }
}

impl Stub<'_> {
    /// The stand-ins of every sandbox: a host where systemd knows nothing and no package is installed.
    pub(crate) const HOST: [(&'static str, Self); 5] = [
        ("systemctl", Stub { stdout: "inactive", stderr: "", seconds: 0, code: 3 }),
        ("dpkg-query", Stub { stdout: "", stderr: "dpkg-query: no packages found", seconds: 0, code: 1 }),
        ("curl", UNWANTED),
        ("tar", UNWANTED),
        ("apt-get", UNWANTED),
    ];

    /// Writes it to `directory` as the program `name`; its calls go to `calls`, one per line.
    pub(crate) fn install(self, directory: &Path, name: &str, calls: &Path) {
        let Self { stdout, stderr, seconds, code } = self;
        let hurry = calls.with_extension("hurry");
        let (calls, hurry, naps) = (calls.display(), hurry.display(), seconds * 10);
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"{name} $*\" >>'{calls}'\nnaps={naps}\n\
             while [ $naps -gt 0 ] && [ ! -e '{hurry}' ]; do /bin/sleep 0.1; naps=$((naps - 1)); done\n\
             printf '%s' '{stdout}'\nprintf '%s' '{stderr}' >&2\nexit {code}\n"
        );
        let path = directory.join(name);
        fs::write(&path, script).expect("the directory is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    }
}

const UNWANTED: Stub<'static> =
    Stub { stdout: "", stderr: "a stand-in that should not have been called", seconds: 0, code: 97 };

/// The text without what the preflight says of this machine but for what failed, which a test has brought about.
fn failures_alone(text: &str) -> String {
    // Further lines of a finding begin below its text.
    const INDENT: &str = "                       ";
    let mut kept = String::new();
    let mut is_told = true;
    for line in text.lines() {
        let is_finding = |mark: &str| line.starts_with(&format!("  {mark:<4}  "));
        if !line.starts_with(INDENT) {
            is_told = !(is_finding("ok") || is_finding("warn"));
        }
        if is_told {
            kept.push_str(&without_counts(line));
            kept.push('\n');
        }
    }
    kept
}

/// How many checks failed is the test's doing; how many did not depends on the machine.
fn without_counts(line: &str) -> String {
    let start = line.find("Preflight: ").map_or(0, |at| at + "Preflight: ".len());
    let (counts, rest) = line[start..].split_once(". ").unwrap_or((&line[start..], ""));
    let is_count =
        |part: &&str| part.ends_with(" ok") || part.ends_with(" warning") || part.ends_with(" warnings");
    let parts: Vec<&str> = counts.split(", ").collect();
    if !parts.iter().any(is_count) {
        return line.to_owned();
    }
    let told: Vec<&str> = parts.into_iter().filter(|part| !is_count(part)).chain(["[others]"]).collect();
    let rest = if rest.is_empty() { String::new() } else { format!(". {rest}") };
    format!("{}{}{rest}", &line[..start], told.join(", "))
}

/// What differs from run to run or from machine to machine.
const FILTERS: &[(&str, &str)] = &[
    (r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[uuid]"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[time]"),
    (r"(Dry run|Preflight|Verify): ([a-z-]+), [a-z-]+ [a-z0-9.]+ [a-z0-9]+", "$1: $2, [platform]"),
    (r"\(\d+\.\d s\)", "([took])"),
    (r"(Done\S* in) \d+s:", "$1 [took]:"),
    // The content of these files depends on this machine.
    (r"(?s)--- [a-z/]+\n *(\+\+\+ /etc/(?:hosts|exports)\n).*?(\n *\+[^+])", "$1[context]$2"),
    (r"amd64|arm64", "[arch]"),
];

/// The lines of the preflight say what this machine is.
const OF_THIS_MACHINE: &[(&str, &str)] = &[
    (r"(?s)Preflight: .*?\n\n", "Preflight: [checks of this machine]\n\n"),
    (r" A run would (stop|ask)[^\n]*(\n[^A-Z\n][^\n]*)*", ""),
];
