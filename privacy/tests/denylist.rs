//! Every rule of the denylist: its hits and its harmless neighbours, through the gate as a receiver would see it.

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

/// The rules of one namespace that a string trips as an id.
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
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "019a0c1f-3b8e-7d53-9a55-0b6f3a2c7d10",
        // Ids are random whatever they spell: `srv01.ex`, `/etc/a@b` in hexadecimal, and eight quotes.
        "73727630312e6578",
        "2f6574632f614062",
        "2222222222222222",
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
fn text_in_another_writing_is_refused_as_it_stands() {
    for text in ["１９２．１６８．１．１", "srv01\u{200b}.example.com", "alice＠example", "suc\u{441}ess"]
    {
        check_value(text, "value.non_ascii");
    }
    check_value("%2Fhome%2Falice", "value.percent");
    check_value("srv01%2eexample%2ecom", "value.percent");
    // With a trailing line feed it is not an allowed form.
    check_value("24.04\n", "value.control");
    check_value("success\n", "value.control");
}

/// No schema bounds a header, so the rules also check what can be decoded from it.
#[test]
fn what_no_schema_bounds_is_decoded() {
    for (text, rule) in [
        ("c3J2MDEuZXhhbXBsZS5jb20=", "value.fqdn"),
        ("c3J2MDEuZXhhbXBsZS5jb20", "value.fqdn"),
        ("run-c3J2MDEuZXhhbXBsZS5jb20", "value.fqdn"),
        ("fn5-Pz8_L2hvbWUvYWxpY2U", "value.path"),
        ("737276303120657861402e636f6d", "value.email"),
        ("id_2f686f6d652f616c696365", "value.path"),
        ("F5UG63LFF5QWY2LDMU", "value.path"),
        // Twice over.
        ("YzNKMk1ERXVaWGhoYlhCc1pTNWpiMjA9", "value.fqdn"),
    ] {
        assert_eq!(value_rules(text), BTreeSet::new(), "{text}: not in a document");
        let refused = Gate::default().check_text(text).expect_err(text);
        assert_eq!(refused.rule(), rule, "{text}");
    }
}

#[test]
fn words_of_other_layers_are_no_encoded_text() {
    for text in [
        "productive-k3s-infra/1.4.0",
        "acme-platform/2026.11.22",
        "terraform-provider-helm/2.17.0",
        "my-layer/20261122",
        "deployment-pipeline",
        "infrastructure-team-7",
        "jenkins-x/3.10.155",
        "github-actions/4",
    ] {
        assert_eq!(Gate::default().check_text(text), Ok(()), "{text}");
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
    // Not normalised: outside ASCII no key is of the contract's shape, whatever it spells.
    check_key("ｈｏｓｔ", &["key.shape"]);
    check_key("ho\u{200b}st", &["key.shape"]);
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
