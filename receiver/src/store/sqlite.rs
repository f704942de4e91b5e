//! The embedded store.

mod clock;
mod erasure;
mod runs;
mod weeks;

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use privacy::disk::{DiskError, PrivateDir};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::{DocumentStore, INSTANCE_SECONDS, InsertOutcome, MAX_REFUSALS_A_DAY, StoreError, TableAccess};
use crate::arrival::Arrival;
use crate::disk_access;
use crate::refusals::RefusalCount;
use crate::week::DAY;

/// The tables, step by step. A step that was released is never changed; a change is another step.
const MIGRATIONS: &[&str] = &[
    include_str!("sqlite/001.sql"),
    include_str!("sqlite/002.sql"),
    include_str!("sqlite/003.sql"),
    include_str!("sqlite/004.sql"),
    include_str!("sqlite/005.sql"),
];

/// An SQLite file that is open.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    directory: PathBuf,
    /// The same file, as an erasure searches it. Closed after the connection: to close it before would take the locks of
    /// that one (fcntl(2)).
    searched: Option<File>,
}

impl SqliteStore {
    /// How long another process may lock the file, such as a `retain` beside the service.
    const BUSY: Duration = Duration::from_secs(10);
    /// How often this checks whether it still does.
    const PAUSE: Duration = Duration::from_millis(1);

    /// Opens the file, with the tables of this build. [`TableAccess::Make`] makes it, private to this user, and brings its
    /// tables up to date.
    ///
    /// # Errors
    /// The file cannot be opened, is no SQLite file, or has tables of another build.
    pub(crate) fn open(path: &Path, access: TableAccess) -> Result<Self, StoreError> {
        let parent = Self::directory_of(path);
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if access == TableAccess::Check {
            // The log and its index are files beside it.
            disk_access::check_directory(parent)?;
            disk_access::check_file(path)?;
        }
        let found = Self::find_file(parent, name, access);
        let directory = found.map_err(|error| match error {
            DiskError::Missing { .. } => StoreError::Missing { store: path.display().to_string() },
            error => error.into(),
        })?;
        let path = directory.path_of(name);
        let mode = match access {
            TableAccess::Make | TableAccess::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
            TableAccess::Read | TableAccess::Check => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        // Without a canonical path, NOFOLLOW would refuse links above the file as well.
        let canonical = parent.canonicalize().map_or_else(|_| path.clone(), |parent| parent.join(name));
        let connection = Connection::open_with_flags(canonical, flags)
            .map_err(|error| StoreError::Sqlite { path: path.clone(), action: "open", error })?;
        let mut store = Self { connection, directory: parent.to_owned(), path, searched: None };
        store.configure(access).map_err(|error| store.failed("configure", error))?;
        store.check_tables(access)?;
        Ok(store)
    }

    /// The directory of a file.
    pub(crate) fn directory_of(path: &Path) -> &Path {
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Makes sure that the file is there and is one of ours; its directory.
    ///
    /// A file that is there is not opened for that. To close it again would take the locks of the connections that this
    /// process has to it (fcntl(2)), and another program that opens and closes the file would then delete its log, with
    /// all that is acknowledged from then on.
    fn find_file(parent: &Path, name: &str, access: TableAccess) -> Result<PrivateDir, DiskError> {
        let directory = match access {
            TableAccess::Make => PrivateDir::create(parent)?,
            TableAccess::Write | TableAccess::Read | TableAccess::Check => PrivateDir::open(parent)?,
        };
        if !directory.contains(name)? && access == TableAccess::Make {
            // SQLite would make the file readable for all; its companions (-wal, -shm) get the mode that the file has.
            match directory.create_file(name) {
                // Another process has made it first.
                Ok(_) | Err(DiskError::Exists { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let path = directory.path_of(name);
        let found = path.symlink_metadata().map_err(|source| match source.kind() {
            ErrorKind::NotFound => DiskError::Missing { path: path.clone() },
            _ => DiskError::Io { action: "inspect", path: path.clone(), source },
        })?;
        match found.file_type() {
            kind if kind.is_symlink() => Err(DiskError::Symlink { path }),
            kind if !kind.is_file() => Err(DiskError::NotAFile { path }),
            _ if found.nlink() > 1 => Err(DiskError::Unsafe { path, why: "has several hard links" }),
            _ => Ok(directory),
        }
    }

    fn configure(&mut self, access: TableAccess) -> rusqlite::Result<()> {
        // Often, and not with the pauses of up to 100 ms that SQLite makes: a rare check finds the file locked again.
        self.connection.busy_handler(Some(|times: i32| {
            std::thread::sleep(Self::PAUSE);
            Self::PAUSE * times.unsigned_abs() < Self::BUSY
        }))?;
        self.connection.execute_batch("PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;")?;
        if [TableAccess::Read, TableAccess::Check].contains(&access) {
            return Ok(());
        }
        self.connection.execute_batch(
            // FULL: a commit is on the disk when it returns. The checkpoint is late because it is what writes scattered
            // pages; 16,000 pages of WAL are 64 MB. FAST: what is deleted is overwritten in pages that are written anyway;
            // those that become free are given back by `tidy`.
            "PRAGMA secure_delete = FAST; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 16000;",
        )
    }

    /// Passes if the tables are those of this build, and brings them up to date before where that is allowed.
    fn check_tables(&mut self, access: TableAccess) -> Result<(), StoreError> {
        let known = MIGRATIONS.len();
        let found = match access {
            TableAccess::Make => self.migrate_step_by_step().map(|found| found.max(known)),
            TableAccess::Write | TableAccess::Read | TableAccess::Check => version(&self.connection),
        };
        match found.map_err(|error| self.failed("migrate", error))? {
            found if found == known => Ok(()),
            found => Err(StoreError::of_tables(self.path.display().to_string(), found, known)),
        }
    }

    /// Applies the missing steps in one transaction, which locks other processes out; the version that was found.
    fn migrate_step_by_step(&mut self) -> rusqlite::Result<usize> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = version(&transaction)?;
        if found < MIGRATIONS.len() {
            for step in &MIGRATIONS[found..] {
                transaction.execute_batch(step)?;
            }
            transaction.pragma_update(
                None,
                "user_version",
                i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX),
            )?;
        }
        transaction.commit()?;
        Ok(found)
    }

    /// Version of the tables.
    pub(crate) fn version() -> usize {
        MIGRATIONS.len()
    }

    fn insert_all(&mut self, batch: &[Arrival], received_at: i64) -> rusqlite::Result<Vec<InsertOutcome>> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut stored = Vec::with_capacity(batch.len());
        {
            let mut insert = transaction.prepare(
                "INSERT INTO document (session_id, occurred_at, event_id, run_id, parent_run_id, received_at, sent_at,
                     event, component, client, contract, attempt, detail)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT (session_id, occurred_at, event_id) DO NOTHING",
            )?;
            for arrival in batch {
                let new = insert.execute(params![
                    arrival.session_id.as_bytes(),
                    arrival.occurred_at,
                    arrival.event_id,
                    arrival.run_id.as_bytes(),
                    arrival.parent_run_id.as_ref().map(crate::arrival::PackedId::as_bytes),
                    received_at,
                    arrival.sent_at,
                    arrival.event,
                    arrival.component.as_str(),
                    arrival.client,
                    arrival.contract,
                    arrival.attempt,
                    arrival.detail,
                ])?;
                stored.push(if new == 1 { InsertOutcome::New } else { InsertOutcome::Duplicate });
            }
        }
        transaction.commit()?;
        Ok(stored)
    }

    fn add_all_refusals(&mut self, refused: &[RefusalCount], day: i64) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut known = transaction.prepare(
                "SELECT EXISTS (SELECT 1 FROM refusal WHERE day = ? AND rule = ? AND pointer = ?)",
            )?;
            let mut add = transaction.prepare(
                "INSERT INTO refusal (day, rule, pointer, count) VALUES (?, ?, ?, ?)
                 ON CONFLICT (day, rule, pointer) DO UPDATE SET count = count + excluded.count",
            )?;
            let count = "SELECT count(*) FROM refusal WHERE day = ?";
            let mut rows: i64 = transaction.query_row(count, [day], |row| row.get(0))?;
            for RefusalCount { rule, pointer, count } in refused {
                let is_known: bool = known.query_row(params![day, rule, pointer], |row| row.get(0))?;
                let has_row = is_known || rows < MAX_REFUSALS_A_DAY;
                rows += i64::from(!is_known);
                let pointer = if has_row { pointer } else { "elsewhere" };
                add.execute(params![day, rule, pointer, i64::try_from(*count).unwrap_or(i64::MAX)])?;
            }
        }
        transaction.commit()
    }

    fn failed(&self, action: &'static str, error: rusqlite::Error) -> StoreError {
        StoreError::Sqlite { path: self.path.clone(), action, error }
    }
}

/// Version of the tables in a file; 0 if there are none.
fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let found = connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?;
    Ok(usize::try_from(found).unwrap_or(usize::MAX))
}

impl DocumentStore for SqliteStore {
    fn insert(&mut self, batch: &[Arrival], received_at: i64) -> Result<Vec<InsertOutcome>, StoreError> {
        self.insert_all(batch, received_at).map_err(|error| self.failed("store documents", error))
    }

    fn try_insert(&mut self) -> Result<(), StoreError> {
        let attempt = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute(
                "INSERT INTO document (session_id, occurred_at, event_id, run_id, received_at, sent_at,
                     event, component, client, contract, attempt, detail)
                 VALUES (x'00', 0, x'00', x'00', 0, 0, '', '', '', '', 0, hex(randomblob(800)))",
                [],
            )?;
            transaction.rollback()
        };
        attempt(&mut self.connection).map_err(|error| self.failed("try to store a document", error))
    }

    fn add_refusals(&mut self, refused: &[RefusalCount], now: i64) -> Result<(), StoreError> {
        self.add_all_refusals(refused, now / DAY).map_err(|error| self.failed("count refusals", error))
    }

    fn note_instance(&mut self, id: [u8; 16], now: i64) -> Result<(), StoreError> {
        let note = |connection: &Connection| {
            connection.execute(
                "INSERT INTO instance (id, seen_at, contract_version) VALUES (?, ?, ?)
                 ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
                params![id, now, schema::CONTRACT_VERSION],
            )?;
            connection.execute("DELETE FROM instance WHERE seen_at < ?", [now - INSTANCE_SECONDS])
        };
        note(&self.connection).map(drop).map_err(|error| self.failed("note this instance", error))
    }

    fn count(&mut self) -> Result<u64, StoreError> {
        let count =
            self.connection.query_row("SELECT count(*) FROM document", [], |row| row.get::<_, i64>(0));
        count.map(i64::unsigned_abs).map_err(|error| self.failed("count the documents", error))
    }

    fn local_directory(&self) -> Option<&Path> {
        Some(&self.directory)
    }

    /// Writes the log of the file back into it, so that a backup of the one file is whole.
    fn settle(&mut self) -> Result<(), StoreError> {
        let is_blocked = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))
            .map_err(|error| self.failed("write the log back", error))?;
        if is_blocked { Err(StoreError::LogInUse { path: self.path.clone() }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
