//! A `clean` of runs that have put their own in the place of what the one before had made.

use std::fs;

use manifest::Undo;
use schema::Component;
use tests::{Invocation, NOBODY, Sandbox, TerminalSession, can_have_a_machine, on_a_machine};

use super::{call, record_of, with_sudo};

/// What is in the hosts file beside the block.
const THEIRS: &str = "127.0.0.1 localhost\n";

/// A block of the hosts file as a run writes it.
fn block(names: &[&str]) -> String {
    let lines: Vec<String> = names.iter().map(|name| format!("192.0.2.1 {name}.example\n")).collect();
    format!("# BEGIN productive-k3s\n{}# END productive-k3s\n", lines.concat())
}

/// Three runs that wrote the block, each in the place of the one before, with and without the registry. The last of them
/// has put back what was there before the second.
fn three_runs(sandbox: &Sandbox) {
    let [whole, without] = [block(&["rancher", "registry"]), block(&["rancher"])];
    let wrote = |(run, began), block: &str, previous: Option<&String>| {
        let (path, marker, sha256) =
            ("/etc/hosts".into(), "productive-k3s".to_owned(), manifest::sha256_hex(block.as_bytes()));
        let undo = Undo::LineBlock { path, marker, sha256, previous: previous.cloned(), former_mode: None };
        record_of(sandbox, NOBODY, (run, began), [(Component::LocalHosts, undo)]);
    };
    wrote(("a000000000000001", "2026-11-22T07:00:00Z"), &whole, None);
    wrote(("a000000000000002", "2026-11-22T08:00:00Z"), &without, Some(&whole));
    wrote(("a000000000000003", "2026-11-22T09:00:00Z"), &whole, Some(&without));
    sandbox.file("../hosts", &format!("{THEIRS}{whole}"), 0o644);
}

fn hosts(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.root().join("hosts")).expect("there")
}

/// The call on a machine with the hosts file of the sandbox, which is as the call leaves it afterwards.
fn with_hosts_file(sandbox: &Sandbox, words: &str) -> Invocation {
    let scene = r#"/bin/cp -a /etc /run/etc; /bin/mount --bind /run/etc /etc; /bin/cp "$FILE" /etc/hosts
        code=0; "$@" || code=$?; /bin/cp /etc/hosts "$FILE"; exit $code"#;
    let call = call(sandbox, words).env("FILE", sandbox.root().join("hosts"));
    on_a_machine(call.through(["/bin/sh", "-euc", scene, "sh"]))
}

#[test]
fn clean_takes_back_what_undoing_the_run_after_it_brings_back() {
    if !can_have_a_machine("clean_takes_back_what_undoing_the_run_after_it_brings_back") {
        return;
    }
    let sandbox = with_sudo();
    three_runs(&sandbox);
    let clean = || with_hosts_file(&sandbox, "clean --apply --confirm CLEAN").run().expect(0);
    let outcome = clean();
    assert_eq!(hosts(&sandbox), THEIRS, "{outcome}");
    let outcome = clean();
    assert!(!outcome.stdout.contains("undo "), "nothing is left: {outcome}");
}

/// What nobody was shown is left, and it is not called undone: the next one shows it.
#[test]
fn clean_leaves_what_was_not_in_its_plan_to_the_next_one() {
    if !can_have_a_machine("clean_leaves_what_was_not_in_its_plan_to_the_next_one") {
        return;
    }
    let sandbox = with_sudo();
    three_runs(&sandbox);
    let mut session = TerminalSession::start(&with_hosts_file(&sandbox, "clean --apply"));
    session.wait_for("Type CLEAN");
    session.type_keys("CLEAN\n");
    let outcome = session.end().expect(1);
    assert!(outcome.output().contains("it was not in the plan that was agreed to"), "{outcome}");
    assert_eq!(hosts(&sandbox), format!("{THEIRS}{}", block(&["rancher"])), "{outcome}");
    let outcome = with_hosts_file(&sandbox, "clean --apply --confirm CLEAN").run().expect(0);
    assert_eq!(hosts(&sandbox), THEIRS, "{outcome}");
}
