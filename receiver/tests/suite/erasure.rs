//! What a person who names a run or a session is promised: everything of it is deleted.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use schema::{ComponentLabel, Id};

use crate::documents::{Sample, in_session, sample};
use crate::support::{Postgres, Receiver, Site, on_both_stores, skip, wait_until};

on_both_stores! {
    a_run_or_a_session_is_erased_beside_a_service_and_nothing_else_is,
    the_runs_below_an_erased_one_no_longer_name_it,
    a_run_above_is_erased_though_another_was_named_first,
}

fn of(session: &Id, run: &Id) -> Sample {
    in_session(session, run, None, ComponentLabel::Core, "2026-11-22T07:50:02Z")
}

/// Erases by the program: how many documents and lines of the spool it says. It also says how many runs, which depends on
/// when a service last rolled up.
fn erase(site: &Site, id: &Id) -> [usize; 2] {
    let output = site.command(&["erase", id.as_str()]).output().expect("it starts");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && !text.contains(id.as_str()), "{text}");
    let numbers: Vec<usize> = text.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [documents, _, lines @ ..] = &numbers[..] else { panic!("{text}") };
    [*documents, lines.first().copied().unwrap_or(0)]
}

/// A service whose first round of housekeeping is over: what it receives is not part of a run until the next, in an hour.
fn settled(site: &Site) -> Receiver {
    let receiver = site.receiver();
    wait_until("the first round is over", || receiver.metric("receiver_housekeeping_timestamp_seconds") > 0);
    receiver
}

/// An id as the store keeps it.
fn packed(id: &Id) -> Vec<u8> {
    let digits = id.as_str().replace('-', "");
    let byte = |index| u8::from_str_radix(&digits[index..index + 2], 16).expect("digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn a_run_or_a_session_is_erased_beside_a_service_and_nothing_else_is(site: &Site) {
    let receiver = settled(site);
    let send = |sample: &Sample| assert_eq!(receiver.client().post(&sample.bytes).outcome(), "accepted");
    let [session, other, first, second, third] = std::array::from_fn(|_| Id::random());
    let kept = of(&other, &third);
    for sample in [&of(&session, &first), &of(&session, &second), &of(&other, &first), &kept] {
        send(sample);
    }
    site.tend("rollup");
    // Those are not part of a run yet.
    send(&of(&session, &first));
    send(&of(&other, &first));
    // An event is no run: its id erases nothing, and is no reason to fail.
    let event = uuid::Uuid::parse_str(&kept.event_id).expect("an id").hyphenated().to_string();
    let event = Id::parse(&event).expect("an id");
    for other in [&Id::random(), &event] {
        assert_eq!(erase(site, other), [0, 0]);
    }
    assert_eq!(erase(site, &first), [4, 0]);
    send(&of(&session, &Id::random()));
    assert_eq!(erase(site, &session), [2, 0]);
    assert_eq!(site.stored_events(), [kept.event_id]);
    assert_eq!(receiver.client().post(&kept.bytes).outcome(), "duplicate");
    send(&sample());
    site.tend("rollup");
    assert_eq!(site.tend("verify"), "whole: 2 documents\n");
    assert_eq!(site.run_count(), 2);
    drop(receiver);
    if let Some(bytes) = site.file_bytes() {
        for id in [session, first].map(|id| packed(&id)) {
            assert!(!bytes.windows(id.len()).any(|part| part == id), "its bytes stay in free pages");
        }
    }
}

/// The layer above may have sent nothing: its run is known by those below it only.
fn the_runs_below_an_erased_one_no_longer_name_it(site: &Site) {
    let receiver = settled(site);
    let [session, above, other] = std::array::from_fn(|_| Id::random());
    let send = |session: &Id, parent: &Id| {
        let (run, at) = (Id::random(), "2026-11-22T07:50:02Z");
        let sample = in_session(session, &run, Some(parent), ComponentLabel::Core, at);
        assert_eq!(receiver.client().post(&sample.bytes).outcome(), "accepted");
    };
    send(&session, &above);
    send(&session, &other);
    site.tend("rollup");
    // This one is not part of a run yet.
    send(&Id::random(), &above);
    assert_eq!(site.parent_count(), 5);
    assert_eq!(erase(site, &above), [0, 0]);
    assert_eq!((site.parent_count(), site.stored_events().len()), (2, 3));
    site.tend("rollup");
    assert_eq!((site.parent_count(), site.run_count()), (2, 3));
}

fn a_run_above_is_erased_though_another_was_named_first(site: &Site) {
    let receiver = settled(site);
    let [session, run, first, second] = std::array::from_fn(|_| Id::random());
    for parent in [&first, &second] {
        let sample = in_session(&session, &run, Some(parent), ComponentLabel::Core, "2026-11-22T07:50:02Z");
        assert_eq!(receiver.client().post(&sample.bytes).outcome(), "accepted");
        site.tend("rollup");
    }
    assert_eq!((site.parent_count(), site.run_count()), (3, 1));
    assert_eq!((erase(site, &second), site.parent_count()), ([0, 0], 2));
    assert_eq!((erase(site, &first), site.parent_count()), ([0, 0], 0));
    drop(receiver);
    if let Some(bytes) = site.file_bytes() {
        for id in [first, second].map(|id| packed(&id)) {
            assert!(!bytes.windows(id.len()).any(|part| part == id), "its bytes stay in the file");
        }
    }
}

#[test]
fn without_the_spool_of_the_service_nothing_is_said_to_be_erased() {
    let Some(site) = Site::postgres() else { return };
    let receiver = site.receiver();
    let (session, run) = (Id::random(), Id::random());
    assert_eq!(receiver.client().post(&of(&session, &run).bytes).outcome(), "accepted");
    std::fs::create_dir(site.path().join("empty")).expect("made");
    for elsewhere in ["missing", "empty"] {
        let elsewhere = site.path().join(elsewhere);
        let mut command = site.command(&["erase", run.as_str()]);
        let output = command.env("RECEIVER_SPOOL_DIR", &elsewhere).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let expected = format!("{}: there is no spool", elsewhere.display());
        assert!(
            output.status.code() == Some(1) && output.stdout.is_empty() && said.contains(&expected),
            "{said}"
        );
    }
    assert_eq!(site.path().join("empty").read_dir().expect("a directory").count(), 0, "nothing is made");
    assert_eq!((erase(&site, &run), site.stored_events().len()), ([1, 0], 0));
}

/// Gives a spool to another user, as the service of a package is, if this process may; whether it has.
fn is_given_away(spool: &Path) -> bool {
    let given = chown(spool, Some(61_000), Some(61_001)).is_ok();
    if !given {
        skip("whose a segment is", "only root can give files away");
    }
    given
}

#[test]
fn what_waits_in_a_spool_and_what_was_set_aside_is_erased_too() {
    let Some(server) = Postgres::own() else { return };
    let site = Site::on(&server);
    site.tend("migrate");
    let ids: [Id; 3] = std::array::from_fn(|_| Id::random());
    let samples: Vec<Sample> = ids.iter().map(|run| of(&Id::random(), run)).collect();
    let queue = |receiver: &Receiver, sample: &Sample| {
        assert_eq!(receiver.client().post(&sample.bytes).outcome(), "queued");
    };
    server.stop();
    let receiver = site.receiver();
    for sample in &samples {
        queue(&receiver, sample);
    }
    drop(receiver);
    server.start();
    let spool = site.path().join("spool");
    let segment = spool.join("segment-00000000000000000001");
    let is_given_away = is_given_away(&spool);
    // No service has the segment.
    assert_eq!(erase(&site, &ids[0]), [0, 1]);
    if is_given_away {
        let found = segment.metadata().expect("a segment");
        assert_eq!((found.uid(), found.gid()), (61_000, 61_001), "its service can read it");
    }
    let mut bytes = std::fs::read(&segment).expect("a segment");
    // The first line that is left is damaged, and still names its run.
    bytes[2] = b'x';
    #[expect(clippy::disallowed_methods, reason = "a file of the test")]
    std::fs::write(&segment, &bytes).expect("written");
    let receiver = site.receiver();
    wait_until("it is set aside", || receiver.metric("receiver_spool_damaged_total") == 1);
    assert_eq!(site.stored_events(), [samples[2].event_id.clone()]);
    let aside = spool.join("damaged-00000000000000000001");
    assert_eq!(erase(&site, &ids[1]), [0, 1]);
    assert!(aside.exists(), "it holds the other document");
    assert_eq!(erase(&site, &ids[2]), [1, 1]);
    assert!(!aside.exists() && site.stored_events().is_empty());
}
