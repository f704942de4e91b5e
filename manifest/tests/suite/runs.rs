//! The files of a run: names, modes, ids that are taken, manifests that are refused.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;

use crate::common::{at, context, eventually, file_name, gate, id, machine, manifest, mode, run, scratch};
use manifest::{MachineFingerprint, MachineId, ManifestError, RunsDir};
use privacy::disk::DiskError;
use privacy::{Gate, LocalIdentifiers};
use schema::{Component, DocumentKind, Execution, Finish, RunManifest, Status};

#[test]
fn a_run_leaves_three_private_files_and_the_public_one_passes_the_gate() {
    let (_temp, runs) = scratch();
    let one = run("one");
    let files = runs.claim(&one).expect("claimed");
    files.write_public(&manifest(&one), &gate()).expect("written");
    files.write_private(&context(&one)).expect("written");
    files.log().expect("the log").write_all(b"line\n").expect("written");
    assert_eq!(mode(runs.path()), 0o700);
    for path in [runs.public_path(&one), runs.private_path(&one), runs.log_path(&one)] {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    let names = [file_name("one", ".json"), file_name("one", "-private.json"), file_name("one", ".log")];
    assert!(names.iter().all(|name| runs.path().join(name).is_file()));
    let public = fs::read(runs.public_path(&one)).expect("read");
    assert_eq!(gate().check(&public), Ok(DocumentKind::RunManifest));
    assert_eq!(serde_json::from_slice::<RunManifest>(&public).expect("a manifest"), manifest(&one));
    assert_eq!(runs.load_private(&one).expect("loaded").run_id, id("one"));
}

#[test]
fn a_taken_id_is_refused_and_nothing_of_the_other_run_changes() {
    for taken in [file_name("one", ".json"), file_name("one", "-private.json"), file_name("one", ".log")] {
        let (_temp, runs) = scratch();
        fs::write(runs.path().join(&taken), "another run").expect("written");
        let error = runs.claim(&run("one")).expect_err(&taken);
        assert!(matches!(error, ManifestError::IdTaken { .. }), "{taken}: {error}");
        let left: Vec<_> = fs::read_dir(runs.path()).expect("a directory").collect();
        assert_eq!(
            (left.len(), fs::read(runs.path().join(&taken)).expect("read")),
            (1, b"another run".to_vec())
        );
    }
}

#[test]
fn a_link_with_the_name_of_a_file_of_ours_is_refused() {
    let (temp, runs) = scratch();
    symlink(temp.path().join("elsewhere"), runs.path().join(file_name("one", ".json"))).expect("a link");
    assert!(matches!(runs.claim(&run("one")), Err(ManifestError::IdTaken { .. })));
    symlink(temp.path().join("elsewhere"), runs.path().join(file_name("two", ".log"))).expect("a link");
    assert!(runs.claim(&run("two")).is_err());
    assert!(!temp.path().join("elsewhere").exists());
    symlink("runs", temp.path().join("link")).expect("a link");
    let error = RunsDir::open_or_create(&temp.path().join("link")).expect_err("a link");
    assert!(matches!(error, ManifestError::Disk(DiskError::Symlink { .. })), "{error}");
}

#[test]
fn an_id_lives_as_long_as_its_files_are_held() {
    let (_temp, runs) = scratch();
    let one = run("one");
    assert!(!runs.is_running(&one).expect("told"));
    let files = runs.claim(&one).expect("claimed");
    assert!(runs.is_running(&one).expect("told"));
    assert!(matches!(runs.reopen(&one), Err(ManifestError::StillRunning { .. })));
    drop(files);
    eventually("the run has ended", || (!runs.is_running(&one).expect("told")).then_some(()));
    let again = eventually("the log is free", || match runs.reopen(&one) {
        Err(ManifestError::StillRunning { .. }) => None,
        reopened => Some(reopened.expect("taken over")),
    });
    assert!(runs.is_running(&one).expect("told"));
    assert_eq!(again.run(), &one);
}

#[test]
fn a_refused_manifest_is_not_on_disk_in_any_form() {
    let (_temp, runs) = scratch();
    let one = run("run-canary-1");
    let files = runs.claim(&one).expect("claimed");
    files.write_public(&manifest(&one), &gate()).expect("written while nothing is known");
    let knowing = Gate::new(LocalIdentifiers::default().with_private(["canary"]));
    let error = files.write_public(&manifest(&one), &knowing).expect_err("refused");
    let ManifestError::Rejected(rejection) = &error else { panic!("{error}") };
    assert_eq!(rejection.violations()[0].rule(), "local_identifier");
    assert!(!error.to_string().contains("canary"), "{error}");
    assert!(!runs.public_path(&one).exists(), "the former manifest would say running for ever");
}

#[test]
fn a_manifest_of_another_run_is_not_written() {
    let (_temp, runs) = scratch();
    let files = runs.claim(&run("one")).expect("claimed");
    assert!(matches!(
        files.write_public(&manifest(&run("two")), &gate()),
        Err(ManifestError::OtherRun { .. })
    ));
    assert!(matches!(files.write_private(&context(&run("two"))), Err(ManifestError::OtherRun { .. })));
    assert!(!runs.public_path(&run("one")).exists());
    files.write_public(&manifest(&run("one")), &gate()).expect("written");
    files.write_public(&manifest(&run("two")), &gate()).expect_err("of another run");
    assert!(runs.public_path(&run("one")).exists(), "only a rejected manifest takes the former one with it");
}

#[test]
fn who_asks_is_not_taken_for_the_run() {
    let (_temp, runs) = scratch();
    let one = run("one");
    fs::write(runs.log_path(&one), "").expect("written");
    let asking = fs::File::open(runs.log_path(&one)).expect("open");
    asking.lock_shared().expect("locked, as by another who asks");
    assert!(!runs.is_running(&one).expect("told"));
}

#[test]
fn only_a_start_sweeps() {
    let (_temp, runs) = scratch();
    let leftover = runs.path().join(".tmp-bootstrap-4000000-1");
    fs::write(&leftover, "").expect("written");
    RunsDir::open(runs.path()).expect("open");
    assert!(leftover.exists());
    RunsDir::open_or_create(runs.path()).expect("open");
    assert!(!leftover.exists());
}

#[test]
fn a_run_is_shown_by_its_id() {
    let (_temp, runs) = scratch();
    let files = runs.claim(&run("one")).expect("claimed");
    assert_eq!((files.run().to_string(), files.runs().path()), (id("one").to_string(), runs.path()));
}

#[test]
fn the_last_state_of_a_run_replaces_the_first() {
    let (_temp, runs) = scratch();
    let one = run("one");
    let files = runs.claim(&one).expect("claimed");
    let mut record = manifest(&one);
    files.write_public(&record, &gate()).expect("written");
    record.finish(Finish::Success, 0, at(9));
    files.write_public(&record, &gate()).expect("written");
    let read: RunManifest =
        serde_json::from_slice(&fs::read(runs.public_path(&one)).expect("read")).expect("valid");
    assert_eq!((read.status, read.exit_code), (Status::Success, Some(0)));
}

#[test]
fn either_file_of_a_pair_leads_to_the_run() {
    let (temp, runs) = scratch();
    for path in [runs.public_path(&run("one")), runs.private_path(&run("one"))] {
        let (found, of) = RunsDir::of_file(&path).expect("found");
        assert_eq!((found.path(), of), (runs.path(), run("one")));
    }
    let log = file_name("one", ".log");
    let backup = file_name("one", ".json.bak");
    for name in [log.as_str(), "other.json", "bootstrap-..json", "bootstrap-session-123.json", &backup] {
        let error = RunsDir::of_file(&runs.path().join(name)).expect_err(name);
        assert!(matches!(error, ManifestError::NotARunFile { .. }), "{error}");
    }
    let missing =
        RunsDir::of_file(&temp.path().join("none").join(file_name("one", ".json"))).expect_err("missing");
    assert!(matches!(missing, ManifestError::Disk(DiskError::Missing { .. })), "{missing}");
}

#[test]
fn passwords_that_no_run_has_shown_are_found_taken_over_and_forgotten() {
    let (_temp, runs) = scratch();
    let left_by = |name: &str, begun: u32, passwords: &[(Component, &str)], machine: &MachineId| {
        let files = runs.claim(&run(name)).expect("claimed");
        files.write_public(&manifest(&run(name)), &gate()).expect("written");
        let mut left = context(&run(name));
        left.started_at = at(begun);
        left.machine = MachineFingerprint::of(machine);
        left.generated_passwords =
            passwords.iter().map(|(component, password)| (*component, (*password).to_owned())).collect();
        files.write_private(&left).expect("written");
    };
    let (here, other) = (machine("0123456789abcdef"), machine("fedcba9876543210"));
    left_by("two", 2, &[(Component::Rancher, "new")], &here);
    left_by("one", 1, &[(Component::Rancher, "old"), (Component::Registry, "kept")], &here);
    left_by("elsewhere", 3, &[(Component::Rancher, "of another machine")], &other);
    left_by("none", 4, &[], &here);

    let left = runs.left_passwords(&here).expect("listed");
    let found: Vec<_> =
        left.by_component.iter().map(|(component, text)| (*component, text.as_str())).collect();
    assert_eq!(found, [(Component::Rancher, "new"), (Component::Registry, "kept")]);
    runs.forget_passwords(&left).expect("written");
    assert!(runs.left_passwords(&here).expect("listed").by_component.is_empty());
    assert!(!runs.load_private(&run("elsewhere")).expect("read").generated_passwords.is_empty());
    let text = std::fs::read_to_string(runs.private_path(&run("two"))).expect("read");
    assert!(!text.contains("generated_passwords"), "{text}");
}

/// It has no public manifest: the gate has refused that. It may have changed the host all the same.
#[test]
fn a_run_that_nothing_public_tells_of_is_in_the_history() {
    let (_temp, runs) = scratch();
    let written = [("first", at(1)), ("second", at(2))].map(|(name, begun)| {
        let files = runs.claim(&run(name)).expect("claimed");
        let mut context = context(&run(name));
        context.started_at = begun;
        files.write_private(&context).expect("written");
        (files, context)
    });
    // The first is rolled back, which writes its record again.
    written[0].0.write_private(&written[0].1).expect("written");
    let history = runs.history(&machine("0123456789abcdef")).expect("listed");
    assert_eq!(history.contexts, written.map(|(_, context)| context).into_iter().rev().collect::<Vec<_>>());
}

/// Nor is anything else that is no file: somebody put it there, and what the run did to the host is unknown.
#[test]
fn a_record_that_is_a_link_is_not_passed_over() {
    let (_temp, runs) = scratch();
    let files = runs.claim(&run("one")).expect("claimed");
    files.write_private(&context(&run("one"))).expect("written");
    let elsewhere = runs.path().join("elsewhere");
    fs::rename(runs.private_path(&run("one")), &elsewhere).expect("moved");
    symlink(elsewhere, runs.private_path(&run("one"))).expect("a link");
    let history = runs.history(&machine("0123456789abcdef")).expect("listed");
    let [ManifestError::Disk(DiskError::Symlink { .. })] = &history.unusable[..] else {
        panic!("{:?}", history.unusable)
    };
    assert_eq!(history.contexts, []);
}

/// A host that is checked each hour has more of them in a month.
#[test]
fn a_thousand_dry_runs_push_no_run_out_of_the_history() {
    let (_temp, runs) = scratch();
    let here = machine("0123456789abcdef");
    let files = runs.claim(&run("first")).expect("claimed");
    files.write_public(&manifest(&run("first")), &gate()).expect("written");
    let mut first = context(&run("first"));
    first.generated_passwords.insert(Component::Rancher, "kept".to_owned());
    files.write_private(&first).expect("written");
    let old = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    let record = fs::File::options().write(true).open(runs.private_path(&run("first"))).expect("there");
    record.set_times(old).expect("aged");
    for number in 0..1_000 {
        let checked = run(&format!("dry-{number}"));
        let mut context = context(&checked);
        context.execution = Execution::DryRun;
        let text = serde_json::to_vec(&context).expect("JSON");
        fs::write(runs.private_path(&checked), text).expect("written");
        fs::write(runs.public_path(&checked), "{}").expect("written");
    }
    let history = runs.history(&here).expect("listed");
    assert_eq!((history.contexts, history.unusable.len(), history.unread), (vec![first], 0, 0));
    let left = runs.left_passwords(&here).expect("listed");
    assert_eq!(left.by_component[&Component::Rancher], "kept");
}
