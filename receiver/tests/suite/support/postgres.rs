//! A real PostgreSQL, started by the tests in a directory of its own as an ordinary user.

use std::fs::{self, Permissions};
use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A server. It ends, and its directory is removed, with this value or with this process, whatever ends it.
pub(crate) struct Postgres {
    directory: PathBuf,
    /// Waits for the end of its input.
    keeper: Child,
}

/// Starts a program of the system.
#[expect(clippy::disallowed_methods, reason = "a test starts what its subject works with")]
fn command(program: &str) -> Command {
    Command::new(program)
}

fn script() -> PathBuf {
    // The conformance of the published tables is checked on such a server as well: one script knows how to start it.
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/contract/conformance/postgresql/server.sh")
}

impl Postgres {
    /// The server that tests share, each with a database of its own; `None` where PostgreSQL is not installed.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        // These tests kill the receiver: the server needs no sync, and is faster without.
        SHARED.get_or_init(|| Self::start_with("-c fsync=off -c max_connections=300")).as_ref()
    }

    /// A server for this test only.
    pub(crate) fn own() -> Option<Self> {
        Self::start_with("")
    }

    /// A server of this test alone that listens on an address of this host as well.
    pub(crate) fn listening(address: Ipv4Addr) -> Option<Self> {
        Self::start_with(&format!("-c listen_addresses={address}"))
    }

    /// Has it encrypt connections that ask for it.
    pub(crate) fn encrypt(&self, certificate: &str, key: &str) {
        let owner = self.directory.metadata().expect("a directory");
        let database = self.named("postgres");
        for (setting, text) in [("ssl_cert_file", certificate), ("ssl_key_file", key)] {
            let path = self.directory.join(setting);
            #[expect(clippy::disallowed_methods, reason = "a file of the test")]
            fs::write(&path, text).expect("written");
            fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("set");
            // Where the test is root, the server is not.
            chown(&path, Some(owner.uid()), Some(owner.gid())).expect("given away");
            database.sql(&format!("ALTER SYSTEM SET {setting} = '{}'", path.display()));
        }
        database.sql("ALTER SYSTEM SET ssl = on");
        database.sql("SELECT pg_reload_conf()");
        super::wait_until("it encrypts", || database.sql("SHOW ssl") == "on\n");
    }

    fn start_with(options: &str) -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory").keep();
        let keeper = command("sh")
            .arg("-c")
            .arg("read _; sh \"$1\" stop \"$2\" immediate; rm -rf \"$2\"")
            .arg("sh")
            .args([&script(), &directory])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let server = Self { directory, keeper };
        let said = server.control("start", options);
        if let Some(reason) = said.strip_prefix("SKIP: ") {
            super::skip("PostgreSQL", reason.trim());
            return None;
        }
        Some(server)
    }

    fn control(&self, action: &str, options: &str) -> String {
        let mut command = command("sh");
        command.arg(script()).arg(action).arg(&self.directory).args(options.split(' '));
        let output = command.output().expect("it starts");
        assert!(output.status.success(), "{action}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Ends the server as a power failure would, except for what the kernel has not written yet.
    pub(crate) fn stop(&self) {
        self.control("stop", "immediate");
    }

    /// Starts it again.
    pub(crate) fn start(&self) {
        self.control("start", "");
    }

    /// An empty database.
    pub(crate) fn database(&self) -> Database {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.named("postgres").sql(&format!("CREATE DATABASE {name}"));
        self.named(&name)
    }

    fn named(&self, name: &str) -> Database {
        Database { directory: self.directory.clone(), name: name.to_owned() }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// A database of a server.
pub(crate) struct Database {
    directory: PathBuf,
    name: String,
}

impl Database {
    /// The URL for the receiver.
    pub(crate) fn url(&self) -> String {
        let directory = self.directory.to_str().expect("UTF-8").replace('/', "%2F");
        format!("postgres://tests@{directory}/{}", self.name)
    }

    /// The URL for a role that is not the owner of anything.
    pub(crate) fn url_of(&self, role: &str) -> String {
        self.url().replacen("tests@", &format!("{role}@"), 1)
    }

    /// The URL by which it is reached at an address, under a name that only the server's certificate knows.
    pub(crate) fn url_at(&self, host: &str, address: Ipv4Addr) -> String {
        format!("postgres://tests@{host}/{}?hostaddr={address}", self.name)
    }

    fn psql(&self) -> Command {
        let mut psql = command("psql");
        psql.args(["--username=tests", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
        psql.arg("--set=ON_ERROR_STOP=1").arg(format!("--dbname={}", self.name));
        psql.arg("--host").arg(&self.directory);
        psql
    }

    /// What statements return: one line per row, with `|` between columns.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let output = self.psql().arg("--command").arg(sql).output().expect("it starts");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Begins a transaction that holds the locks of `sql` until the value is dropped.
    pub(crate) fn hold(&self, sql: &str) -> HeldTransaction {
        let mut psql = self.psql();
        let mut child = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("piped");
        writeln!(stdin, "BEGIN; {sql}; SELECT 'held';").expect("written");
        let mut held = String::new();
        let stdout = child.stdout.take().expect("piped");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut held).expect("read");
        assert_eq!(held, "held\n");
        HeldTransaction { child, stdin: Some(stdin) }
    }
}

/// A transaction that is open until this is dropped, which rolls it back.
pub(crate) struct HeldTransaction {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl HeldTransaction {
    /// Commits it.
    pub(crate) fn commit(mut self) {
        let stdin = self.stdin.as_mut().expect("open");
        writeln!(stdin, "COMMIT;").expect("written");
    }
}

impl Drop for HeldTransaction {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}
