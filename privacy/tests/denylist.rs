//! Every rule of the denylist: its hits and its innocent neighbours, through the gate as a receiver would see it.

use std::collections::BTreeSet;

use privacy::Gate;
use schema::denylist::{ALLOWLISTED_SHAPES, KEYS, VALUE_RULES, allowlisted_words};
use serde_json::{Value, json};

fn tripped(document: &Value) -> BTreeSet<(String, String)> {
    let rejection =
        Gate::default().check(document.to_string().as_bytes()).expect_err("not a document of the contract");
    let violations = rejection.violations().iter();
    violations.map(|violation| (violation.rule().to_owned(), violation.pointer().to_owned())).collect()
}

/// The rules of one namespace that a string trips in the place of an id.
fn value_rules(text: &str) -> BTreeSet<String> {
    let tripped = tripped(&json!({ "run_id": text }));
    tripped
        .into_iter()
        .filter(|(rule, _)| rule.starts_with("value."))
        .map(|(rule, pointer)| {
            assert_eq!(pointer, "/run_id");
            rule
        })
        .collect()
}

fn key_rules(key: &str) -> BTreeSet<String> {
    let tripped = tripped(&json!({ "platform": { key: true } }));
    tripped.into_iter().map(|(rule, _)| rule).filter(|rule| rule.starts_with("key.")).collect()
}

#[track_caller]
fn check_value(text: &str, rule: &str) {
    assert!(value_rules(text).contains(rule), "{text:?} must trip {rule} and trips {:?}", value_rules(text));
}

#[track_caller]
fn check_innocent(text: &str) {
    assert_eq!(value_rules(text), BTreeSet::new(), "{text:?}");
    assert_eq!(Gate::default().check_text(text), Ok(()), "{text:?}");
}

#[track_caller]
fn check_key(key: &str, rules: &[&str]) {
    assert_eq!(key_rules(key), rules.iter().map(|rule| (*rule).to_owned()).collect(), "{key:?}");
}

#[test]
fn every_rule_trips_on_its_hits_and_lets_its_neighbours_pass() {
    for rule in VALUE_RULES {
        assert!(!rule.hits.is_empty() && !rule.innocents.is_empty(), "{} needs examples", rule.id);
        rule.hits.iter().for_each(|hit| check_value(hit, rule.id));
        rule.innocents.iter().for_each(|innocent| check_innocent(innocent));
    }
}

#[test]
fn what_a_rule_needs_only_saves_time() {
    for rule in VALUE_RULES {
        for hit in rule.hits {
            let has = |set: &&str| hit.contains(|character| set.contains(character));
            assert!(rule.needs.iter().all(has), "{} needs too much for {hit:?}", rule.id);
        }
    }
}

#[test]
fn ids_are_told_apart() {
    let ids: BTreeSet<&str> = VALUE_RULES
        .iter()
        .map(|rule| rule.id)
        .chain(ALLOWLISTED_SHAPES.iter().map(|shape| shape.id))
        .collect();
    assert_eq!(ids.len(), VALUE_RULES.len() + ALLOWLISTED_SHAPES.len());
}

#[test]
fn what_must_pass_passes() {
    for text in [
        "v1.35.5+k3s1",
        "24.04",
        "12",
        "0.1.0",
        "1.2.3-rc.1",
        "core.bootstrap.server.started",
        "core.component.enabled",
        "2026-11-22T07:50:02Z",
        "6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10",
        "9f86d081884c7d65",
        "20261122-075002-3078-565430571",
        "letsencrypt-staging",
        "productive-k3s-core",
        "productive-k3s-core/1.2.3",
        "pk3s-public-v1",
        "best-effort",
        "",
    ] {
        check_innocent(text);
    }
    allowlisted_words().into_iter().for_each(check_innocent);
}

#[test]
fn disguises_are_seen_through() {
    // Full width digits and dots, zero width, ligatures, homoglyphs.
    check_value("１９２．１６８．１．１", "value.ipv4");
    check_value("srv01\u{200b}.example.com", "value.fqdn");
    check_value("alice＠example", "value.email");
    check_value("suc\u{441}ess", "value.non_ascii");
    // Percent, base64 of both alphabets with and without padding, hex.
    check_value("%2Fhome%2Falice", "value.path");
    check_value("srv01%2eexample%2ecom", "value.fqdn");
    check_value("c3J2MDEuZXhhbXBsZS5jb20=", "value.fqdn");
    check_value("c3J2MDEuZXhhbXBsZS5jb20", "value.fqdn");
    check_value("run-c3J2MDEuZXhhbXBsZS5jb20", "value.fqdn");
    check_value("fn5-Pz8_L2hvbWUvYWxpY2U", "value.path");
    check_value("7372763031 2e 6578".replace(' ', "").as_str(), "value.fqdn");
    check_value("0x7372763031 2E 6578616D706C652E636F6D".replace(' ', "").as_str(), "value.fqdn");
    check_value("id_2f686f6d652f616c696365", "value.path");
    check_value("c3J2MDEuZXhhbXBsZS5jb20K", "value.fqdn");
    // Twice and three times over; what is deeper than that is not looked for.
    check_value("YzNKMk1ERXVaWGhoYlhCc1pTNWpiMjA9", "value.fqdn");
    check_value("%25252Fhome%25252Falice", "value.path");
    // A trailing line feed does not make an innocent form of it.
    check_value("24.04\n", "value.control");
    check_value("success\n", "value.control");
}

#[test]
fn dates_and_times_in_digits_are_no_text_in_hex() {
    // `20260922` is ` &`, a tab and a quote; `222222` is three quotes; `404040` is three at signs.
    check_innocent("20260922-222222-404040-222222222");
}

#[test]
fn text_in_the_form_of_a_random_uuid_cannot_exist() {
    // Version 1 holds a hardware address, and the other variants have room for text written in hex.
    for (text, innocent) in [
        ("6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10", true),
        ("019a0c1f-3b8e-7d53-9a55-0b6f3a2c7d10", true),
        ("6f1c1f3e-3b8e-1d53-9a55-0b6f3a2c7d10", false),
        ("6f1c1f3e-3b8e-4d53-6a55-0b6f3a2c7d10", false),
    ] {
        let shape = ALLOWLISTED_SHAPES.iter().find(|shape| shape.id == "uuid").expect("a shape");
        let fits = regex_automata::meta::Regex::new(shape.pattern).expect("a pattern").is_match(text);
        assert_eq!(fits, innocent, "{text}");
    }
}

#[test]
fn keys_that_name_something_private_are_refused() {
    for token in KEYS.tokens {
        assert!(key_rules(token).contains("key.token"), "{token}");
        assert!(key_rules(&format!("the_{token}s_given")).contains("key.token"), "{token}");
    }
    for [first, second] in KEYS.sequences {
        assert!(
            key_rules(&format!("the_{first}_{second}_given")).contains("key.sequence"),
            "{first} {second}"
        );
    }
}

#[test]
fn keys_are_normalised_before_they_are_compared() {
    check_key("hostName", &["key.shape", "key.token"]);
    check_key("HOSTNAME", &["key.shape", "key.token"]);
    check_key("nodeName", &["key.shape", "key.sequence"]);
    check_key("HTTPServerURL", &["key.shape", "key.token", "key.sequence"]);
    check_key("server-address", &["key.shape", "key.sequence"]);
    check_key("ｈｏｓｔ", &["key.shape", "key.token"]);
    check_key("ho\u{200b}st", &["key.shape", "key.token"]);
    check_key("h\u{43e}st", &["key.shape"]);
    check_key("server__name_", &["key.sequence"]);
    check_key("hosts", &["key.token"]);
    check_key("server_addresses", &["key.sequence"]);
    check_key("directories", &["key.token"]);
    check_key("cookies", &["key.token"]);
    check_key("host2", &["key.token"]);
    check_key("ips4", &["key.token"]);
    check_key("", &["key.shape"]);
    check_key("status\n", &["key.shape"]);
    // Tokens are compared whole, and sequences in their order.
    check_key("ghost", &[]);
    check_key("ship", &[]);
    check_key("tokenizer", &[]);
    check_key("name_server_count", &[]);
    check_key("server_node_name", &["key.sequence"]);
    check_key("server_os_name", &[]);
}

#[test]
fn the_shape_of_keys_agrees_with_its_published_pattern() {
    let pattern = regex_automata::meta::Regex::new(KEYS.shape_pattern).expect("a pattern");
    let long = "x".repeat(65);
    for key in ["a", "a_1", "A", "1a", "_a", "a-b", "", "a\n", "é", &long[1..], &long] {
        assert_eq!(pattern.is_match(key), !key_rules(key).contains("key.shape"), "{key:?}");
    }
}

#[test]
fn exactly_the_reviewed_keys_of_the_contract_are_exempt() {
    let mut needed = BTreeSet::new();
    for kind in schema::DocumentKind::ALL {
        let schema: Value = serde_json::from_str(privacy::published_schema(kind)).expect("a schema");
        collect_pointers(&schema, &schema, "", &mut needed);
    }
    let reviewed: BTreeSet<String> = KEYS
        .exempt_prefixes
        .iter()
        .flat_map(|prefix| KEYS.exempt.iter().map(move |exemption| format!("{prefix}{}", exemption.pointer)))
        .collect();
    assert_eq!(needed, reviewed);
}

/// The pointers of all keys below `node` that trip a table.
fn collect_pointers(root: &Value, node: &Value, pointer: &str, found: &mut BTreeSet<String>) {
    if let Some(target) = node["$ref"].as_str().and_then(|reference| root.pointer(&reference[1..])) {
        collect_pointers(root, target, pointer, found);
    }
    for union in ["anyOf", "oneOf"] {
        for branch in node[union].as_array().into_iter().flatten() {
            collect_pointers(root, branch, pointer, found);
        }
    }
    for (key, property) in node["properties"].as_object().into_iter().flatten() {
        let pointer = format!("{pointer}/{key}");
        if !key_rules(key).is_empty() {
            found.insert(pointer.clone());
        }
        collect_pointers(root, property, &pointer, found);
    }
}
