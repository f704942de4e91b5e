//! Crashed runs are marked; running, finished and foreign ones are not touched.

use std::fs;
use std::os::unix::fs::symlink;

use crate::common::{at, context, eventually, gate, manifest, run, scratch};
use manifest::{CRASHED_RUN_EXIT_CODE, Recovery, RunsDir, recover_crashed_runs};
use privacy::{Gate, LocalIdentifiers};
use schema::{Finish, RunManifest, Status, UtcSeconds};

fn public(runs: &RunsDir, of: &str) -> RunManifest {
    serde_json::from_slice(&fs::read(runs.public_path(&run(of))).expect("read")).expect("a manifest")
}

/// Writes the files of a run that says `running`, and releases them as a crash does.
fn die(runs: &RunsDir, of: &str) {
    let files = runs.claim(&run(of)).expect("claimed");
    files.write_private(&context(&run(of))).expect("written");
    files.write_public(&manifest(&run(of)), &gate()).expect("written");
}

/// Recovers where no run is in progress.
fn recover(runs: &RunsDir, now: UtcSeconds) -> Recovery {
    recover_with(runs, &gate(), now)
}

fn recover_with(runs: &RunsDir, gate: &Gate, now: UtcSeconds) -> Recovery {
    eventually("the locks of dead runs are released", || {
        let found = recover_crashed_runs(runs, gate, now).expect("recovered");
        (found.running == 0).then_some(found)
    })
}

#[test]
fn a_dead_run_is_marked_once_in_both_files() {
    let (_temp, runs) = scratch();
    die(&runs, "dead");
    let found = recover(&runs, at(30));
    assert_eq!(found, Recovery { interrupted: vec![run("dead")], ..Recovery::default() });
    let record = public(&runs, "dead");
    assert_eq!((record.status, record.exit_code), (Status::Interrupted, Some(CRASHED_RUN_EXIT_CODE)));
    assert_eq!(record.finished_at, Some(at(30)));
    let private = runs.load_private(&run("dead")).expect("loaded");
    assert_eq!((private.status, private.finished_at), (Status::Interrupted, Some(at(30))));
    assert_eq!(recover(&runs, at(40)), Recovery::default());
    assert_eq!(public(&runs, "dead").finished_at, Some(at(30)));
}

#[test]
fn a_living_run_is_left_alone() {
    let (_temp, runs) = scratch();
    let files = runs.claim(&run("alive")).expect("claimed");
    files.write_public(&manifest(&run("alive")), &gate()).expect("written");
    let found = recover_crashed_runs(&runs, &gate(), at(30)).expect("recovered");
    assert_eq!(found, Recovery { running: 1, ..Recovery::default() });
    assert_eq!(public(&runs, "alive"), manifest(&run("alive")));
}

#[test]
fn a_finished_run_is_left_to_the_byte() {
    let (_temp, runs) = scratch();
    let mut record = manifest(&run("done"));
    record.finish(Finish::Cancelled, 4, at(5));
    runs.claim(&run("done")).expect("claimed").write_public(&record, &gate()).expect("written");
    let before = fs::read(runs.public_path(&run("done"))).expect("read");
    assert_eq!(recover(&runs, at(30)), Recovery::default());
    assert_eq!(fs::read(runs.public_path(&run("done"))).expect("read"), before);
}

#[test]
fn a_finished_run_of_another_version_of_the_contract_is_not_worth_parsing() {
    let (_temp, runs) = scratch();
    let later = r#"{"schema_version":"2","status":"success"}"#;
    fs::write(runs.public_path(&run("later")), later).expect("written");
    assert_eq!(recover(&runs, at(30)), Recovery::default());
}

#[test]
fn without_log_or_private_context_the_public_record_is_still_put_right() {
    let (_temp, runs) = scratch();
    die(&runs, "bare");
    fs::remove_file(runs.log_path(&run("bare"))).expect("removed");
    fs::write(runs.private_path(&run("bare")), "{").expect("damaged");
    let found = recover(&runs, at(30));
    assert_eq!(found.interrupted, [run("bare")]);
    assert_eq!(
        fs::read(runs.private_path(&run("bare"))).expect("read"),
        b"{",
        "what is damaged stays as evidence"
    );
}

#[test]
fn the_end_is_not_before_the_start() {
    let (_temp, runs) = scratch();
    die(&runs, "early");
    let before = UtcSeconds::parse("2001-01-01T00:00:00Z").expect("a time");
    recover(&runs, before);
    assert_eq!(public(&runs, "early").finished_at, Some(at(2)));
}

#[test]
fn what_is_not_ours_or_not_readable_stays_and_is_counted() {
    let (temp, runs) = scratch();
    die(&runs, "copied");
    let place = |run: &str| runs.public_path(&self::run(run));
    let notes = runs.path().join("bootstrap-notes.json");
    fs::rename(runs.public_path(&run("copied")), place("elsewhere")).expect("moved");
    fs::write(place("damaged"), r#"{"status":"running""#).expect("written");
    fs::write(place("foreign"), r#"{"status":"running","host":"x"}"#).expect("written");
    fs::write(place("large"), vec![b' '; schema::limits::MAX_DOCUMENT_BYTES + 1]).expect("written");
    fs::write(temp.path().join("outside"), r#"{"status":"running"}"#).expect("written");
    symlink("../outside", place("link")).expect("a link");
    fs::write(&notes, r#"{"status":"running"}"#).expect("written");
    let paths = [place("elsewhere"), place("damaged"), place("foreign"), place("link"), notes];
    let contents = || paths.each_ref().map(|path| fs::read(path).expect("read"));
    let before = contents();
    let found = recover(&runs, at(30));
    assert_eq!(found, Recovery { unrecoverable: 5, ..Recovery::default() });
    assert_eq!(contents(), before);
}

#[test]
fn a_record_that_the_gate_refuses_is_left_alone() {
    let (_temp, runs) = scratch();
    die(&runs, "x-canary");
    let knowing = Gate::new(LocalIdentifiers::default().with_private(["canary"]));
    let found = recover_with(&runs, &knowing, at(30));
    assert_eq!(found, Recovery { unrecoverable: 1, ..Recovery::default() });
    assert_eq!(public(&runs, "x-canary"), manifest(&run("x-canary")));
}

#[test]
fn thousands_of_manifests_cost_bounded_work() {
    let (_temp, runs) = scratch();
    let mut record = manifest(&run("x"));
    record.finish(Finish::Success, 0, at(5));
    let bytes = serde_json::to_vec(&record).expect("JSON");
    let old = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    for number in 0..3_000 {
        let path = runs.public_path(&run(&format!("old-{number}")));
        fs::write(&path, &bytes).expect("written");
        fs::File::options().write(true).open(&path).and_then(|file| file.set_times(old)).expect("aged");
    }
    die(&runs, "dead");
    let found = recover(&runs, at(30));
    assert_eq!((found.interrupted, found.unchecked), (vec![run("dead")], 3_001 - 512));
}

#[test]
fn a_run_may_be_called_running() {
    let (_temp, runs) = scratch();
    let mut record = manifest(&run("running"));
    record.finish(Finish::Success, 0, at(5));
    runs.claim(&run("running")).expect("claimed").write_public(&record, &gate()).expect("written");
    assert_eq!(recover(&runs, at(30)), Recovery::default());
    assert_eq!(public(&runs, "running"), record);
}

#[test]
fn a_private_context_that_tells_the_end_keeps_it() {
    let (_temp, runs) = scratch();
    let files = runs.claim(&run("dead")).expect("claimed");
    let mut ended = context(&run("dead"));
    ended.finish(Status::Failed, at(6));
    files.write_private(&ended).expect("written");
    files.write_public(&manifest(&run("dead")), &gate()).expect("written");
    drop(files);
    assert_eq!(recover(&runs, at(30)).interrupted, [run("dead")]);
    assert!(runs.load_private(&run("dead")).expect("loaded") == ended);
}

#[test]
fn a_run_whose_log_leads_elsewhere_is_left_alone() {
    let (temp, runs) = scratch();
    die(&runs, "dead");
    fs::remove_file(runs.log_path(&run("dead"))).expect("removed");
    fs::write(temp.path().join("elsewhere"), "").expect("written");
    symlink("../elsewhere", runs.log_path(&run("dead"))).expect("a link");
    assert_eq!(recover(&runs, at(30)), Recovery { unrecoverable: 1, ..Recovery::default() });
    assert_eq!(public(&runs, "dead"), manifest(&run("dead")));
}

#[test]
fn recovery_makes_no_log() {
    let (_temp, runs) = scratch();
    die(&runs, "bare");
    fs::remove_file(runs.log_path(&run("bare"))).expect("removed");
    assert_eq!(recover(&runs, at(30)).interrupted, [run("bare")]);
    assert!(!runs.log_path(&run("bare")).exists());
}
