//! Pages: complete without scripts and other files, and chains only for operators.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schema::{ComponentLabel, Id};

use crate::documents::{in_session, sample};
use crate::support::{Receiver, Site, on_both_stores, wait_until};

on_both_stores! {
    chains_are_for_operators,
    a_chain_is_shown_as_a_tree_whatever_arrived_first,
    a_chain_of_ten_thousand_runs_and_a_circle_are_shown,
}

const AT: &str = "2026-11-22T07:50:02Z";

const TOKEN: &str = "0123456789abcdef-operator";

fn with_operator(site: &Site) -> Receiver {
    let file = site.path().join("operator");
    #[expect(clippy::disallowed_methods, reason = "a file of the test")]
    std::fs::write(&file, TOKEN).expect("written");
    site.receiver_with(&["--operator-token-file", file.to_str().expect("UTF-8")])
}

#[test]
fn a_page_is_whole_by_itself() {
    let site = Site::sqlite();
    let receiver = site.receiver();
    let mut client = receiver.client();
    for path in ["/", "/contract", "/charts/results", "/charts/words"] {
        let page = client.get(path);
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, Some("text/html; charset=utf-8")),
            "{path}"
        );
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        for loaded in ["<script", "<link", "<img", " src=", "@import", "url(", "http://", "https://"] {
            assert!(!page.body.contains(loaded), "{path} has {loaded}");
        }
        for needed in
            ["<html lang=\"en\">", "name=\"viewport\"", "<main id=\"content\">", "prefers-color-scheme"]
        {
            assert!(page.body.contains(needed), "{path} lacks {needed}");
        }
    }
}

#[test]
fn the_contract_is_told_field_by_field() {
    let site = Site::sqlite();
    let receiver = site.receiver();
    let page = receiver.client().get("/contract").body;
    for told in [
        "<code>/manifest/components/longhorn/result</code>",
        "Collected to decide which platforms to support.",
        "<a href=\"/charts/deliveries\">Deliveries</a>",
        "single-node, server, agent, stack",
        "In no chart: drops duplicates",
    ] {
        assert!(page.contains(told), "{told} is not in the page");
    }
}

fn chains_are_for_operators(site: &Site) {
    let basic =
        |password: &str| format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("any:{password}")));
    {
        let receiver = site.receiver();
        assert_eq!(receiver.client().request("GET", "/chains", &basic(TOKEN)).status, 403);
    }
    let receiver = with_operator(site);
    let mut client = receiver.client();
    let session = format!("/chains/{}", Id::random());
    for (headers, expected) in [
        (String::new(), 401),
        (basic("wrong"), 401),
        ("Authorization: Bearer 0123456789abcdef\r\n".to_owned(), 401),
        (basic(TOKEN), 200),
        (format!("Authorization: Bearer {TOKEN}\r\n"), 200),
    ] {
        let reply = client.request("GET", "/chains", &headers);
        assert_eq!(reply.status, expected, "{headers}");
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        // That a session does not exist is not shown to others either.
        assert_eq!(client.request("GET", &session, &headers).status, if expected == 200 { 404 } else { 401 });
    }
}

fn a_chain_is_shown_as_a_tree_whatever_arrived_first(site: &Site) {
    let receiver = with_operator(site);
    let mut client = receiver.client();
    let [session, cli, infra, core] = std::array::from_fn(|_| Id::random());
    for sample in [
        in_session(&session, &core, Some(&infra), ComponentLabel::Core, AT),
        in_session(&session, &cli, None, ComponentLabel::Cli, AT),
        in_session(&session, &infra, Some(&cli), ComponentLabel::Infra, AT),
    ] {
        assert_eq!(client.post(&sample.bytes).outcome(), "accepted");
    }
    let headers = format!("Authorization: Bearer {TOKEN}\r\n");
    let latest = client.request("GET", "/chains", &headers).body;
    assert!(latest.contains(&format!("href=\"/chains/{session}\"")), "{latest}");
    let page = client.request("GET", &format!("/chains/{session}"), &headers).body;
    let places: Vec<_> =
        ["cli", "infra", "core"].map(|layer| page.find(&format!("{layer} run <code>"))).to_vec();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{page}");
    assert!(page.contains("run server dry-run success"), "{page}");
}

/// Imports the longest chain that is shown, deepest run first.
fn import_deep_chain(site: &Site) -> Id {
    let deep = Id::random();
    let runs: Vec<Id> = (0..10_000).map(|_| Id::random()).collect();
    let document = |index: usize| {
        let parent = index.checked_sub(1).map(|above| &runs[above]);
        in_session(&deep, &runs[index], parent, ComponentLabel::Core, AT)
    };
    let lines: Vec<Vec<u8>> = (0..runs.len()).rev().map(|index| document(index).bytes).collect();
    assert!(site.import(&lines.join(&b'\n')).status.success());
    deep
}

fn a_chain_of_ten_thousand_runs_and_a_circle_are_shown(site: &Site) {
    let deep = import_deep_chain(site);
    let (round, runs): (Id, [Id; 4]) = (Id::random(), std::array::from_fn(|_| Id::random()));
    let lines = [(0, 1), (1, 2), (2, 0), (3, 3)].map(|(run, parent)| {
        in_session(&round, &runs[run], Some(&runs[parent]), ComponentLabel::Core, AT).bytes
    });
    assert!(site.import(&lines.join(&b'\n')).status.success());
    let receiver = with_operator(site);
    let headers = format!("Authorization: Bearer {TOKEN}\r\n");
    let chain = |session: &Id| receiver.client().request("GET", &format!("/chains/{session}"), &headers).body;
    let page = chain(&deep);
    assert!(
        page.contains("runs: 10000, documents: 10000") && page.contains("Level 9999"),
        "it is told whole"
    );
    assert!(chain(&round).contains("runs: 4, documents: 4"));
    assert!(site.tend("verify").starts_with("whole: 10004 documents"));
}

/// What is held for readers who take nothing is bounded by a test of its own; here it is seen that it counts.
#[test]
fn a_page_that_nobody_takes_is_held_until_its_reader_has_gone() {
    let site = Site::sqlite();
    let deep = import_deep_chain(&site);
    let receiver = with_operator(&site);
    let mut client = receiver.client();
    let headers = format!("Authorization: Bearer {TOKEN}\r\n");
    let request = format!("GET /chains/{deep} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    client.send(request.as_bytes()).expect("sent");
    assert_eq!(client.head().expect("a response").status, 200);
    assert!(
        receiver.metric("receiver_page_bytes") > 1024 * 1024,
        "the page is larger than what the kernel keeps"
    );
    assert_eq!(receiver.client().post(&sample().bytes).outcome(), "accepted");
    drop(client);
    wait_until("nothing is held", || receiver.metric("receiver_page_bytes") == 0);
}
