//! Load on a receiver, bounded and only on loopback: how many documents per second are durable, and after how long.
//!
//! Generator, receiver and database share the machine, so the figures are a floor. It is a closed loop: each connection
//! sends its next document after the answer to the last, so that a slow receiver is not asked for more than it answers.

mod cpu;
mod documents;
mod sender;
mod site;

use std::time::Instant;

use anyhow::{Context, bail, ensure};

use crate::program::{self, ReceiverProcess};
use crate::workspace;
use documents::Documents;
use site::{LoadSite, LoadStore};

/// Most documents of a measurement: more would fill a disk by mistake.
const MAX_DOCUMENTS: u64 = 10_000_000;
/// Most connections: each is a thread here.
const MAX_CONNECTIONS: usize = 1_024;
/// Chains that are requested.
const CHAINS: u64 = 500;

/// Measures. The arguments are the store (sqlite), the number of documents (100,000), of connections (64), and of the
/// documents that are stored before (0).
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let (store, numbers) = match arguments {
        ["postgres", rest @ ..] => (LoadStore::Postgres, rest),
        ["sqlite", rest @ ..] | rest => (LoadStore::Sqlite, rest),
    };
    let (documents, connections, stored) = match numbers {
        [] => (100_000, 64, 0),
        [documents] => (documents.parse()?, 64, 0),
        [documents, connections] => (documents.parse()?, connections.parse()?, 0),
        [documents, connections, stored] => (documents.parse()?, connections.parse()?, stored.parse()?),
        _ => bail!("usage: cargo xtask load [sqlite|postgres] [DOCUMENTS [CONNECTIONS [STORED]]]"),
    };
    ensure!((1..=MAX_DOCUMENTS).contains(&documents), "between 1 and {MAX_DOCUMENTS} documents");
    ensure!((0..=MAX_DOCUMENTS).contains(&stored), "at most {MAX_DOCUMENTS} documents before");
    ensure!((1..=MAX_CONNECTIONS).contains(&connections), "between 1 and {MAX_CONNECTIONS} connections");
    let program = program::build(&["--release", "--package", "receiver"])?;
    let site = LoadSite::new(store)?;
    let templates = Documents::new()?;
    if stored > 0 {
        let started = Instant::now();
        // Numbers that are not sent below.
        site.import(&program, (0..stored).map(|number| templates.document(MAX_DOCUMENTS + number)))?;
        print_rate("stored before, by import", stored, started, &mut []);
        // The service would do it at its start, during the measurement.
        let started = Instant::now();
        site.roll_up(&program)?;
        print_rate("rolled up", stored, started, &mut []);
    }
    let receiver = site.receiver(&program)?;
    for (name, expected) in [("new documents", "accepted"), ("the same again", "duplicate")] {
        let (started, before) = (Instant::now(), [cpu::of(receiver.pid()), site.server_cpu()]);
        let mut waits = sender::send_all(receiver.address, &templates, documents, connections, expected)?;
        print_rate(&format!("{name} over {connections} connections"), documents, started, &mut waits);
        // Unlike the rate, this is the same on a machine that has other work as well.
        let after = [cpu::of(receiver.pid()), site.server_cpu()];
        let [ours, servers] = [0, 1]
            .map(|index| after[index].saturating_sub(before[index]).as_micros() / u128::from(documents));
        workspace::print_line(&format!("  CPU for each: receiver {ours} us, database {servers} us"));
    }
    let mut sessions = (0..CHAINS).map(|number| documents::session(number * documents / CHAINS));
    let started = Instant::now();
    let mut waits = sender::read_chains(receiver.address, site::OPERATOR_TOKEN, &mut sessions)?;
    print_rate("chain pages, one after the other", CHAINS, started, &mut waits);
    print_memory(&receiver)
}

/// Prints a rate, and the median and the 99th percentile of the times that single answers took, in microseconds.
fn print_rate(name: &str, count: u64, started: Instant, waits: &mut [u64]) {
    let seconds = started.elapsed().as_secs_f64();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a figure for people"
    )]
    let rate = (count as f64 / seconds) as u64;
    waits.sort_unstable();
    let at = |percent: usize| waits.get(waits.len().saturating_sub(1) * percent / 100);
    let milliseconds = |wait: &u64| format!("{}.{} ms", wait / 1_000, wait / 100 % 10);
    let quantiles = match (at(50), at(99)) {
        (Some(half), Some(most)) => format!("; p50 {}, p99 {}", milliseconds(half), milliseconds(most)),
        _ => String::new(),
    };
    workspace::print_line(&format!("{name}: {count} in {seconds:.1} s, {rate} per second{quantiles}"));
}

fn print_memory(receiver: &ReceiverProcess) -> anyhow::Result<()> {
    let memory = receiver.peak_memory_kib().context("the receiver has ended")? / 1024;
    workspace::print_line(&format!("peak memory of the receiver: {memory} MiB"));
    Ok(())
}
