//! The clock of the receiver itself.

use crate::fleet::{hosts, import};
use crate::support::{Site, on_both_stores, wait_until};

on_both_stores! {
    a_clock_that_leaps_closes_and_deletes_nothing,
    a_service_tells_of_a_clock_that_it_does_not_believe,
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
