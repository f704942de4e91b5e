//! The erasure of a session or a run from the file.
//!
//! Not only its rows: the bytes of its ids too. The engine overwrites what it deletes, but where it has moved rows between
//! pages, a copy can stay in a gap of a page (measured: for 4 of 600 runs). So the file is searched, and only if
//! something is found is it made anew, which takes as much of the disk again and keeps writers waiting.
//!
//! What is found then may be part of something else: of a longer id, of an event's, or, for eight zero bytes, of the header
//! of the file. Rows decide, because a file that is made anew holds nothing but rows.

use std::fs::File;
use std::io::{Read, Seek};

use rusqlite::{Connection, TransactionBehavior, params};

use super::SqliteStore;
use super::weeks::correct_rollup;
use crate::arrival::PackedId;
use crate::store::{DocumentStore, Erased, ErasureStore, StoreError};

impl ErasureStore for SqliteStore {
    fn erase(&mut self, id: &PackedId) -> Result<Erased, StoreError> {
        let erased =
            erase(&mut self.connection, id.as_bytes()).map_err(|error| self.failed("erase", error))?;
        self.settle()?;
        if self.has_bytes(id.as_bytes())? {
            make_anew(&self.connection, id.as_bytes())
                .map_err(|error| self.failed("make the file anew", error))?;
            self.settle()?;
            if self.has_rows(id)? {
                return Err(StoreError::NotErased { path: self.path.clone() });
            }
        }
        Ok(erased)
    }
}

impl SqliteStore {
    /// Whether a row names this id: as its session, its run, or the run above that.
    fn has_rows(&self, id: &PackedId) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM document WHERE ?1 IN (session_id, run_id, parent_run_id))
                       OR EXISTS (SELECT 1 FROM run WHERE ?1 IN (session_id, run_id, parent_run_id))";
        let found = self.connection.query_row(sql, [id.as_bytes()], |row| row.get(0));
        found.map_err(|error| self.failed("look for what was erased", error))
    }

    /// Whether the file has these bytes anywhere.
    fn has_bytes(&mut self, bytes: &[u8]) -> Result<bool, StoreError> {
        let path = &self.path;
        let failed = |error| StoreError::Search { path: path.clone(), error };
        let file = match &mut self.searched {
            Some(file) => file,
            none => none.insert(File::open(path).map_err(failed)?),
        };
        contains(file, bytes).map_err(failed)
    }
}

/// Writes the whole file without what the engine has left in it, and without the rows that only a search of the whole
/// file finds: documents of one run may name different runs above it, and the run knows only the first.
fn make_anew(connection: &Connection, id: &[u8]) -> rusqlite::Result<()> {
    connection.execute("UPDATE document SET parent_run_id = NULL WHERE parent_run_id = ?1", params![id])?;
    // In a file, not in memory: it is as large as the store.
    connection.execute_batch("PRAGMA temp_store = FILE; VACUUM")
}

fn contains(mut file: &File, bytes: &[u8]) -> std::io::Result<bool> {
    const CHUNK: u64 = 1024 * 1024;
    let mut text = Vec::new();
    file.rewind()?;
    loop {
        // The end of the last chunk, where they may begin.
        text.drain(..text.len().saturating_sub(bytes.len() - 1));
        if file.take(CHUNK).read_to_end(&mut text)? == 0 {
            return Ok(false);
        }
        if text.windows(bytes.len()).any(|part| part == bytes) {
            return Ok(true);
        }
    }
}

fn erase(connection: &mut Connection, id: &[u8]) -> rusqlite::Result<Erased> {
    // Without this the bytes would stay in the free pages of the file.
    connection.execute_batch("PRAGMA secure_delete = ON")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut documents = 0;
    for sql in [
        "DELETE FROM document WHERE session_id = ?1",
        "DELETE FROM document WHERE run_id = ?1 AND session_id IN (SELECT session_id FROM run WHERE run_id = ?1)",
        // Those that are not part of a run yet.
        "DELETE FROM document WHERE run_id = ?1 AND id > (SELECT document_id FROM rolled_up)",
    ] {
        documents += transaction.execute(sql, params![id])?;
    }
    let runs = transaction.execute("DELETE FROM run WHERE session_id = ?1 OR run_id = ?1", params![id])?;
    // The runs below it stay, and no longer say what is above them.
    for sql in [
        "UPDATE document SET parent_run_id = NULL WHERE parent_run_id = ?1
             AND session_id IN (SELECT session_id FROM run WHERE parent_run_id = ?1)",
        "UPDATE document SET parent_run_id = NULL WHERE parent_run_id = ?1
             AND id > (SELECT document_id FROM rolled_up)",
        "UPDATE run SET parent_run_id = NULL WHERE parent_run_id = ?1",
    ] {
        transaction.execute(sql, params![id])?;
    }
    correct_rollup(&transaction)?;
    transaction.commit()?;
    Ok(Erased { documents, runs })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use schema::Id;

    use super::*;
    use crate::arrival::{Arrival, example};
    use crate::store::{RunStore, TableAccess};

    fn open(file: &Path) -> SqliteStore {
        SqliteStore::open(file, TableAccess::Make).expect("opened")
    }

    /// Documents of a run each.
    fn arrivals(count: usize) -> Vec<Arrival> {
        let arrival = |_| Arrival {
            session_id: PackedId::of(&Id::random()),
            run_id: PackedId::of(&Id::random()),
            ..example(1)
        };
        (0..count).map(arrival).collect()
    }

    /// Stores a document of each of these runs, and makes it part of the run.
    fn roll_up(store: &mut SqliteStore, runs: &[Arrival], (event, detail): (u8, &str)) {
        let document =
            |run: &Arrival| Arrival { event_id: [event; 16], detail: detail.to_owned(), ..run.clone() };
        let documents = runs.iter().map(document);
        store.insert(&documents.collect::<Vec<_>>(), 0).expect("stored");
        while store.roll_up_runs(100, 0).expect("rolled up") > 0 {}
    }

    fn count(bytes: &[u8], id: &PackedId) -> usize {
        let id = id.as_bytes();
        bytes.windows(id.len()).filter(|part| *part == id).count()
    }

    #[test]
    fn a_run_that_is_written_again_leaves_no_copy() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("r.db");
        let (mut store, runs) = (open(&file), arrivals(10));
        roll_up(&mut store, &runs, (1, "{}"));
        // It says more about each run, so that the row does not stay in its place.
        roll_up(&mut store, &runs, (2, r#"{"name":"run","mode":"single-node","result":"started"}"#));
        store.settle().expect("written back");
        let written = std::fs::read(&file).expect("read");
        store.connection.execute_batch("VACUUM").expect("made anew");
        store.settle().expect("written back");
        let anew = std::fs::read(&file).expect("read");
        for run in &runs {
            assert_eq!(count(&written, &run.run_id), count(&anew, &run.run_id));
        }
    }

    #[test]
    fn what_the_engine_leaves_between_rows_is_erased_too() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("r.db");
        let (mut store, runs) = (open(&file), arrivals(40));
        roll_up(&mut store, &runs, (1, "{}"));
        drop(store);
        let other = Connection::open(&file).expect("opened");
        // A build that did not overwrite what it deletes.
        other
            .execute_batch("PRAGMA secure_delete = OFF; UPDATE run SET client = client || '-longer'")
            .expect("written");
        drop(other);
        let copies = |ids: &[PackedId]| {
            let bytes = std::fs::read(&file).expect("read");
            ids.iter().map(|id| count(&bytes, id)).sum::<usize>()
        };
        let ids: Vec<PackedId> = runs.iter().step_by(4).map(|run| run.run_id).collect();
        // In its document, in its run and in the index of that.
        assert!(copies(&ids) > 3 * ids.len(), "there are copies to be found");
        let mut store = open(&file);
        for id in &ids {
            assert_eq!(store.erase(id).expect("erased"), Erased { documents: 1, runs: 1 });
        }
        assert_eq!(copies(&ids), 0);
        assert_eq!(store.count().expect("counted"), 30);
    }

    /// The first of them is in the header of every file.
    #[test]
    fn an_id_whose_bytes_are_part_of_others_is_erased_all_the_same() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut store, mut runs) = (open(&directory.path().join("r.db")), arrivals(2));
        let short = PackedId::from_bytes(&runs[0].run_id.as_bytes()[..8]).expect("half of a UUID");
        runs[1].run_id = short;
        roll_up(&mut store, &runs, (1, "{}"));
        let zeros = PackedId::from_bytes(&[0; 8]).expect("an id");
        for (id, documents) in [(zeros, 0), (short, 1), (short, 0)] {
            assert_eq!(store.erase(&id).expect("erased"), Erased { documents, runs: documents });
        }
        assert_eq!(store.count().expect("counted"), 1);
    }

    /// A layer above may give its run and an event one id. The run below it knows another run above it.
    #[test]
    fn an_id_that_an_event_has_too_is_erased_where_it_names_a_run() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut store = open(&directory.path().join("r.db"));
        let [first, second] = [7, 8].map(|byte| PackedId::from_bytes(&[byte; 16]).expect("an id"));
        for (parent, event) in [(first, 8), (second, 9)] {
            roll_up(&mut store, &[Arrival { parent_run_id: Some(parent), ..example(1) }], (event, "{}"));
        }
        assert!(store.has_rows(&second).expect("read"));
        assert_eq!(store.erase(&second).expect("erased"), Erased { documents: 0, runs: 0 });
        assert_eq!((store.has_rows(&second).expect("read"), store.count().expect("counted")), (false, 2));
    }

    #[test]
    fn a_row_that_names_an_id_in_any_place_is_found() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut store = open(&directory.path().join("r.db"));
        let [session, run, parent] = [1, 2, 3].map(|byte| PackedId::from_bytes(&[byte; 16]).expect("an id"));
        let arrival = Arrival { session_id: session, run_id: run, parent_run_id: Some(parent), ..example(1) };
        let is_found = |store: &SqliteStore, id: &PackedId| store.has_rows(id).expect("read");
        store.insert(&[arrival], 0).expect("stored");
        assert!([session, run, parent].iter().all(|id| is_found(&store, id)), "the document");
        while store.roll_up_runs(100, 0).expect("rolled up") > 0 {}
        store.connection.execute("DELETE FROM document", []).expect("deleted");
        assert!([session, run, parent].iter().all(|id| is_found(&store, id)), "the run");
        store.connection.execute("DELETE FROM run", []).expect("deleted");
        roll_up(&mut store, &arrivals(1), (4, "{}"));
        let event = PackedId::from_bytes(&[4; 16]).expect("an id");
        assert!(![session, run, parent, event].iter().any(|id| is_found(&store, id)), "those of others");
    }

    #[test]
    fn what_the_log_still_has_is_not_called_erased() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("r.db");
        let (mut store, runs) = (open(&file), arrivals(2));
        roll_up(&mut store, &runs, (1, "{}"));
        let reader = Connection::open(&file).expect("opened");
        reader.execute_batch("BEGIN; SELECT count(*) FROM document").expect("reads");
        // Not ten seconds.
        store.connection.busy_timeout(std::time::Duration::ZERO).expect("set");
        let error = store.erase(&runs[0].run_id).expect_err("somebody reads what was there before");
        assert!(matches!(error, StoreError::LogInUse { .. }), "{error}");
        reader.execute_batch("COMMIT").expect("read");
        assert_eq!(store.erase(&runs[0].run_id).expect("erased"), Erased { documents: 0, runs: 0 });
        let log = std::fs::read(directory.path().join("r.db-wal")).expect("a log");
        assert_eq!(
            [log, std::fs::read(&file).expect("read")].map(|bytes| count(&bytes, &runs[0].run_id)),
            [0, 0]
        );
    }

    #[test]
    fn bytes_are_found_wherever_they_begin() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("bytes");
        let mut bytes = vec![0; 3 * 1024 * 1024];
        for at in [0, 1024 * 1024 - 3, 2 * 1024 * 1024, bytes.len() - 8] {
            bytes[at..at + 8].copy_from_slice(b"searched");
            #[expect(clippy::disallowed_methods, reason = "a file of the test")]
            std::fs::write(&path, &bytes).expect("written");
            let found = |bytes| contains(&File::open(&path).expect("opened"), bytes).expect("read");
            assert!(found(b"searched") && !found(b"Searched"), "at {at}");
            bytes[at..at + 8].fill(0);
        }
    }
}
