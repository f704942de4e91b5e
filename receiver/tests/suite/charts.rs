//! Charts from the documents of a fleet: exact where they show numbers, and without small groups in every form.

use std::collections::{BTreeMap, BTreeSet};

use schema::{Finish, Id};
use serde_json::Value;

use crate::fleet::{Host, hosts, import};
use crate::support::{Receiver, Site, on_both_stores};

on_both_stores! {
    charts_equal_an_independent_count_and_fold_small_groups,
    a_closed_week_never_changes_and_old_documents_go_after_it_was_closed,
    a_week_states_the_threshold_that_it_was_closed_with,
    a_week_that_is_not_closed_is_not_shown,
    addresses_take_no_filters_and_no_other_names,
}

const BELOW: usize = 10;

/// Sessions by cell, as a chart shows them.
type Cells = BTreeMap<(String, String), u64>;

fn shown(receiver: &Receiver, chart: &str) -> Vec<(String, Cells)> {
    let json = receiver.client().get(&format!("/charts/{chart}.json")).json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let cell =
        |cell: &Value| ((text(&cell["k1"]), text(&cell["k2"])), cell["sessions"].as_u64().expect("a number"));
    let week = |week: &Value| {
        let cells: Cells = week["cells"].as_array().expect("cells").iter().map(cell).collect();
        assert_eq!(week["suppress_below"], BELOW);
        (text(&week["week"]), cells)
    };
    json["weeks"].as_array().expect("weeks").iter().map(week).collect()
}

/// The same chart, computed from the hosts and not from the store.
fn counted(
    hosts: &[Host],
    keys: impl Fn(&Host) -> Option<(String, String)>,
) -> BTreeMap<(String, String), BTreeSet<&Id>> {
    let mut cells: BTreeMap<(String, String), BTreeSet<&Id>> = BTreeMap::new();
    for host in hosts {
        if let Some(keys) = keys(host) {
            cells.entry(keys).or_default().insert(&host.session_id);
        }
    }
    cells
}

/// A number as charts tell it.
fn rounded(count: usize) -> u64 {
    (count - count % BELOW) as u64
}

/// Compares a chart with the same chart computed from the hosts.
#[track_caller]
fn check(receiver: &Receiver, chart: &str, hosts: &[Host], keys: impl Fn(&Host) -> Option<(String, String)>) {
    let all = counted(hosts, keys);
    let weeks = shown(receiver, chart);
    // Which week that is depends on the day of the test; all others are empty.
    let (_, cells) = weeks.iter().find(|(_, cells)| !cells.is_empty()).expect("a week");
    let folded = ("(small groups)".to_owned(), "(small groups)".to_owned());
    let mut rest: BTreeSet<&Id> = BTreeSet::new();
    let mut small = 0;
    for (keys, sessions) in &all {
        if let Some(found) = cells.get(keys) {
            assert!(sessions.len() >= BELOW, "{chart}: {keys:?} is small and shown");
            assert_eq!(*found, rounded(sessions.len()), "{chart}: {keys:?}");
        } else {
            rest.extend(sessions);
            small += 1;
        }
    }
    let expected = (rest.len() >= BELOW).then_some(rounded(rest.len()));
    assert_eq!(cells.get(&folded), expected.as_ref(), "{chart}: what is folded");
    assert!(small != 1, "{chart}: one group alone is told by its absence");
    assert_eq!(cells.len(), all.len() - small + usize::from(expected.is_some()), "{chart}");
}

fn result_of(host: &Host) -> &'static str {
    match host.finish {
        None => "unknown",
        Some(Finish::Success) => "success",
        Some(Finish::Failed(_)) => "failed",
        Some(Finish::Cancelled) => "cancelled",
        Some(Finish::Interrupted) => "interrupted",
    }
}

fn charts_equal_an_independent_count_and_fold_small_groups(site: &Site) {
    let hosts = hosts(600, 7);
    assert!(import(site, &hosts).ends_with("0 duplicates, 0 refused, 0 not taken by the store\n"));
    site.age(12);
    let rolled = site.tend("rollup");
    assert!(!rolled.contains(" 0 weeks"), "{rolled}");
    assert_eq!(site.tend("rollup"), "rolled up: 0 documents, 0 weeks closed\n");
    let receiver = site.receiver();
    let platform = |host: &Host| {
        let Host { platform, finish, .. } = host;
        let name = format!("{} {}", platform.os_id, platform.os_version);
        finish.map(|_| (name, platform.support.to_string()))
    };
    check(&receiver, "platforms", &hosts, platform);
    check(&receiver, "results", &hosts, |host| Some((host.mode.to_string(), result_of(host).to_owned())));
    check(&receiver, "failures", &hosts, |host| match host.finish {
        Some(Finish::Failed(failure)) => Some((failure.step.to_string(), failure.reason.to_string())),
        _ => None,
    });
    let arch = |host: &Host| host.finish.map(|_| ("debian".to_owned(), host.platform.arch.to_string()));
    check(&receiver, "architectures", &hosts, arch);
    nobody_can_be_singled_out(&receiver, &hosts);
}

/// Looks at every page in every form.
fn nobody_can_be_singled_out(receiver: &Receiver, hosts: &[Host]) {
    let mut client = receiver.client();
    let overview = client.get("/").body;
    let names: BTreeSet<&str> =
        overview.split("href=\"/charts/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let json = client.get(&format!("/charts/{name}.json"));
        let csv = client.get(&format!("/charts/{name}.csv"));
        let html = client.get(&format!("/charts/{name}"));
        assert_eq!((json.status, csv.status, html.status), (200, 200, 200), "{name}");
        let mut rows = 0;
        for (week, cells) in shown(receiver, name) {
            for ((k1, k2), sessions) in cells {
                assert!(sessions >= BELOW as u64, "{name}: {k1}, {k2}");
                assert!(csv.body.contains(&format!("{week},{k1},{k2},{sessions}\r\n")), "{name}: {k1}, {k2}");
                assert!(html.body.contains(&format!("<td>{k1}</td><td>{k2}</td>")), "{name}: {k1}, {k2}");
                rows += 1;
            }
        }
        assert_eq!(csv.body.lines().count(), rows + 1, "{name}");
        for host in hosts {
            let told =
                |id: &Id| [&json.body, &csv.body, &html.body].iter().any(|text| text.contains(id.as_str()));
            assert!(!told(&host.session_id) && !told(&host.run_id), "{name} names a session or a run");
        }
    }
}

fn a_closed_week_never_changes_and_old_documents_go_after_it_was_closed(site: &Site) {
    import(site, &hosts(60, 1));
    site.age(50);
    // Not rolled up yet: whatever their age, they are kept.
    assert_eq!(site.tend("retain"), "deleted: 0 rows\n");
    site.tend("rollup");
    let before = {
        let receiver = site.receiver();
        shown(&receiver, "results")
    };
    import(site, &hosts(60, 2));
    site.age(50);
    site.tend("rollup");
    site.tend("retain");
    assert!(site.tend("verify").starts_with("whole: 0 documents"), "all are old");
    let receiver = site.receiver();
    assert_eq!(shown(&receiver, "results"), before, "two looks at a week differ by nobody");
}

fn a_week_states_the_threshold_that_it_was_closed_with(site: &Site) {
    import(site, &hosts(60, 4));
    site.age(12);
    let rolled = site.command(&["rollup", "--suppress-below", "20"]).output().expect("it starts");
    assert!(rolled.status.success(), "{rolled:?}");
    // What the service would close a week with today is another one.
    let receiver = site.receiver();
    let mut client = receiver.client();
    for path in ["/", "/charts/results"] {
        let page = client.get(path).body;
        assert!(page.contains("a multiple of 20.") && !page.contains("a multiple of 10."), "{path}");
    }
    let weeks = client.get("/charts/results.json").json()["weeks"].clone();
    let stated: Vec<&Value> =
        weeks.as_array().expect("weeks").iter().map(|week| &week["suppress_below"]).collect();
    assert!(!stated.is_empty() && stated.iter().all(|below| **below == 20), "{stated:?}");
}

fn a_week_that_is_not_closed_is_not_shown(site: &Site) {
    import(site, &hosts(60, 3));
    site.tend("rollup");
    let receiver = site.receiver();
    assert_eq!(shown(&receiver, "results"), []);
    assert!(receiver.client().get("/").body.contains("No week is closed yet"));
}

fn addresses_take_no_filters_and_no_other_names(site: &Site) {
    let receiver = site.receiver();
    let mut client = receiver.client();
    for path in [
        "/charts/",
        "/charts/nothing",
        "/charts/results.xml",
        "/charts/results/server",
        "/charts/..%2fresults",
    ] {
        assert_eq!(client.get(path).status, 404, "{path}");
    }
    let plain = client.get("/charts/results").body;
    assert_eq!(client.get("/charts/results?mode=server&os=debian").body, plain);
}
