//! Load on a receiver, bounded and on loopback alone: how many documents a second are durable, and after how long.
//!
//! Generator and receiver share the machine, so the figures are a floor. It is a closed loop: each connection sends its
//! next document after the answer to the last, so that a slow receiver is not asked for more than it answers.

mod documents;
mod sender;

use std::fs;
use std::time::Instant;

use anyhow::{Context, bail, ensure};

use crate::program::{self, ReceiverProcess};
use crate::workspace;
use documents::Documents;

/// Most documents of a measurement: more would fill a disk by mistake.
const MAX_DOCUMENTS: u64 = 5_000_000;
/// Most connections: each is a thread here.
const MAX_CONNECTIONS: usize = 1_024;

/// Measures. The arguments are the number of documents (100,000) and of connections (64).
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let (documents, connections) = match arguments {
        [] => (100_000, 64),
        [documents] => (documents.parse()?, 64),
        [documents, connections] => (documents.parse()?, connections.parse()?),
        _ => bail!("usage: cargo xtask load [DOCUMENTS [CONNECTIONS]]"),
    };
    ensure!((1..=MAX_DOCUMENTS).contains(&documents), "between 1 and {MAX_DOCUMENTS} documents");
    ensure!((1..=MAX_CONNECTIONS).contains(&connections), "between 1 and {MAX_CONNECTIONS} connections");
    let program = program::build(&["--release", "--package", "receiver"])?;
    let directory = workspace::root().join("target/load");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    let receiver = ReceiverProcess::start(&program, &directory)?;
    let templates = Documents::new()?;
    for (name, expected) in [("new documents", "accepted"), ("the same again", "duplicate")] {
        let started = Instant::now();
        let mut waits = sender::send_all(receiver.address, &templates, documents, connections, expected)?;
        let seconds = started.elapsed().as_secs_f64();
        waits.sort_unstable();
        let at = |percent: usize| waits[(waits.len() - 1) * percent / 100] / 1_000;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a figure for people"
        )]
        let rate = (documents as f64 / seconds) as u64;
        workspace::print_line(&format!(
            "{name}: {documents} over {connections} connections in {seconds:.1} s, {rate} a second; p50 {} ms, p99 {} ms",
            at(50),
            at(99)
        ));
    }
    let memory = receiver.peak_memory_kib()? / 1024;
    let store =
        fs::metadata(directory.join("receiver.db")).context("the store is there")?.len() / (1024 * 1024);
    workspace::print_line(&format!("peak memory of the receiver: {memory} MiB; store: {store} MiB"));
    drop(receiver);
    fs::remove_dir_all(&directory).context("failed to remove what was measured on")
}
