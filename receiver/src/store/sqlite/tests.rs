use super::*;
use crate::arrival::example as arrival;

fn open(directory: &tempfile::TempDir) -> SqliteStore {
    SqliteStore::open(&directory.path().join("r.db")).expect("opened")
}

#[test]
fn copies_in_one_batch_and_over_a_restart_are_told_apart() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(&directory);
    let batch = [arrival(1), arrival(2), arrival(1)];
    assert_eq!(
        store.insert(&batch, 0).expect("stored"),
        [InsertOutcome::New, InsertOutcome::New, InsertOutcome::Duplicate]
    );
    drop(store);
    let mut store = open(&directory);
    assert_eq!(
        store.insert(&[arrival(2), arrival(3)], 0).expect("stored"),
        [InsertOutcome::Duplicate, InsertOutcome::New]
    );
    assert_eq!(store.count().expect("counted"), 3);
}

#[test]
fn a_batch_is_stored_whole_or_not_at_all() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(&directory);
    store
        .connection
        .execute_batch(
            "CREATE TRIGGER poison BEFORE INSERT ON document WHEN NEW.event_id = x'0d5a1c7e6a534a9e8c0f51b7a2f4d302'
             BEGIN SELECT RAISE(ABORT, 'poison'); END",
        )
        .expect("made");
    let error = store.insert(&[arrival(1), arrival(2)], 0).expect_err("refused");
    assert!(error.is_about_a_row(), "{error}");
    assert_eq!(store.count().expect("counted"), 0);
}

#[test]
fn refusals_add_up_and_their_rows_are_bounded() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(&directory);
    let refused =
        |place: usize| RefusalCount { rule: "rule".to_owned(), pointer: format!("/{place}"), count: 2 };
    let all: Vec<RefusalCount> = (0..3_000).map(refused).collect();
    for _ in 0..2 {
        store.add_refusals(&all, 5 * DAY).expect("counted");
    }
    let (rows, total): (i64, i64) = store
        .connection
        .query_row("SELECT count(*), sum(count) FROM refusal WHERE day = 5", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("read");
    assert_eq!((rows, total), (MAX_REFUSALS_A_DAY + 1, 12_000));
}

#[test]
fn an_instance_that_is_gone_is_forgotten() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(&directory);
    store.note_instance([1; 16], 0).expect("noted");
    store.note_instance([2; 16], 2 * DAY).expect("noted");
    let count = store.connection.query_row("SELECT count(*) FROM instance", [], |row| row.get::<_, i64>(0));
    assert_eq!(count, Ok(1));
}
