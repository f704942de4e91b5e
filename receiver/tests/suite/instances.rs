//! Several instances before one database.

use std::thread;

use crate::documents::sample;
use crate::fleet::{hosts, import};
use crate::support::{Site, wait_until};

/// Runs the same command of the program several times at once; what they printed, sorted.
fn at_once(site: &Site, command: &str) -> Vec<String> {
    let mut printed: Vec<String> = thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| site.tend(command))).collect();
        all.into_iter().map(|one| one.join().expect("no panic")).collect()
    });
    printed.sort_unstable();
    printed
}

#[test]
fn tables_are_made_once() {
    let Some(site) = Site::postgres() else { return };
    assert_eq!(at_once(&site, "migrate").len(), 4);
    let versions = site.database().sql("SELECT version FROM receiver_migration ORDER BY version");
    assert_eq!(versions, "1\n2\n3\n4\n");
    let months = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'document'::regclass";
    assert_eq!(site.database().sql(months), "5\n", "the default and four months");
}

#[test]
fn tables_of_a_newer_build_are_left_alone_in_a_database_too() {
    let Some(site) = Site::postgres() else { return };
    site.tend("migrate");
    site.database().sql("INSERT INTO receiver_migration (version) VALUES (999)");
    let output = site.command(&["serve"]).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("tables of version 999"), "{said}");
}

#[test]
fn a_storm_of_one_document_over_two_instances_is_accepted_once() {
    let Some(site) = Site::postgres() else { return };
    let spool = site.path().join("other");
    let receivers = [site.receiver(), site.receiver_with(&["--spool-dir", spool.to_str().expect("UTF-8")])];
    let sample = sample();
    let accepted: usize = thread::scope(|scope| {
        let senders: Vec<_> = (0..20)
            .map(|number| {
                let (receiver, body) = (&receivers[number % 2], &sample.bytes);
                scope.spawn(move || {
                    let mut client = receiver.client();
                    (0..50).filter(|_| client.post(body).outcome() == "accepted").count()
                })
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().expect("no panic")).sum()
    });
    assert_eq!((accepted, site.stored_events().len()), (1, 1));
    wait_until("both are noted", || site.database().sql("SELECT count(*) FROM instance") == "2\n");
}

#[test]
fn a_week_is_closed_once_and_every_document_is_part_of_a_run_once() {
    let Some(site) = Site::postgres() else { return };
    import(&site, &hosts(600, 5));
    site.age(12);
    let documents = site.stored_events().len();
    let rolled = at_once(&site, "rollup");
    let number =
        |line: &String, index| line.split(' ').nth(index).and_then(|word| word.parse().ok()).unwrap_or(0);
    let all: usize = rolled.iter().map(|line| number(line, 2)).sum();
    assert_eq!(all, documents, "{rolled:?}");
    let closed: usize = rolled.iter().map(|line| number(line, 4)).sum();
    let weeks = site.database().sql("SELECT count(*) FROM closed_week");
    assert_eq!(weeks.trim(), closed.to_string(), "{rolled:?}");
    let sessions =
        "SELECT count(*), sum(sessions) FROM weekly JOIN closed_week USING (week) WHERE chart = 'versions'";
    assert_eq!(site.database().sql(sessions), "1|600\n");
    assert_eq!(at_once(&site, "verify"), vec![format!("whole: {documents} documents\n"); 4]);
}

/// Counted in rows that the server reads, and not in time.
#[test]
fn a_week_is_closed_with_as_few_reads_if_all_its_runs_are_of_one_session() {
    const RUNS: u64 = 5_000;
    let Some(site) = Site::postgres() else { return };
    site.tend("migrate");
    let database = site.database();
    database.sql(&format!(
        "INSERT INTO document SELECT n, '\\x0102030405060708', extract(epoch FROM now())::bigint - 1000000 + n / 2,
             decode(lpad(to_hex(n), 32, '0'), 'hex'), decode(lpad(to_hex(n / 2), 16, '0'), 'hex'), NULL,
             extract(epoch FROM now())::bigint - 12 * 86400, 0,
             CASE n % 2 WHEN 0 THEN 'core.command.started' ELSE 'bootstrap.completed' END,
             'core', '0.1.0', '1.0.0', 1, '{{}}' FROM generate_series(2, {}) AS n;
         SELECT setval('document_id', 1000000)",
        2 * RUNS + 1
    ));
    let rolled = site.tend("rollup");
    assert!(rolled.starts_with(&format!("rolled up: {} documents", 2 * RUNS)), "{rolled}");
    // A server adds up what a connection did when that ends.
    let open = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'receiver'";
    wait_until("the connection has ended", || database.sql(open) == "0\n");
    let read = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables
                WHERE relname LIKE 'document%'";
    let read: u64 = database.sql(read).trim().parse().expect("a number");
    assert!((2 * RUNS..40 * RUNS).contains(&read), "{read} rows of documents for {RUNS} runs");
    let manifests = database.sql("SELECT count(*) FROM run WHERE manifest_event_id IS NOT NULL");
    assert_eq!(manifests, format!("{RUNS}\n"));
}

#[test]
fn a_document_that_is_committed_late_is_part_of_its_run_all_the_same() {
    let Some(site) = Site::postgres() else { return };
    site.tend("migrate");
    // It has its number, and is not visible yet.
    let late = site.database().hold(
        "INSERT INTO document SELECT nextval('document_id'), '\\x0102030405060708', 0,
             '\\x01020304050607080102030405060708', '\\x0102030405060708', NULL, extract(epoch FROM now())::bigint, 0,
             'core.command.started', 'core', '0.1.0', '1.0.0', 1, '{}'",
    );
    import(&site, &hosts(1, 1));
    let output = site.command(&["rollup"]).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("SQLSTATE 55P03"), "it does not pass over what may come: {said}");
    late.commit();
    assert!(site.tend("rollup").starts_with("rolled up: "));
    assert_eq!(site.database().sql("SELECT count(*) FROM run"), "2\n");
}

#[test]
fn a_run_that_another_instance_goes_on_with_is_not_deleted() {
    let Some(site) = Site::postgres() else { return };
    import(&site, &hosts(1, 1));
    site.age(400);
    site.tend("rollup");
    let database = site.database();
    // Another instance rolls up a document that has just arrived.
    let other = database.hold("UPDATE run SET last_received_at = extract(epoch FROM now())::bigint");
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                 AND application_name = 'receiver' AND wait_event_type = 'Lock'";
    thread::scope(|scope| {
        let retain = scope.spawn(|| site.tend("retain"));
        wait_until("it waits for the other", || database.sql(waits) == "1\n");
        other.commit();
        retain.join().expect("no panic");
    });
    assert_eq!((site.run_count(), site.stored_events().len()), (1, 0));
}

#[test]
fn months_that_are_over_are_dropped_and_strays_move_into_their_month() {
    let Some(site) = Site::postgres() else { return };
    site.tend("migrate");
    let database = site.database();
    // As it was a year ago: a month of its own, with documents that all arrived then.
    database.sql(
        "CREATE TABLE document_2020_05 PARTITION OF document FOR VALUES FROM (1588291200) TO (1590969600);
         INSERT INTO document SELECT n, decode(lpad(to_hex(n), 16, '0'), 'hex'), 1588291200 + n,
             decode(lpad(to_hex(n), 32, '0'), 'hex'), decode(lpad(to_hex(n), 16, '0'), 'hex'), NULL, 1588291200 + n, 0,
             'core.command.started', 'core', '0.1.0', '1.0.0', 1, '{}' FROM generate_series(1, 100) AS n;
         SELECT setval('document_id', 1000)",
    );
    assert_eq!(site.tend("retain"), "deleted: 0 rows\n", "nothing is counted yet");
    site.tend("rollup");
    // One that arrived late keeps its month.
    database.sql("UPDATE document SET received_at = 1e10 WHERE id = 7");
    database.sql("UPDATE run SET last_received_at = 1e10 WHERE session_id = '\\x0000000000000007'");
    assert_eq!(site.tend("retain"), "deleted: 198 rows\n", "99 documents, and their runs of 13 months ago");
    assert_eq!(site.tend("verify"), "whole: 1 documents\n");
    // Its run is 13 months old now, and takes it along.
    database.sql("UPDATE run SET last_received_at = 1588291200");
    assert_eq!(site.tend("retain"), "deleted: 2 rows\n");
    assert_eq!(site.tend("retain"), "deleted: 0 rows\n");
    assert_eq!(database.sql("SELECT to_regclass('document_2020_05') IS NULL"), "t\n");
    // A month that was made too late: its documents are in the default partition, and are moved.
    let next = "document_' || to_char(now() AT TIME ZONE 'UTC' + interval '1 month', 'YYYY_MM')";
    database.sql(&format!("DO $$ BEGIN EXECUTE 'DROP TABLE {next}; END $$"));
    database.sql(
        "INSERT INTO document SELECT n, '\\x01', extract(epoch FROM date_trunc('month', now() AT TIME ZONE 'UTC')
             + interval '1 month')::bigint + n, '\\x02', '\\x03', NULL, 0, 0, 'e', 'core', '0', '0', 1, '{}'
         FROM generate_series(2001, 2010) AS n",
    );
    let strays = || database.sql("SELECT count(*) FROM document_default");
    assert_eq!(strays(), "10\n");
    site.tend("migrate");
    assert_eq!(
        (strays(), database.sql("SELECT count(*) FROM document")),
        ("0\n".to_owned(), "10\n".to_owned())
    );
}

#[test]
fn a_password_comes_from_a_file_and_is_told_nowhere() {
    let Some(site) = Site::postgres() else { return };
    let password = site.path().join("password");
    #[expect(clippy::disallowed_methods, reason = "a file of the test")]
    std::fs::write(&password, "correct-horse\n").expect("written");
    let url = site.database().url().replace("tests@", "tests:wrong-horse@");
    let mut receiver = site.receiver_with(&["--store-password-file", password.to_str().expect("UTF-8")]);
    assert!(!receiver.stop().1.contains("horse"));
    let output = site.command(&["check", "--store", &url]).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && !said.contains("horse"), "{said}");
    let mut command = site.command(&["check"]);
    let output = command.env("RECEIVER_STORE", &url).output().expect("it starts");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && !said.contains("horse"), "{said}");
}
