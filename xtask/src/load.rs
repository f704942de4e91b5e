//! Load on a receiver, bounded and only on loopback: how many documents per second are durable, and after how long.
//!
//! Generator, receiver and database share the machine, so the figures are a floor. It is a closed loop: each connection
//! sends its next document after the answer to the last, so that a slow receiver is not asked for more than it answers.

mod cpu;
mod documents;
mod figure;
mod limits;
mod sender;
mod site;
mod table;
mod year;

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::program;
use crate::workspace;
use documents::Documents;
use figure::Figure;
use sender::{DocumentLoad, ExpectedAnswer};
use site::{LoadSite, LoadStore};

/// Most documents of a measurement: more would fill a disk by mistake.
const MAX_DOCUMENTS: u64 = 10_000_000;
/// Most connections: each is a thread here.
const MAX_CONNECTIONS: usize = 1_024;
/// Chains that are requested.
const CHAINS: u64 = 500;

/// Measures: the whole table, a year, or one store with numbers of one's own.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    match arguments {
        ["table", rest @ ..] => table::run(rest),
        ["year", rest @ ..] => year::run(rest),
        _ => measure(arguments),
    }
}

/// Measures one store. The arguments are the store (sqlite), the number of documents (100,000), of connections (64), and
/// of the documents that are stored before (0).
fn measure(arguments: &[&str]) -> anyhow::Result<()> {
    let (store, numbers) = match arguments {
        ["postgres", rest @ ..] => (LoadStore::Postgres, rest),
        ["sqlite", rest @ ..] | rest => (LoadStore::Sqlite, rest),
    };
    let (count, connections, stored) = match numbers {
        [] => (100_000, 64, 0),
        [documents] => (documents.parse()?, 64, 0),
        [documents, connections] => (documents.parse()?, connections.parse()?, 0),
        [documents, connections, stored] => (documents.parse()?, connections.parse()?, stored.parse()?),
        _ => bail!("usage: cargo xtask load [sqlite|postgres] [DOCUMENTS [CONNECTIONS [STORED]]]"),
    };
    ensure!((1..=MAX_DOCUMENTS).contains(&count), "between 1 and {MAX_DOCUMENTS} documents");
    ensure!((0..=MAX_DOCUMENTS).contains(&stored), "at most {MAX_DOCUMENTS} documents before");
    ensure!((1..=MAX_CONNECTIONS).contains(&connections), "between 1 and {MAX_CONNECTIONS} connections");
    let program = program::build(&["--release", "--package", "receiver"])?;
    let site = LoadSite::new(store)?;
    let documents = Documents::new()?;
    if stored > 0 {
        // Numbers that are not sent below.
        site.fill(&program, &documents, MAX_DOCUMENTS..MAX_DOCUMENTS + stored)?;
    }
    let receiver = site.receiver(&program)?;
    let address = receiver.address;
    let load = DocumentLoad { address, documents: &documents, numbers: 0..count, connections };
    for (name, expected) in [("new documents", "accepted"), ("the same again", "duplicate")] {
        let before = [cpu::of(receiver.pid()), site.server_cpu()];
        let figure = load.send(&ExpectedAnswer::json(202, expected))?;
        figure.print(&format!("{name} over {connections} connections"));
        // Unlike the rate, this is the same on a machine that has other work as well.
        let after = [cpu::of(receiver.pid()), site.server_cpu()];
        let used = [0, 1].map(|index: usize| after[index].saturating_sub(before[index]));
        let [ours, servers] = used.map(|used: Duration| used.as_micros() / u128::from(count));
        workspace::print_line(&format!("  CPU for each: receiver {ours} us, database {servers} us"));
    }
    let mut sessions = (0..CHAINS).map(|number| documents::session(number * count / CHAINS));
    let started = Instant::now();
    let waits = sender::read_chains(address, site::OPERATOR_TOKEN, &mut sessions)?;
    Figure::new(CHAINS, started.elapsed(), waits).print("chain pages, one after the other");
    let memory = receiver.peak_memory_kib().context("the receiver has ended")? / 1024;
    workspace::print_line(&format!("peak memory of the receiver: {memory} MiB"));
    Ok(())
}
