//! The counts of what was refused: all that is kept of it.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::documents::sample;
use crate::support::{Site, on_both_stores, wait_until};

on_both_stores! {
    places_beyond_those_of_a_day_are_counted_as_one,
}

/// Documents that are refused at more places than are counted separately.
fn refused_everywhere() -> Vec<Vec<u8>> {
    let document: Value = serde_json::from_slice(&sample().bytes).expect("JSON");
    let names: Vec<&String> = document.as_object().expect("an object").keys().collect();
    let mut documents = Vec::new();
    for first in &names {
        for second in &names {
            let inner: serde_json::Map<_, _> =
                names.iter().map(|name| ((*name).clone(), json!("10.0.0.1"))).collect();
            documents.push(json!({ *first: { *second: inner } }).to_string().into_bytes());
        }
    }
    assert!(documents.len() * names.len() > 1_000, "{names:?}");
    documents
}

#[test]
fn a_server_that_is_far_away_stores_the_counts_of_a_burst() {
    let Some(site) = Site::postgres() else { return };
    site.tend("migrate");
    // Each statement takes as long as its way there and back.
    site.execute(
        "CREATE FUNCTION travel() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM pg_sleep(0.05); RETURN NULL; END $$;
         CREATE TRIGGER travel AFTER INSERT ON refusal FOR EACH STATEMENT EXECUTE FUNCTION travel()",
    );
    let receiver = site.receiver();
    let mut client = receiver.client();
    for document in refused_everywhere() {
        assert_eq!(client.post(&document).status, 422);
    }
    wait_until("the places are counted", || {
        let places = site.database().sql("SELECT count(*) FROM refusal");
        places.trim().parse::<u32>().expect("a number") > 1_000
    });
    assert_eq!(client.post(&sample().bytes).outcome(), "accepted");
}

fn places_beyond_those_of_a_day_are_counted_as_one(site: &Site) {
    site.tend("migrate");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time");
    let day = now.as_secs() / 86_400;
    // One place is left, today and tomorrow.
    for day in [day, day + 1] {
        site.execute(&format!(
            "INSERT INTO refusal (day, rule, pointer, count) VALUES ({day}, 'schema.enum', '/command/mode', 1);
             WITH RECURSIVE place (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM place WHERE n < 1998)
             INSERT INTO refusal (day, rule, pointer, count) SELECT {day}, 'full', n, 1 FROM place"
        ));
    }
    let mut receiver = site.receiver();
    let mut document: Value = serde_json::from_slice(&sample().bytes).expect("JSON");
    for field in ["mode", "execution", "result"] {
        document["command"][field] = "srv01".into();
    }
    assert_eq!(receiver.client().post(document.to_string().as_bytes()).status, 422);
    receiver.stop();
    let kept = site.dump();
    let has = |count: &str| usize::from(kept.contains(&format!("|schema.enum|{count}")));
    assert_eq!((has("/command/mode|2"), has("elsewhere|1")), (1, 1), "{kept}");
    assert_eq!(has("/command/execution|1") + has("/command/result|1"), 1);
}
