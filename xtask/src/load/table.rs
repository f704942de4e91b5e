//! The table of loads that the receiver promises, measured and printed whole: at no documents and at five million, with
//! the limits of the same machine beside.

use std::ops::Range;
use std::path::Path;
use std::time::Instant;

use anyhow::{bail, ensure};

use super::documents::{self, Documents};
use super::figure::Figure;
use super::limits::MachineLimits;
use super::sender::{DocumentLoad, ExpectedAnswer, read_chains};
use super::site::{LoadSite, LoadStore, OPERATOR_TOKEN};
use crate::program::{self, ReceiverProcess};
use crate::workspace;

/// Requests of a short measurement.
const SHORT: u64 = 200_000;
/// What a hundred thousand hosts send in a day.
const DAY: u64 = 1_500_000;
/// A store that is not new any more.
const MANY: u64 = 5_000_000;
/// Chains that are asked for.
const CHAINS: u64 = 500;
/// Connections. More make fuller batches and longer waits.
const CONNECTIONS: usize = 256;
/// The measured numbers of documents begin here; those that only fill the store are after them.
const FILLING: u64 = 100_000_000;

/// What was measured of a store.
struct StoreFigures {
    store: LoadStore,
    /// New documents, and the same once more, in an empty store and in a full one.
    new: [Figure; 2],
    again: [Figure; 2],
    day: Figure,
    chains: Figure,
}

/// Measures and prints. The arguments are one store (both), and how many percent of everything (100): less shows that it
/// works, and no figures.
pub(super) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let both = [LoadStore::Sqlite, LoadStore::Postgres];
    let (stores, rest) = match arguments {
        ["sqlite", rest @ ..] => (&both[..1], rest),
        ["postgres", rest @ ..] => (&both[1..], rest),
        rest => (&both[..], rest),
    };
    let percent: u64 = match rest {
        [] => 100,
        [percent] => percent.parse()?,
        _ => bail!("usage: cargo xtask load table [sqlite|postgres] [PERCENT]"),
    };
    ensure!((1..=100).contains(&percent), "between 1 and 100 percent");
    let program = program::build(&["--release", "--package", "receiver"])?;
    let documents = Documents::new()?;
    let site = LoadSite::new(LoadStore::Sqlite)?;
    let limits = MachineLimits::measure(&program, &site, &documents, SHORT * percent / 100, CONNECTIONS)?;
    drop(site);
    let mut rows = Vec::new();
    for store in stores {
        let figures = StoreFigures::measure(*store, &program, &documents, percent)?;
        rows.extend(figures.rows(&limits));
    }
    workspace::print_line(&format!(
        "\nlimits: bare HTTP {:.0}/s, with the gate {:.0}/s, syncs {:.0}/s; {percent} % of all numbers, {CONNECTIONS} connections\n",
        limits.http.rate(),
        limits.gate.rate(),
        limits.syncs.rate()
    ));
    workspace::print_line(
        "| store | target | at none | p50 | p99 | at 5 million | p50 | p99 | limit | reached |",
    );
    workspace::print_line("|---|---|---|---|---|---|---|---|---|---|");
    for row in rows {
        workspace::print_line(&row);
    }
    Ok(())
}

impl StoreFigures {
    fn measure(
        store: LoadStore,
        program: &Path,
        documents: &Documents,
        percent: u64,
    ) -> anyhow::Result<Self> {
        let [short, day, many] = [SHORT, DAY, MANY].map(|count| count * percent / 100);
        let site = LoadSite::new(store)?;
        let (new, again, a_day) = {
            let receiver = site.receiver(program)?;
            let send = |what: &str, numbers: Range<u64>, word: &str| {
                send(&receiver, documents, &format!("{}: {what}", store.name()), numbers, word)
            };
            let new = send("new documents", 0..short, "accepted")?;
            let again = send("the same again", 0..short, "duplicate")?;
            (new, again, send("a day of 100,000 hosts", short..short + day, "accepted")?)
        };
        site.fill(program, documents, FILLING..FILLING + many.saturating_sub(short + day))?;
        let receiver = site.receiver(program)?;
        let first = short + day;
        let name = |what: &str| format!("{} at {many}: {what}", store.name());
        let new_at_many =
            send(&receiver, documents, &name("new documents"), first..first + short, "accepted")?;
        let again_at_many =
            send(&receiver, documents, &name("the same again"), first..first + short, "duplicate")?;
        let started = Instant::now();
        let mut sessions = (0..CHAINS).map(|number| documents::session(number * short / CHAINS));
        let waits = read_chains(receiver.address, OPERATOR_TOKEN, &mut sessions)?;
        let chains = Figure::new(CHAINS, started.elapsed(), waits);
        chains.print(&name("chain pages"));
        Ok(Self { store, new: [new, new_at_many], again: [again, again_at_many], day: a_day, chains })
    }

    /// The lines of the table.
    fn rows(&self, limits: &MachineLimits) -> Vec<String> {
        let (goal, most_wait) = match self.store {
            LoadStore::Sqlite => (15_000.0, f64::INFINITY),
            LoadStore::Postgres => (20_000.0, 50.0),
        };
        let target = if most_wait.is_finite() {
            format!("{goal:.0} documents/s, p99 < {most_wait} ms")
        } else {
            format!("{goal:.0} documents/s")
        };
        let [none, many] = &self.new;
        let is_met = none.rate() >= goal && none.percentile(99).is_some_and(|wait| wait < most_wait);
        let gate = format!("{:.0}/s with the gate", limits.gate.rate());
        let http = format!("{:.0}/s bare HTTP", limits.http.rate());
        let syncs = format!("{:.0} syncs/s", limits.syncs.rate());
        let per_sync = self.new.each_ref().map(|figure| figure.rate() / limits.syncs.rate());
        let share = many.rate() / none.rate();
        let chain = self.chains.percentile(99).unwrap_or(f64::INFINITY);
        vec![
            self.row(&target, Some(none), Some(many), &gate, is_met),
            self.line(
                "three times one sync a document",
                [format!("{:.1}", per_sync[0]), format!("{:.1}", per_sync[1])],
                &syncs,
                per_sync[0] >= 3.0,
            ),
            self.line(
                "a day of 100,000 hosts under 120 s",
                [format!("{:.0} s ({} documents)", self.day.seconds(), self.day.count()), "-".to_owned()],
                &gate,
                self.day.seconds() < 120.0,
            ),
            self.row("the same, by documents", Some(&self.day), None, &gate, self.day.rate() >= 12_500.0),
            self.row(
                "27,000 duplicates/s",
                Some(&self.again[0]),
                Some(&self.again[1]),
                &http,
                self.again.iter().all(|figure| figure.rate() >= 27_000.0),
            ),
            self.row("a chain page under 10 ms", None, Some(&self.chains), "one index probe", chain < 10.0),
            self.line(
                "at 5 million 0.8 of that at none",
                ["1".to_owned(), format!("{share:.2}")],
                &gate,
                share >= 0.8,
            ),
        ]
    }

    fn row(
        &self,
        target: &str,
        none: Option<&Figure>,
        many: Option<&Figure>,
        limit: &str,
        is_met: bool,
    ) -> String {
        let cells = |figure: Option<&Figure>| match figure {
            Some(figure) => {
                let [half, most] = figure.quantiles();
                format!("{:.0}/s | {half} | {most}", figure.rate())
            }
            None => "- | - | -".to_owned(),
        };
        let (none, many) = (cells(none), cells(many));
        format!("| {} | {target} | {none} | {many} | {limit} | {} |", self.store.name(), reached(is_met))
    }

    fn line(&self, target: &str, [none, many]: [String; 2], limit: &str, is_met: bool) -> String {
        let name = self.store.name();
        format!("| {name} | {target} | {none} | - | - | {many} | - | - | {limit} | {} |", reached(is_met))
    }
}

fn reached(is_met: bool) -> &'static str {
    if is_met { "yes" } else { "no" }
}

fn send(
    receiver: &ReceiverProcess,
    documents: &Documents,
    what: &str,
    numbers: Range<u64>,
    word: &str,
) -> anyhow::Result<Figure> {
    let load = DocumentLoad { address: receiver.address, documents, numbers, connections: CONNECTIONS };
    let figure = load.send(&ExpectedAnswer::json(202, word))?;
    figure.print(what);
    Ok(figure)
}
