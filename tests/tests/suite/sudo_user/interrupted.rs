//! A `clean` that a signal stops between its runs, or in the middle of one.

use tests::{NOBODY, can_have_a_machine};

use super::{call, export, is_gone, issuer, issuer_named, on_the_machine, record, record_of, with_sudo};

#[test]
fn a_clean_that_is_interrupted_begins_with_no_other_run() {
    if !can_have_a_machine("a_clean_that_is_interrupted_begins_with_no_other_run") {
        return;
    }
    let sandbox = with_sudo();
    record_of(&sandbox, NOBODY, ("aaaaaaaaaaaaaaaa", "2026-11-21T07:00:00Z"), [export()]);
    record(&sandbox, NOBODY, [issuer()]);
    sandbox.file("../interrupts", "", 0o600);
    let clean = call(&sandbox, "clean --apply --confirm CLEAN");
    let outcome = on_the_machine(clean).run().expect(130);
    assert!(is_gone(&sandbox), "the signal came while it was removed: {outcome}");
    assert!(outcome.stderr.contains("1 of 2 runs on record taken back"), "{outcome}");
}

/// The cluster of these tests interrupts whoever asks for this issuer once the other one is gone.
#[test]
fn a_clean_that_is_interrupted_while_it_looks_at_a_run_counts_those_before_it() {
    if !can_have_a_machine("a_clean_that_is_interrupted_while_it_looks_at_a_run_counts_those_before_it") {
        return;
    }
    let sandbox = with_sudo();
    let older = ("aaaaaaaaaaaaaaaa", "2026-11-21T07:00:00Z");
    record_of(&sandbox, NOBODY, older, [issuer_named("letsencrypt-staging")]);
    record(&sandbox, NOBODY, [issuer()]);
    let clean = call(&sandbox, "clean --apply --confirm CLEAN");
    let outcome = on_the_machine(clean).run().expect(130);
    assert!(is_gone(&sandbox), "the newer run was taken back: {outcome}");
    assert!(outcome.stderr.contains("1 of 2 runs on record taken back"), "{outcome}");
    assert!(!outcome.output().contains("nothing was changed"), "{outcome}");
    assert!(!outcome.stdout.contains(older.0), "a plan that was cut off is not shown: {outcome}");
}
