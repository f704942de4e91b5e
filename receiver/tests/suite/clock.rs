//! The clock of the receiver itself.

use crate::fleet::{hosts, import};
use crate::support::{Site, on_both_stores, wait_until};

on_both_stores! {
    a_clock_that_leaps_closes_and_deletes_nothing,
    a_service_tells_of_a_clock_that_it_does_not_believe,
    what_arrives_while_the_clock_is_off_is_kept_as_what_arrives_now,
    a_run_that_still_reports_is_kept_with_its_documents,
    what_no_chart_has_yet_is_kept_when_the_host_was_off_for_a_year,
    a_clock_that_was_believed_and_wrong_leaves_nothing_in_the_future,
    a_clock_that_is_behind_for_days_changes_nothing,
}

fn a_clock_that_leaps_closes_and_deletes_nothing(site: &Site) {
    import(site, &hosts(20, 3));
    site.age(50);
    site.tend("rollup");
    import(site, &hosts(20, 4));
    site.leap(60);
    let before = site.dump();
    let run = |arguments: &[&str]| {
        let output = site.command(arguments).output().expect("it starts");
        (
            output.status.success(),
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        )
    };
    for command in ["rollup", "retain"] {
        let (is_done, text) = run(&[command]);
        assert!(!is_done && text.contains("the clock says ") && text.contains("--trust-clock"), "{text}");
    }
    let doubt = |text: &str| {
        text.lines().filter(|line| !line.starts_with("1|")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(doubt(&site.dump()), doubt(&before), "only the row of the clock differs");
    assert!(run(&["check"]).1.contains("its clock is not believed"));
    // It has gone on for a day.
    site.execute("UPDATE clock SET doubted_seconds = doubted_seconds + 86400");
    let deleted = site.tend("retain");
    assert_ne!(deleted, "deleted: 0 rows\n");
    assert!(!run(&["check"]).1.contains("not believed"));
    // The operator says that it is right.
    site.leap(60);
    assert!(!run(&["rollup"]).0);
    assert!(run(&["rollup", "--trust-clock"]).0 && run(&["rollup"]).0);
}

fn a_service_tells_of_a_clock_that_it_does_not_believe(site: &Site) {
    let documents = import(site, &hosts(20, 3));
    assert!(documents.starts_with("imported: "), "{documents}");
    site.age(50);
    site.tend("rollup");
    site.leap(60);
    let mut receiver = site.receiver();
    wait_until("it is told", || receiver.metric("receiver_clock_doubted") == 1);
    assert!(!site.stored_events().is_empty());
    let log = receiver.stop().1;
    assert!(log.contains("warning: housekeeping: the clock says "), "{log}");
}

/// Runs a command whose operator says that the clock is right; what it printed.
fn trusted(site: &Site, command: &str) -> String {
    let output = site.command(&[command, "--trust-clock"]).output().expect("it starts");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn what_arrives_while_the_clock_is_off_is_kept_as_what_arrives_now(site: &Site) {
    import(site, &hosts(20, 3));
    site.tend("rollup");
    import(site, &hosts(20, 4));
    // A host without a battery for its clock, or one instance of several: in 1970, or 60 days ahead.
    site.execute(
        "UPDATE document SET received_at = CASE id % 2 WHEN 0 THEN 100 ELSE received_at + 60 * 86400 END
         WHERE id > (SELECT document_id FROM rolled_up)",
    );
    site.tend("rollup");
    for table in ["document", "run"] {
        let span = site.number(&format!("SELECT max(received_at) - min(received_at) FROM {table}"));
        assert!(span < 86_400, "{table}: {span} seconds");
    }
    assert_eq!(site.tend("retain"), "deleted: 0 rows\n");
}

fn a_run_that_still_reports_is_kept_with_its_documents(site: &Site) {
    let host = hosts(50, 3).into_iter().find(|host| host.finish.is_some()).expect("one has ended");
    let documents = host.documents();
    site.import(&documents[0]);
    site.age(400);
    site.tend("rollup");
    site.import(&documents[1..].join(&b'\n'));
    site.tend("rollup");
    assert_eq!(site.tend("retain"), "deleted: 1 rows\n", "the document of 400 days ago");
    assert_eq!((site.tend("verify").as_str(), site.run_count()), ("whole: 3 documents\n", 1));
}

fn what_no_chart_has_yet_is_kept_when_the_host_was_off_for_a_year(site: &Site) {
    import(site, &hosts(20, 3));
    site.tend("rollup");
    let documents = site.stored_events().len();
    site.pass(400);
    assert_eq!(trusted(site, "retain"), "deleted: 0 rows\n", "its week is not closed");
    assert_eq!(site.tend("verify"), format!("whole: {documents} documents\n"));
    let rolled = trusted(site, "rollup");
    assert!(
        rolled.starts_with("rolled up: 0 documents, ") && !rolled.ends_with(" 0 weeks closed\n"),
        "{rolled}"
    );
    site.tend("retain");
    assert_eq!((site.tend("verify").as_str(), site.run_count()), ("whole: 0 documents\n", 0));
}

fn a_clock_that_was_believed_and_wrong_leaves_nothing_in_the_future(site: &Site) {
    import(site, &hosts(20, 3));
    site.tend("rollup");
    site.pass(-60);
    let in_the_future = |column: &str| {
        site.number(&format!("SELECT count(*) FROM {column} > (SELECT believed_at + 86400 FROM clock)"))
    };
    let all = ["document WHERE received_at", "run WHERE received_at", "run WHERE last_received_at"];
    import(site, &hosts(1, 4));
    assert_ne!(trusted(site, "rollup"), "rolled up: 0 documents, 0 weeks closed\n");
    assert_eq!(all.map(in_the_future), [0; 3]);
    assert_eq!(site.tend("retain"), "deleted: 0 rows\n");
}

fn a_clock_that_is_behind_for_days_changes_nothing(site: &Site) {
    // Of closed weeks, of one that is not closed, and of none yet.
    import(site, &hosts(20, 3));
    site.age(20);
    site.tend("rollup");
    import(site, &hosts(20, 4));
    site.tend("rollup");
    import(site, &hosts(20, 5));
    let arrivals = || {
        ["received_at) FROM document", "received_at) FROM run", "last_received_at) FROM run"]
            .map(|of| site.number(&format!("SELECT sum({of}")))
    };
    let (documents, before) = (site.stored_events().len(), arrivals());
    assert_ne!(site.number("SELECT count(*) FROM closed_week"), 0);
    // A host that starts in the past, and stays there for days.
    site.pass(-60);
    for _ in 0..3 {
        for command in ["rollup", "retain"] {
            let output = site.command(&[command]).output().expect("it starts");
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && text.contains("until it is set right"), "{text}");
        }
        site.execute(
            "UPDATE clock SET doubted_at = doubted_at - 86400, doubted_seconds = doubted_seconds + 86400",
        );
    }
    // It is set right, which needs nobody to say so.
    site.pass(60);
    assert_eq!((site.tend("retain").as_str(), arrivals()), ("deleted: 0 rows\n", before));
    assert_ne!(site.tend("rollup"), "rolled up: 0 documents, 0 weeks closed\n");
    assert_eq!(site.tend("verify"), format!("whole: {documents} documents\n"));
}
