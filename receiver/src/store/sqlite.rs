//! The embedded store.

mod runs;
mod weeks;

use std::path::{Path, PathBuf};
use std::time::Duration;

use privacy::disk::PrivateDir;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::{DocumentStore, INSTANCE_SECONDS, InsertOutcome, MAX_REFUSALS_A_DAY, StoreError};
use crate::arrival::Arrival;
use crate::refusals::RefusalCount;
use crate::week::DAY;

/// The tables, step by step. A step that was released is never changed; a change is another step.
const MIGRATIONS: &[&str] = &[include_str!("sqlite/001.sql"), include_str!("sqlite/002.sql")];

/// An SQLite file that is open for reading and writing.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    directory: PathBuf,
}

impl SqliteStore {
    /// How long another process may lock the file, such as a `retain` beside the service.
    const BUSY: Duration = Duration::from_secs(10);
    /// How often this checks whether it still does.
    const PAUSE: Duration = Duration::from_millis(1);

    /// Opens the file or makes it, private to this user, and brings its tables up to date.
    ///
    /// # Errors
    /// The file cannot be opened, is no SQLite file, or has tables of a newer build.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let directory = PrivateDir::create(parent)?;
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // SQLite would make the file readable for all; its companions (-wal, -shm) get the mode that the file has.
        drop(directory.open_or_create_file(name)?);
        let path = directory.path_of(name);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        // Without a canonical path, NOFOLLOW would refuse links above the file as well.
        let canonical = parent.canonicalize().map_or_else(|_| path.clone(), |parent| parent.join(name));
        let connection = Connection::open_with_flags(canonical, flags)
            .map_err(|error| StoreError::Sqlite { path: path.clone(), action: "open", error })?;
        let mut store = Self { connection, directory: parent.to_owned(), path };
        store.configure().map_err(|error| store.failed("configure", error))?;
        store.migrate()?;
        Ok(store)
    }

    fn configure(&mut self) -> rusqlite::Result<()> {
        // Often, and not with the pauses of up to 100 ms that SQLite makes: a rare check finds the file locked again.
        self.connection.busy_handler(Some(|times: i32| {
            std::thread::sleep(Self::PAUSE);
            Self::PAUSE * times.unsigned_abs() < Self::BUSY
        }))?;
        self.connection.execute_batch(
            // FULL: a commit is on the disk when it returns. The checkpoint is late because it is what writes scattered
            // pages; 16,000 pages of WAL are 64 MB.
            "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 16000; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;",
        )
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        let found = self.migrate_step_by_step().map_err(|error| self.failed("migrate", error))?;
        if found > MIGRATIONS.len() {
            return Err(StoreError::Newer {
                store: self.path.display().to_string(),
                found,
                known: MIGRATIONS.len(),
            });
        }
        Ok(())
    }

    /// Applies the missing steps in one transaction, which locks other processes out; the version that was found.
    fn migrate_step_by_step(&mut self) -> rusqlite::Result<usize> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = transaction.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?;
        let found = usize::try_from(found).unwrap_or(usize::MAX);
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
            let mut rows = transaction.prepare("SELECT count(*) FROM refusal WHERE day = ?")?;
            let mut add = transaction.prepare(
                "INSERT INTO refusal (day, rule, pointer, count) VALUES (?, ?, ?, ?)
                 ON CONFLICT (day, rule, pointer) DO UPDATE SET count = count + excluded.count",
            )?;
            for RefusalCount { rule, pointer, count } in refused {
                let full = rows.query_row([day], |row| row.get::<_, i64>(0))? >= MAX_REFUSALS_A_DAY;
                let mut is_known =
                    || known.query_row(params![day, rule, pointer], |row| row.get::<_, bool>(0));
                let pointer = if full && !is_known()? { "elsewhere" } else { pointer };
                add.execute(params![day, rule, pointer, i64::try_from(*count).unwrap_or(i64::MAX)])?;
            }
        }
        transaction.commit()
    }

    fn failed(&self, action: &'static str, error: rusqlite::Error) -> StoreError {
        StoreError::Sqlite { path: self.path.clone(), action, error }
    }
}

impl DocumentStore for SqliteStore {
    fn insert(&mut self, batch: &[Arrival], received_at: i64) -> Result<Vec<InsertOutcome>, StoreError> {
        self.insert_all(batch, received_at).map_err(|error| self.failed("store documents", error))
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
        self.connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(|error| self.failed("write the log back", error))
    }
}

#[cfg(test)]
mod tests;
