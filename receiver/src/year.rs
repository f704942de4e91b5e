//! A year of a fleet, compressed: week by week its documents arrive, are rolled up and go, and what is published is held
//! against a count of its own and against an attacker.
//!
//! Small with the other tests; `cargo xtask load year` has a hundred thousand hosts and measures. It stands in the library
//! and not beside it, because a year passes only where the clock is an argument.

mod attack;
mod fleet;
mod neighbours;
mod published;
mod recount;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::arrival::Arrival;
use crate::chart::CHARTS;
use crate::http::pages;
use crate::intake::{self, Verdict};
use crate::log::say;
use crate::page;
use crate::rollup;
use crate::store::{Store, StoreLocation, StoreUse};
use crate::week::{DAY, Week};
use attack::PublishedWeek;
use fleet::{MANY_RUNS, YearFleet};
use neighbours::WeekInMemory;
use recount::Recount;

const BELOW: u32 = 10;
const RETENTION_DAYS: u32 = 45;
/// Sessions of the newest week that are left out, each once: those with the most runs, and all of a small fleet. The week is
/// in memory for that: about a gigabyte with a hundred thousand hosts.
const LEFT_OUT: usize = 200;
/// Documents of one transaction.
const BATCH: usize = 1_024;

fn variable(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// The store, and what has been seen of it.
struct Year {
    store: Box<dyn Store>,
    /// The week before, as it was published.
    before: Option<PublishedWeek>,
    /// The first week, as it was published when it was closed.
    first: Option<PublishedWeek>,
    documents: usize,
    /// Time in the store: storing, rolling up, deleting.
    spent: [Duration; 3],
}

/// `RECEIVER_YEAR_HOSTS=100000 RECEIVER_YEAR_WEEKS=52 cargo test --release -p receiver --lib year -- --nocapture`; with
/// `RECEIVER_YEAR_STORE` in a store that is kept.
#[test]
fn a_year_of_a_fleet_tells_of_nobody() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("receiver.db");
    let location = variable("RECEIVER_YEAR_STORE", file.to_str().expect("UTF-8"));
    let location = StoreLocation::parse(&location).expect("a store");
    let hosts = variable("RECEIVER_YEAR_HOSTS", "400").parse().expect("a number");
    let weeks: i64 = variable("RECEIVER_YEAR_WEEKS", "9").parse().expect("a number");
    let store = location.open(StoreUse::Tending).expect("opened");
    let mut year = Year { store, before: None, first: None, documents: 0, spent: [Duration::ZERO; 3] };
    let mut fleet = YearFleet::new(hosts, 7);
    let now = chrono::Utc::now().timestamp();
    let newest =
        (0..3).map(|back| Week::from_number(Week::of(now).number() - back)).find(|week| week.is_closed(now));
    let newest = newest.expect("one is closed");
    let mut last = Vec::new();
    for week in (newest.number() - weeks + 1..=newest.number()).map(Week::from_number) {
        last = year.pass(week, &mut fleet);
    }
    year.nobody_is_named_in(&last);
    year.one_session_more_or_less_moves_no_number_by_more_than_one_step(newest);
    year.the_first_week_is_as_it_was();
    let verified = year.store.verify().expect("read");
    assert_eq!(verified.faults, [""; 0]);
    assert!(
        verified.documents < u64::try_from(year.documents).expect("few") || weeks < 8,
        "old ones are gone"
    );
    year.tell(hosts, weeks, &file_of(&location));
}

fn file_of(location: &StoreLocation) -> PathBuf {
    match location {
        StoreLocation::Sqlite(file) => file.clone(),
        StoreLocation::Postgres(_) => PathBuf::new(),
    }
}

impl Year {
    /// Lets a week pass, and holds what is published of it against a count of its own; some ids of it.
    fn pass(&mut self, week: Week, fleet: &mut YearFleet) -> Vec<String> {
        let (mut recount, mut batch, mut ids) = (Recount::default(), Vec::new(), Vec::new());
        fleet.week(week, &mut |text| {
            recount.add(&text);
            let Verdict::Pass(arrival) = intake::judge(text.as_bytes()) else { panic!("refused: {text}") };
            if ids.len() < 200 {
                ids.extend([arrival.session_id.to_string(), arrival.run_id.to_string()]);
            }
            batch.push(*arrival);
            if batch.len() == BATCH {
                self.insert(&mut batch, week);
            }
        });
        self.insert(&mut batch, week);
        recount.finish();
        let now = week.end() + 2 * DAY;
        let started = Instant::now();
        let rolled = rollup::roll_up(&mut *self.store, BELOW, now).expect("rolled up");
        self.spent[1] += started.elapsed();
        assert_eq!(rolled.weeks, 1, "{week}");
        let told = self.compare(week, &recount);
        let claims = attack::claims(&told, self.before.as_ref(), BELOW.into());
        assert!(claims.is_empty(), "{week}: {} claims: {:#?}", claims.len(), &claims[..claims.len().min(10)]);
        self.first.get_or_insert_with(|| told.clone());
        self.before = Some(told);
        let started = Instant::now();
        rollup::forget(&mut *self.store, RETENTION_DAYS, now).expect("deleted");
        self.spent[2] += started.elapsed();
        ids
    }

    fn insert(&mut self, batch: &mut Vec<Arrival>, week: Week) {
        let started = Instant::now();
        // In the order of arrival, as time passes, and after the rollup that closed the week before.
        let second = i64::try_from(self.documents / BATCH % 400_000).expect("small");
        let received_at = week.start() + 2 * DAY + second;
        self.store.insert(batch, received_at).expect("stored");
        self.spent[0] += started.elapsed();
        self.documents += batch.len();
        batch.clear();
    }

    /// The newest week in all its forms, each equal to the recount.
    fn compare(&mut self, week: Week, recount: &Recount) -> PublishedWeek {
        let mut all = PublishedWeek::new();
        let nothing = BTreeMap::new();
        for chart in CHARTS {
            let told = published::cells_of(&pages::table(&mut *self.store, chart, 1).expect("read"));
            assert!(told.iter().all(|cell| cell.0 == week.to_string()), "{}: another week", chart.name);
            published::compare(chart.name, &told, recount.charts.get(chart.name).unwrap_or(&nothing), BELOW);
            all.insert(chart.name, told);
        }
        assert!(recount.charts.keys().all(|name| all.contains_key(name)), "every chart is in the catalogue");
        all
    }

    /// No form of any chart has an id.
    fn nobody_is_named_in(&mut self, ids: &[String]) {
        assert!(!ids.is_empty());
        for chart in CHARTS {
            let table = pages::table(&mut *self.store, chart, 53).expect("read");
            for text in [page::chart(&table), table.json().to_string(), table.csv()] {
                assert!(ids.iter().all(|id| !text.contains(id)), "{}", chart.name);
            }
        }
    }

    /// Closes the newest week once more, without each of its sessions in turn.
    fn one_session_more_or_less_moves_no_number_by_more_than_one_step(&mut self, week: Week) {
        let known = WeekInMemory::read(&mut *self.store, week);
        let all = known.published_without(None, BELOW);
        let sessions = known.sessions();
        assert!(sessions[0].0 >= MANY_RUNS, "one of them stands out");
        let mut seen = 0;
        for (runs, session) in sessions.iter().take(LEFT_OUT) {
            let less = known.published_without(Some(*session), BELOW);
            seen += usize::from(less != all);
            for (chart, numbers) in &all {
                let excess = neighbours::excess(numbers, &less[chart], BELOW);
                assert!(excess.is_empty(), "{chart}: a session of {runs} runs is seen: {excess:#?}");
            }
        }
        let left_out = sessions.len().min(LEFT_OUT);
        say(&format!("year: of {left_out} sessions, each left out once, {seen} change any number at all"));
    }

    /// After all that came later, and after its documents have gone.
    fn the_first_week_is_as_it_was(&mut self) {
        let first = self.first.take().expect("a first week");
        let week = first["results"][0].0.clone();
        for chart in CHARTS {
            let told = published::cells_of(&pages::table(&mut *self.store, chart, 100).expect("read"));
            let told: Vec<_> = told.into_iter().filter(|cell| cell.0 == week).collect();
            assert_eq!(told, first[chart.name], "{}", chart.name);
        }
    }

    /// Figures for a run by hand.
    fn tell(&mut self, hosts: u64, weeks: i64, file: &Path) {
        let [stored, rolled, deleted] = self.spent.map(|spent| spent.as_secs_f64());
        let documents = self.documents;
        say(&format!(
            "year: {hosts} hosts, {weeks} weeks, {documents} documents: stored in {stored:.1} s, rolled up in {rolled:.1} s, deleted in {deleted:.1} s"
        ));
        let kept = self.store.count().expect("counted");
        self.store.settle().expect("written back");
        let size = file.metadata().map_or_else(
            |_| String::new(),
            |metadata| format!(" in a file of {} MiB", metadata.len() / 1024 / 1024),
        );
        say(&format!("year: {kept} documents are left{size}"));
        let mut times: Vec<(Duration, &str)> = Vec::new();
        for chart in CHARTS {
            let started = Instant::now();
            let table = pages::table(&mut *self.store, chart, 53).expect("read");
            let page = page::chart(&table);
            times.push((started.elapsed(), chart.name));
            assert!(page.contains("</html>"));
        }
        let started = Instant::now();
        let tables: Vec<_> =
            CHARTS.iter().map(|chart| pages::table(&mut *self.store, chart, 1).expect("read")).collect();
        let overview = page::overview(&tables);
        times.push((started.elapsed(), "overview"));
        assert!(overview.contains("</html>"));
        times.sort_unstable();
        let [half, most] = [times[times.len() / 2], times[times.len() - 1]];
        say(&format!("year: pages of 53 weeks: half within {:?}, slowest {:?} ({})", half.0, most.0, most.1));
    }
}
