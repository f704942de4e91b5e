//! A place for a receiver: a directory, and a store of either kind.

use std::fmt::Write;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::postgres::{Database, Postgres};
use super::process::{Receiver, program};

/// Makes two tests of each function that takes a [`Site`]: with an SQLite file, and with PostgreSQL.
macro_rules! on_both_stores {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name(&crate::support::Site::sqlite()); })+
        }
        mod postgres {
            $(#[test] fn $name() {
                if let Some(site) = crate::support::Site::postgres() {
                    super::$name(&site);
                }
            })+
        }
    };
}

pub(crate) use on_both_stores;

enum SiteStore {
    Sqlite(PathBuf),
    Postgres(Database),
}

/// A directory with a store.
pub(crate) struct Site {
    directory: TempDir,
    store: SiteStore,
}

impl Site {
    /// With an SQLite file.
    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = SiteStore::Sqlite(directory.path().join("receiver.db"));
        Self { directory, store }
    }

    /// With a database of the server that tests share; `None` where PostgreSQL is not installed.
    pub(crate) fn postgres() -> Option<Self> {
        Postgres::shared().map(Self::on)
    }

    /// With a database of this server.
    pub(crate) fn on(server: &Postgres) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self { directory, store: SiteStore::Postgres(server.database()) }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The SQLite file.
    pub(crate) fn file(&self) -> &Path {
        let SiteStore::Sqlite(file) = &self.store else { panic!("no SQLite file") };
        file
    }

    /// The bytes of the SQLite file and of its log; `None` for PostgreSQL.
    pub(crate) fn file_bytes(&self) -> Option<Vec<u8>> {
        let SiteStore::Sqlite(file) = &self.store else { return None };
        let read = |path: &Path| std::fs::read(path).unwrap_or_default();
        Some([read(file), read(&file.with_extension("db-wal"))].concat())
    }

    /// The PostgreSQL database.
    pub(crate) fn database(&self) -> &Database {
        let SiteStore::Postgres(database) = &self.store else { panic!("no PostgreSQL database") };
        database
    }

    /// The program on this store, by variables, so that the options of a test can override them.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        match &self.store {
            SiteStore::Sqlite(file) => command.env("RECEIVER_STORE", file),
            SiteStore::Postgres(database) => command.env("RECEIVER_STORE", database.url()),
        };
        command.env("RECEIVER_SPOOL_DIR", self.path().join("spool")).env("RECEIVER_DISK_RESERVE", "0");
        command.args(arguments);
        command
    }

    /// Starts a receiver here.
    pub(crate) fn receiver(&self) -> Receiver {
        self.receiver_with(&[])
    }

    /// As [`Self::receiver`], with more options.
    pub(crate) fn receiver_with(&self, options: &[&str]) -> Receiver {
        Receiver::start(self.command(&["serve"]), options)
    }

    /// Runs a command of the program; what it printed.
    pub(crate) fn tend(&self, command: &str) -> String {
        let output = self.command(&[command]).output().expect("it starts");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Imports lines.
    pub(crate) fn import(&self, lines: &[u8]) -> Output {
        let mut command = self.command(&["import", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("piped");
        std::thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(lines).expect("written"));
            child.wait_with_output().expect("it ends")
        })
    }

    /// How many runs the store holds.
    pub(crate) fn run_count(&self) -> i64 {
        self.number("SELECT count(*) FROM run")
    }

    /// How many rows name a run above them.
    pub(crate) fn parent_count(&self) -> i64 {
        self.number(
            "SELECT (SELECT count(parent_run_id) FROM document) + (SELECT count(parent_run_id) FROM run)",
        )
    }

    /// The one number that a query returns.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        match &self.store {
            SiteStore::Sqlite(file) => read_only(file).query_row(sql, [], |row| row.get(0)).expect("read"),
            SiteStore::Postgres(database) => database.sql(sql).trim().parse().expect("a number"),
        }
    }

    /// The event ids that the store holds, as often as it holds them.
    pub(crate) fn stored_events(&self) -> Vec<String> {
        match &self.store {
            SiteStore::Sqlite(file) => {
                let connection = read_only(file);
                let sql = "SELECT lower(hex(event_id)) FROM document ORDER BY id";
                let mut query = connection.prepare(sql).expect("a table");
                let rows = query.query_map([], |row| row.get(0)).expect("read");
                rows.map(|row| row.expect("a row")).collect()
            }
            SiteStore::Postgres(database) => {
                let rows = database.sql("SELECT encode(event_id, 'hex') FROM document ORDER BY id");
                rows.lines().map(str::to_owned).collect()
            }
        }
    }

    /// Makes everything that is not part of a run yet look as if it had arrived this many days ago, after the last rollup.
    pub(crate) fn age(&self, days: i64) {
        self.execute(&format!("UPDATE rolled_up SET done_at = done_at - {days} * 86400"));
        let sql = |now: &str| {
            format!(
                "UPDATE document SET received_at = {now} - {days} * 86400
                 WHERE id > (SELECT document_id FROM rolled_up)"
            )
        };
        match &self.store {
            SiteStore::Sqlite(file) => {
                let connection = Connection::open(file).expect("opened");
                connection.execute(&sql("unixepoch()"), []).expect("aged");
            }
            SiteStore::Postgres(database) => {
                database.sql(&sql("extract(epoch FROM now())::bigint"));
            }
        }
    }

    /// Makes the clock look as if it had gone forward by so many days since the last rollup or deletion.
    pub(crate) fn leap(&self, days: i64) {
        self.execute(&format!("UPDATE clock SET believed_at = believed_at - {days} * 86400"));
    }

    /// Makes everything that was done here look as if it had been done so many days ago.
    pub(crate) fn pass(&self, days: i64) {
        self.leap(days);
        for (table, column) in [
            ("document", "received_at"),
            ("run", "received_at"),
            ("run", "last_received_at"),
            ("rolled_up", "done_at"),
        ] {
            self.execute(&format!("UPDATE {table} SET {column} = {column} - {days} * 86400"));
        }
    }

    /// Executes a statement that both kinds of store understand.
    pub(crate) fn execute(&self, sql: &str) {
        match &self.store {
            SiteStore::Sqlite(file) => {
                Connection::open(file)
                    .and_then(|connection| connection.execute_batch(sql))
                    .expect("executed");
            }
            SiteStore::Postgres(database) => drop(database.sql(sql)),
        }
    }

    /// Makes the store look as one of the build before.
    pub(crate) fn forget_newest_tables(&self) {
        match &self.store {
            SiteStore::Sqlite(file) => {
                let connection = Connection::open(file).expect("opened");
                let version: i64 =
                    connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("read");
                connection.pragma_update(None, "user_version", version - 1).expect("set");
            }
            SiteStore::Postgres(database) => {
                database.sql("DELETE FROM receiver_migration WHERE version = (SELECT max(version) FROM receiver_migration)");
            }
        }
    }

    /// Makes the tables refuse the document of this event, as a fault of ours would.
    pub(crate) fn poison(&self, event_id: &str) {
        self.tend("migrate");
        match &self.store {
            SiteStore::Sqlite(file) => {
                let sql = format!(
                    "CREATE TRIGGER poison BEFORE INSERT ON document WHEN NEW.event_id = x'{event_id}'
                     BEGIN SELECT RAISE(ABORT, 'poison'); END"
                );
                Connection::open(file).and_then(|connection| connection.execute_batch(&sql)).expect("made");
            }
            SiteStore::Postgres(database) => {
                // It says a value, as a server may.
                database.sql(&format!(
                    "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                         IF NEW.event_id = '\\x{event_id}' THEN
                             RAISE 'of %', encode(NEW.session_id, 'hex') USING ERRCODE = 'check_violation';
                         END IF;
                         RETURN NEW; END $$;
                     CREATE TRIGGER poison BEFORE INSERT ON document FOR EACH ROW EXECUTE FUNCTION poison()"
                ));
            }
        }
    }

    /// Every value of every table, one line per row, with `|` between values.
    pub(crate) fn dump(&self) -> String {
        match &self.store {
            SiteStore::Sqlite(file) => dump_file(file),
            SiteStore::Postgres(database) => {
                let names = "SELECT relname FROM pg_class
                             WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
                let names = database.sql(names);
                names.lines().map(|name| database.sql(&format!("SELECT * FROM {name}"))).collect()
            }
        }
    }
}

fn read_only(file: &Path) -> Connection {
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("opened")
}

fn dump_file(file: &Path) -> String {
    use rusqlite::types::Value;
    let connection = read_only(file);
    let mut tables =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").expect("prepared");
    let names: Vec<String> =
        tables.query_map([], |row| row.get(0)).expect("read").map(|name| name.expect("a name")).collect();
    let mut text = String::new();
    for name in names {
        let mut query = connection.prepare(&format!("SELECT * FROM \"{name}\"")).expect("prepared");
        let columns = query.column_count();
        let mut rows = query.query([]).expect("read");
        while let Some(row) = rows.next().expect("a row") {
            for column in 0..columns {
                match row.get(column).expect("a value") {
                    Value::Text(value) => write!(text, "{value}|"),
                    Value::Integer(value) => write!(text, "{value}|"),
                    value => write!(text, "{value:?}|"),
                }
                .expect("a String takes all");
            }
            text.push('\n');
        }
    }
    text
}
