//! What the gate costs: per document, and in a process that has not used it yet.
//!
//! The first figure is taken in fresh processes, since everything the gate compiles lives as long as the process.

#[path = "../tests/common/documents.rs"]
mod documents;

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use divan::Bencher;
use privacy::{Gate, LocalIdentifiers};

/// Set in the fresh processes: which document they vet.
const COLD_START: &str = "PRIVACY_BENCH_COLD_START";

const COLD_STARTS: usize = 100;

fn main() {
    if let Ok(document) = std::env::var(COLD_START) {
        return cold_start(&document);
    }
    report_cold_starts("manifest");
    report_cold_starts("telemetry with ids from elsewhere");
    divan::main();
}

#[expect(clippy::print_stdout, reason = "the figure is what the parent process reads")]
fn cold_start(document: &str) {
    let (manifest, telemetry) = (documents::full_manifest(), documents::telemetry());
    let start = Instant::now();
    let locals = LocalIdentifiers::of_machine();
    let collected = start.elapsed();
    let start = Instant::now();
    let gate = Gate::new(locals);
    let passed = if document == "manifest" {
        gate.vet(&manifest).is_ok()
    } else {
        telemetry.last().is_some_and(|delivery| gate.vet(delivery).is_ok())
    };
    let vetted = start.elapsed();
    assert!(passed, "the fixtures pass");
    println!("{} {}", collected.as_nanos(), vetted.as_nanos());
}

#[expect(clippy::print_stdout, reason = "a bench reports on stdout")]
#[expect(clippy::disallowed_methods, reason = "only a fresh process starts cold; it is this very program")]
fn report_cold_starts(document: &str) {
    let this = std::env::current_exe().expect("the path of this program");
    let mut figures: Vec<[Duration; 2]> = (0..COLD_STARTS)
        .map(|_| {
            let output = Command::new(&this).env(COLD_START, document).output().expect("a fresh process");
            let text = String::from_utf8(output.stdout).expect("figures");
            let mut parts =
                text.split_whitespace().map(|part| Duration::from_nanos(part.parse().expect("a figure")));
            [parts.next().expect("a figure"), parts.next().expect("a figure")]
        })
        .collect();
    for (index, what) in ["local identifiers", "first vet"].into_iter().enumerate() {
        figures.sort_by_key(|figure| figure[index]);
        let (least, median) = (figures[0][index], figures[COLD_STARTS / 2][index]);
        println!("cold start, {document}: {what} {least:?} at least, {median:?} in the median");
    }
}

#[divan::bench]
fn vet_full_manifest(bencher: Bencher<'_, '_>) {
    let (gate, manifest) = (gate(), documents::full_manifest());
    bencher.bench_local(|| gate.vet(black_box(&manifest)));
}

#[divan::bench]
fn vet_manifest_delivery(bencher: Bencher<'_, '_>) {
    let (gate, telemetry) = (gate(), documents::telemetry());
    bencher.bench_local(|| gate.vet(black_box(&telemetry[3])));
}

#[divan::bench]
fn check_full_manifest(bencher: Bencher<'_, '_>) {
    let (gate, bytes) = (gate(), serde_json::to_vec(&documents::full_manifest()).expect("JSON"));
    bencher.bench_local(|| gate.check(black_box(&bytes)));
}

#[divan::bench]
fn check_refused_manifest(bencher: Bencher<'_, '_>) {
    let mut document = serde_json::to_value(documents::full_manifest()).expect("JSON");
    document["run_id"] = "srv01.example.com".into();
    let (gate, bytes) = (gate(), document.to_string().into_bytes());
    bencher.bench_local(|| gate.check(black_box(&bytes)));
}

/// As on a machine: its own identifiers and the private settings of a run.
fn gate() -> Gate {
    let settings =
        ["https://srv01:6443", "registry.example.com", "/srv/nfs/data", "10.0.0.0/8", "alice@example.com"];
    Gate::new(LocalIdentifiers::of_machine().with_private(settings))
}
