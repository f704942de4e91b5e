//! What an operator sees: health, metrics, commands and their exit codes.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Output;

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::Value;

use crate::documents::sample;
use crate::fleet::{Host, hosts, import};
use crate::support::{
    Postgres, Receiver, Site, as_owner_of, on_both_stores, output_as_owner_of, program, wait_until,
};

on_both_stores! {
    refusals_are_counted_by_rule_and_place_and_metrics_by_outcome,
    an_end_is_announced_and_is_a_success,
    what_inspects_a_store_neither_makes_nor_upgrades_it,
    what_is_old_is_deleted_even_if_nothing_can_be_rolled_up_and_the_failure_is_alarmed,
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    program().args(arguments).current_dir(directory).output().expect("it starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_store_is_private_and_migrated_once() {
    let site = Site::sqlite();
    let output = run(site.path(), &["migrate", "--store", "new/deep/r.db"]);
    assert!(output.status.success(), "{}", said(&output));
    let mode = |path: &str| {
        let metadata = site.path().join(path).metadata().expect("there is one");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!((mode("new"), mode("new/deep/r.db")), (0o700, 0o600));
    assert!(run(site.path(), &["migrate", "--store", "new/deep/r.db"]).status.success());
}

#[test]
fn tables_of_a_newer_build_are_left_alone() {
    let site = Site::sqlite();
    let store = site.path().join("r.db");
    let connection = Connection::open(&store).expect("opened");
    connection.pragma_update(None, "user_version", 999).expect("set");
    drop(connection);
    let output = run(site.path(), &["serve", "--store", "r.db", "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("tables of version 999"), "{}", said(&output));
}

#[test]
fn what_is_no_store_is_told_by_its_path() {
    let site = Site::sqlite();
    #[expect(clippy::disallowed_methods, reason = "a file of the test")]
    std::fs::write(site.path().join("r.db"), "no database, but a text that is long enough to be read")
        .expect("written");
    for arguments in [&["migrate", "--store", "r.db"][..], &["check", "--store", "."]] {
        let output = run(site.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(said(&output).starts_with("error: "), "{}", said(&output));
    }
    assert_eq!(run(site.path(), &["serve", "--disk-reserve", "much"]).status.code(), Some(2));
}

#[test]
fn a_check_finds_what_would_stop_the_service() {
    let site = Site::sqlite();
    assert!(run(site.path(), &["migrate"]).status.success());
    let output = run(site.path(), &["check", "--disk-reserve", "0"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "store: receiver.db, 0 documents\n");
    assert_eq!(run(site.path(), &["check", "--disk-reserve", "1000TiB"]).status.code(), Some(1));
    let output = run(site.path(), &["check", "--ingest-tokens-file", "missing"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("missing"), "{}", said(&output));
}

#[test]
fn a_check_before_the_first_start_finds_what_would_stop_it() {
    let site = Site::sqlite();
    let check = |store: &str, reserve: &str| {
        let mut command = program();
        command.args(["check", "--store", store, "--disk-reserve", reserve]).current_dir(site.path());
        let output = output_as_owner_of(site.path(), &mut command)?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        Some((output.status.code(), said))
    };
    let Some((code, text)) = check("new/deep/r.db", "0") else { return };
    assert!(code == Some(0) && text.contains("there is no store"), "{text}");
    for (store, reserve, told) in [
        ("new/deep/r.db", "1000TiB", "bytes are free"),
        ("/sys/new/r.db", "0", "error: /sys: cannot be written"),
    ] {
        let (code, text) = check(store, reserve).expect("as before");
        assert!(code == Some(1) && text.contains(told), "{text}");
    }
    assert_eq!(site.path().read_dir().expect("a directory").count(), 0, "nothing is made");
}

#[test]
fn a_check_finds_a_store_that_can_only_be_read() {
    let site = Site::sqlite();
    site.tend("migrate");
    let set_mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("set");
    };
    let check = || {
        let output = output_as_owner_of(site.path(), &mut site.command(&["check"]))?;
        Some((output.status.code(), said(&output)))
    };
    let told = |path: &Path| format!("error: {}: cannot be written", path.display());
    // As root has made it, if that is who tests.
    set_mode(site.file(), 0o444);
    let Some((code, text)) = check() else { return };
    assert!(code == Some(1) && text.contains(&told(site.file())), "{text}");
    set_mode(site.file(), 0o666);
    assert_eq!(check().expect("as before").0, Some(0));
    set_mode(site.path(), 0o500);
    let (code, text) = check().expect("as before");
    set_mode(site.path(), 0o700);
    assert!(code == Some(1) && text.contains(&told(site.path())), "{text}");
}

#[test]
fn the_memory_of_a_service_is_not_readable_for_its_user() {
    let site = Site::sqlite();
    if output_as_owner_of(site.path(), program().arg("--version")).is_none() {
        return;
    }
    let mut command = site.command(&["serve"]);
    as_owner_of(site.path(), &mut command);
    let receiver = Receiver::start(command, &[]);
    let directory = std::fs::metadata(site.path()).expect("it exists");
    let memory = std::fs::metadata(format!("/proc/{}/environ", receiver.pid())).expect("it runs");
    assert_ne!(memory.uid(), directory.uid(), "and so neither is a core file of it");
}

#[test]
fn a_check_finds_a_role_that_may_not_tend_the_tables() {
    // A role is known in all databases of a server.
    let Some(server) = Postgres::own() else { return };
    let site = Site::on(&server);
    site.database().sql("CREATE ROLE reader LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    let check = || {
        let mut command = site.command(&["check"]);
        let output = command.env("RECEIVER_STORE", site.database().url_of("reader")).output();
        let output = output.expect("it starts");
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (code, text) = check();
    assert!(code == Some(1) && text.contains("lacks CREATE"), "{text}");
    site.tend("migrate");
    // Whoever may only read and write cannot make a month, nor drop one.
    site.database()
        .sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO reader; GRANT CREATE ON SCHEMA public TO reader");
    let (code, text) = check();
    assert!(code == Some(1) && text.contains("lacks the ownership of clock, the ownership of "), "{text}");
    let give = |table: &str| site.database().sql(&format!("ALTER TABLE {table} OWNER TO reader"));
    let tables = site.database().sql(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace",
    );
    for table in tables.lines().filter(|table| *table != "document_default") {
        give(table);
    }
    for (left, what) in [("document_default", "TABLE"), ("document_id", "SEQUENCE")] {
        let (code, text) = check();
        assert!(code == Some(1) && text.contains(&format!("the ownership of {left}")), "{text}");
        site.database().sql(&format!("ALTER {what} {left} OWNER TO reader"));
    }
    let (code, text) = check();
    assert!(code == Some(0) && text.contains("0 documents"), "{text}");
}

fn what_inspects_a_store_neither_makes_nor_upgrades_it(site: &Site) {
    let run = |command: &str| {
        let output = site.command(&[command]).output().expect("it starts");
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    for command in ["verify", "rollup", "retain"] {
        let (code, text) = run(command);
        assert!(code == Some(1) && text.contains("there is no store"), "{command}: {text}");
    }
    let (code, text) = run("check");
    assert!(code == Some(0) && text.contains("there is no store"), "{text}");
    assert_eq!(site.path().read_dir().expect("a directory").count(), 0, "nothing is made");
    site.tend("migrate");
    site.forget_newest_tables();
    let before = site.dump();
    for (command, expected) in [("verify", 1), ("check", 0), ("rollup", 1), ("retain", 1)] {
        let (code, text) = run(command);
        assert!(code == Some(expected) && text.contains("and this build needs"), "{command}: {text}");
    }
    assert_eq!(site.dump(), before, "nothing is upgraded");
}

#[test]
fn a_backup_is_verified_as_it_is() {
    let site = Site::sqlite();
    let mut receiver = site.receiver();
    receiver.client().post(&sample().bytes);
    receiver.stop();
    let copy = site.path().join("copy.db");
    std::fs::copy(site.file(), &copy).expect("copied");
    let bytes = std::fs::read(&copy).expect("read");
    let output = run(site.path(), &["verify", "--store", "copy.db"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "whole: 1 documents\n", "{}", said(&output));
    assert_eq!(std::fs::read(&copy).expect("read"), bytes);
}

#[test]
fn the_openapi_description_names_the_path_and_every_status_that_is_answered() {
    let site = Site::sqlite();
    let output = run(site.path(), &["openapi"]);
    let description: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let responses = &description["paths"]["/telemetry"]["post"]["responses"];
    for status in ["202", "400", "401", "408", "413", "415", "422", "503"] {
        let is_described = responses.get(status).or_else(|| responses.get(format!("{}XX", &status[..1])));
        assert!(is_described.is_some(), "{status} is not in {responses}");
    }
}

#[test]
fn below_the_reserve_documents_are_sent_away_and_nothing_is_lost() {
    let site = Site::sqlite();
    let receiver = site.receiver_with(&["--disk-reserve", "1000TiB"]);
    let reply = receiver.client().post(&sample().bytes);
    assert_eq!((reply.status, reply.json()["reason"].as_str()), (503, Some("disk_reserve")));
    assert!(reply.header("retry-after").is_some());
    let (status, why) = receiver.admin("/health/ready");
    assert_eq!((status, why.trim()), (503, "disk reserve reached"));
    assert_eq!(receiver.admin("/health/live").0, 200);
    assert_eq!(site.stored_events().len(), 0);
}

#[test]
fn a_document_that_the_store_does_not_take_does_not_stop_the_others() {
    let site = Site::sqlite();
    let receiver = site.receiver();
    let (good, bad) = (sample(), sample());
    site.poison(&bad.event_id);
    let connection = Connection::open(site.file()).expect("opened");
    // Both wait: this transaction blocks the writer.
    connection.execute_batch("BEGIN IMMEDIATE").expect("begun");
    let outcomes = std::thread::scope(|scope| {
        let send = |body: &'_ [u8]| receiver.client().post(body).status;
        let senders: Vec<_> = [&sample().bytes, &good.bytes, &bad.bytes, &sample().bytes]
            .map(Clone::clone)
            .into_iter()
            .map(|body| scope.spawn(move || send(&body)))
            .collect();
        while !receiver.admin("/metrics").1.contains("receiver_in_flight 4\n") {
            std::thread::yield_now();
        }
        connection.execute_batch("COMMIT").expect("ended");
        senders.into_iter().map(|sender| sender.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert_eq!(outcomes, [202, 202, 503, 202]);
    assert!(receiver.admin("/metrics").1.contains("receiver_poisoned_total 1\n"));
    assert_eq!(receiver.client().post(&good.bytes).outcome(), "duplicate");
}

fn refusals_are_counted_by_rule_and_place_and_metrics_by_outcome(site: &Site) {
    let mut receiver = site.receiver();
    let mut client = receiver.client();
    let bad = String::from_utf8(sample().bytes).expect("UTF-8").replace("\"server\"", "\"srv01\"");
    assert_eq!(client.post(bad.as_bytes()).status, 422);
    // A run manifest passes the gate, and is no telemetry document.
    let delivery = hosts(20, 3).iter().map(Host::documents).find(|documents| documents.len() == 4);
    let delivery: Value = serde_json::from_slice(&delivery.expect("one ended")[3]).expect("JSON");
    let reply = client.post(delivery["manifest"].to_string().as_bytes());
    assert_eq!((reply.status, &reply.json()["violations"][0]["rule"]), (422, &"schema.required".into()));
    assert_eq!(client.post(&sample().bytes).status, 202);
    let (_, metrics) = receiver.admin("/metrics");
    for line in [
        "receiver_answers_total{outcome=\"refused\"} 2",
        "receiver_answers_total{outcome=\"accepted\"} 1",
        "receiver_in_flight 0",
        "receiver_queue_length 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in:\n{metrics}");
    }
    receiver.stop();
    let kept = site.dump();
    assert!(kept.contains("|schema.enum|/command/mode|1"), "{kept}");
    assert!(kept.contains("|schema.required||1"), "{kept}");
    assert!(kept.contains(&format!("|{}", schema::CONTRACT_VERSION)), "the instance is noted: {kept}");
}

fn an_end_is_announced_and_is_a_success(site: &Site) {
    for signal in [Signal::TERM, Signal::INT] {
        let mut receiver = site.receiver();
        assert_eq!(receiver.admin("/health/ready").0, 200);
        receiver.signal(signal);
        let (status, log) = receiver.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains("draining"), "{log}");
    }
}

fn what_is_old_is_deleted_even_if_nothing_can_be_rolled_up_and_the_failure_is_alarmed(site: &Site) {
    const DONE: &str = "receiver_housekeeping_timestamp_seconds";
    import(site, &hosts(20, 3));
    site.age(60);
    site.tend("rollup");
    let young = hosts(1, 4);
    import(site, &young);
    site.execute("ALTER TABLE run RENAME COLUMN command TO missing");
    let receiver = site.receiver();
    let left = young.iter().map(|host| host.documents().len()).sum::<usize>();
    wait_until("the old documents are deleted", || site.stored_events().len() == left);
    wait_until("the failure is told", || receiver.log().contains("warning: housekeeping: "));
    assert_eq!(receiver.metric(DONE), 0);
    drop(receiver);
    site.execute("ALTER TABLE run RENAME COLUMN missing TO command");
    let receiver = site.receiver();
    wait_until("a whole round is told", || receiver.metric(DONE) > 0);
}

/// A command that knows neither the store of the package nor its user would work on a store of its own.
#[test]
fn a_command_in_the_form_of_the_page_has_the_places_and_the_user_of_the_packaged_unit() {
    let (page, unit) =
        (include_str!("../../OPERATIONS.md"), include_str!("../../packaging/receiver.service"));
    let is_form = |block: &&str| block.trim_start().starts_with("sudo systemd-run ");
    let form: Vec<&str> = page.split("\n\n").find(is_form).expect("a form").split_whitespace().collect();
    let wanted = |line: &str| match line.split_once('=')? {
        ("Environment", variable) => Some(format!("--setenv={variable}")),
        ("EnvironmentFile" | "StateDirectory" | "StateDirectoryMode" | "DynamicUser", _) => {
            Some(format!("--property={line}"))
        }
        _ => None,
    };
    let wanted: Vec<String> = unit.lines().filter_map(wanted).collect();
    assert_eq!(wanted.len(), 6, "{wanted:?}");
    for option in wanted {
        assert!(form.contains(&option.as_str()), "{option} is not in {form:?}");
    }
}
