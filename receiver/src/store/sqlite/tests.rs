use schema::Id;

use super::*;
use crate::arrival::{PackedId, example as arrival};
use crate::store::{RunStore, Tidied, VerifiedStore, WeekStore};
use crate::week::Week;

fn open(directory: &tempfile::TempDir) -> SqliteStore {
    SqliteStore::open(&directory.path().join("r.db"), TableAccess::Make).expect("opened")
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

/// Stores so many documents of a session each, and makes them part of their runs, all at this time.
fn fill(store: &mut SqliteStore, count: usize, now: i64) {
    let mut document = arrival(1);
    document.detail = format!("{{\"name\":\"{}\"}}", "x".repeat(400));
    let batch: Vec<Arrival> = (0..count)
        .map(|_| {
            document.session_id = PackedId::of(&Id::random());
            document.clone()
        })
        .collect();
    store.insert(&batch, now).expect("stored");
    while store.roll_up_runs(2_000, now).expect("rolled up") == 2_000 {}
}

/// Deletes what is too old at this time, as the rollup does; how many rows.
fn forget(store: &mut SqliteStore, now: i64) -> usize {
    let (mut all, mut next) = (0, Some(0));
    while let Some(after) = next {
        let step = store.forget(45, now, after).expect("deleted");
        all += step.rows;
        next = step.next;
    }
    all
}

#[test]
fn the_space_of_deleted_documents_goes_back_to_the_disk() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(&directory);
    fill(&mut store, 12_000, 0);
    store.close_week(Week::of(0), 10, &[]).expect("closed");
    assert_eq!(forget(&mut store, 100 * DAY), 12_000);
    let size = || std::fs::metadata(directory.path().join("r.db")).expect("a file").len();
    store.settle().expect("written back");
    let before = size();
    let mut steps = 0;
    while store.tidy(0).expect("tidied") == Tidied::Partly {
        steps += 1;
    }
    assert!((1..20).contains(&steps), "{steps} steps, each frees many pages");
    let free = store.connection.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0));
    assert_eq!(free, Ok(0));
    assert!(size() < before / 2, "{} of {before} bytes", size());
}

#[test]
fn documents_of_a_clock_that_was_ahead_do_not_keep_the_old_ones_behind_them() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(&directory);
    fill(&mut store, 1, 0);
    // More of them than a step looks at, by a clock that was believed.
    fill(&mut store, 6_000, 60 * DAY);
    fill(&mut store, 11_000, DAY);
    fill(&mut store, 7, 70 * DAY);
    store.close_week(Week::of(DAY), 10, &[]).expect("closed");
    assert_eq!(forget(&mut store, 75 * DAY), 17_001);
    assert_eq!(store.count().expect("counted"), 7);
    assert_eq!(store.verify().expect("read").faults, [""; 0]);
}

#[test]
fn a_run_of_thirteen_months_goes_with_its_last_documents() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(&directory);
    store.insert(&[arrival(1)], 0).expect("stored");
    store.insert(&[arrival(2)], 390 * DAY).expect("stored");
    store.roll_up_runs(10, 390 * DAY).expect("rolled up");
    // Not part of the run yet: another run will be made of it.
    store.insert(&[arrival(3)], 391 * DAY).expect("stored");
    assert_eq!(forget(&mut store, 500 * DAY), 0, "no chart has them");
    store.close_week(Week::of(390 * DAY), 10, &[]).expect("closed");
    assert_eq!(forget(&mut store, 400 * DAY), 1, "the first document");
    // A step that does not come to the second document.
    let step = store.forget(45, 440 * DAY, 2).expect("deleted");
    assert_eq!(step.rows, 2, "the second document and the run");
    assert_eq!(store.roll_up_runs(10, 440 * DAY).expect("rolled up"), 1);
    assert_eq!(store.verify().expect("read"), VerifiedStore { documents: 1, faults: Vec::new() });
}
