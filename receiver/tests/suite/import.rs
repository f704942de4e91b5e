//! Documents from a file: judged like those from the wire, and stored without what the tables do not take.

use serde_json::Value;

use crate::documents::{Sample, sample};
use crate::support::{Site, on_both_stores};

on_both_stores! {
    what_is_imported_passes_the_same_gate,
    a_document_that_the_store_does_not_take_is_named_by_its_line_and_the_others_are_stored,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn what_is_imported_passes_the_same_gate(site: &Site) {
    let sample = sample().bytes;
    let bad = String::from_utf8(sample.clone()).expect("UTF-8").replace("\"server\"", "\"srv01\"");
    let long = vec![b'x'; 200_000];
    let lines = [&sample, bad.as_bytes(), b"", b"no JSON", &long, &sample].join(&b'\n');
    let output = site.import(&lines);
    let (printed, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(printed, "imported: 1 accepted, 1 duplicates, 3 refused, 0 not taken by the store\n");
    assert!(said.contains("line 2: schema.enum at /command/mode") && !said.contains("srv01"), "{said}");
    assert!(said.contains("line 4: syntax") && said.contains("line 5: size"), "{said}");
}

fn a_document_that_the_store_does_not_take_is_named_by_its_line_and_the_others_are_stored(site: &Site) {
    // More than one transaction, and the one in question is neither the first nor the last of its own.
    let samples: Vec<Sample> = (0..1_500).map(|_| sample()).collect();
    let bad = &samples[1_300];
    site.poison(&bad.event_id);
    let lines: Vec<&[u8]> = samples.iter().map(|sample| sample.bytes.as_slice()).collect();
    let output = site.import(&lines.join(&b'\n'));
    let (printed, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(printed, "imported: 1499 accepted, 0 duplicates, 0 refused, 1 not taken by the store\n");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.matches("not taken by the store").count(), 1, "{said}");
    assert!(said.starts_with("line 1301: not taken by the store: "), "{said}");
    let document: Value = serde_json::from_slice(&bad.bytes).expect("JSON");
    for member in ["session_id", "run_id", "event_id"] {
        let value = document[member].as_str().expect("a text");
        let bare = value.replace('-', "");
        assert!(!said.contains(value) && !said.contains(&bare), "{member} is told: {said}");
    }
    let stored = site.stored_events();
    assert!(stored.len() == 1_499 && !stored.contains(&bad.event_id), "{}", stored.len());
}
