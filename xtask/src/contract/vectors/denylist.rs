//! Documents that the denylist refuses: keys, values, and values in disguise.

use schema::Id;
use schema::denylist::VALUE_RULES;
use serde_json::{Value, json};

use super::documents::{command_event, delivery, manifest};
use super::vector::{Vector, with};

/// What stands at the key does not matter, so it is as innocent as can be.
const VALUE: bool = true;

/// Keys that name something private. The schema refuses them as well, for every object is closed; a receiver that keeps
/// documents of later versions, or stores what it refused, needs the denylist itself.
pub(super) fn keys() -> Vec<Vector> {
    [key_tokens(), key_sequences(), disguised_keys(), key_places()].concat()
}

fn in_platform(name: &str, description: &str, key: &str, rule: &str) -> Vector {
    Vector::fail(name, description, with(manifest(), &format!("/platform/{key}"), VALUE), rule, "/platform/*")
}

fn key_tokens() -> Vec<Vector> {
    let token =
        |name: &str, key: &str| in_platform(name, "The key names something private.", key, "key.token");
    vec![
        token("key-host-name", "hostname"),
        token("key-host-as-part", "os_host_family"),
        token("key-login", "login"),
        token("key-mail", "mail"),
        token("key-path", "artifacts_path"),
        token("key-working-folder", "cwd"),
        token("key-endpoint", "endpoint"),
        token("key-address", "public_ip"),
        token("key-mac", "mac"),
        token("key-token", "join_token"),
        token("key-password", "registry_password"),
        token("key-kubeconfig", "kubeconfig"),
        token("key-command-line", "argv"),
        token("key-output", "stderr"),
    ]
}

fn key_sequences() -> Vec<Vector> {
    let sequence = |name: &str, key: &str| {
        in_platform(name, "Two words together name something private.", key, "key.sequence")
    };
    vec![
        sequence("key-server-address", "server_address"),
        sequence("key-node-name", "node_name"),
        sequence("key-machine-id", "the_machine_id"),
        sequence("key-nfs-export", "nfs_export"),
        sequence("key-api-key", "api_key"),
        sequence("key-remote-address", "remote_addr"),
    ]
}

fn disguised_keys() -> Vec<Vector> {
    let token = |name: &str, description: &str, key: &str| in_platform(name, description, key, "key.token");
    let shape = |name: &str, description: &str, key: &str| in_platform(name, description, key, "key.shape");
    vec![
        token("key-plural", "A plural.", "hosts"),
        token("key-plural-es", "A plural.", "addresses_of_gateways"),
        token("key-plural-ies", "A plural.", "directories"),
        token("key-numbered", "A number at the end.", "host2"),
        token("key-camel-case", "Another case.", "hostName"),
        token("key-upper-case", "Another case.", "HOSTNAME"),
        token("key-acronym", "Upper case before a word.", "theURLGiven"),
        token("key-hyphen", "Another separator.", "user-name"),
        token("key-dot", "Another separator.", "os.path"),
        token(
            "key-full-width",
            "Full-width letters, which NFKC makes plain.",
            "\u{ff48}\u{ff4f}\u{ff53}\u{ff54}",
        ),
        token("key-zero-width", "A character without width inside.", "ho\u{200b}st"),
        token("key-soft-hyphen", "A soft hyphen inside.", "ho\u{ad}st"),
        shape("key-homoglyph", "A letter that only looks alike.", "h\u{43e}st"),
        shape("key-empty", "An empty key.", ""),
        shape("key-leading-digit", "Keys begin with a letter.", "1st"),
        shape("key-65-characters", "One character too many.", &"z".repeat(65)),
        shape("key-line-feed", "In some languages `$` matches before it.", "kernel\n"),
        shape("key-value-as-key", "A value hidden in a key.", "srv01.example.com"),
        in_platform("key-sequence-camel-case", "Another case.", "nodeName", "key.sequence"),
    ]
}

/// The same rules in every place, and exemptions in none but their own.
fn key_places() -> Vec<Vector> {
    let nested = json!({ "list": [{ "hostname": VALUE }] });
    vec![
        Vector::fail(
            "key-at-root",
            "In the document itself.",
            with(manifest(), "/hostname", VALUE),
            "key.token",
            "/*",
        ),
        Vector::fail(
            "key-in-manifest-delivered",
            "In an enclosed manifest.",
            with(delivery(), "/manifest/features/username", VALUE),
            "key.token",
            "/manifest/features/*",
        ),
        Vector::fail(
            "key-nested",
            "Inside lists and unknown objects.",
            with(manifest(), "/extra", nested),
            "key.token",
            "/*/*/0/*",
        ),
        Vector::fail(
            "key-exempt-elsewhere",
            "An exemption is a place, not a name.",
            with(manifest(), "/platform/local_hosts", VALUE),
            "key.token",
            "/platform/local_hosts",
        ),
        Vector::fail(
            "key-exempt-in-envelope",
            "An exemption is a place, not a name.",
            with(delivery(), "/manage_local_hosts", VALUE),
            "key.token",
            "/manage_local_hosts",
        ),
    ]
}

/// Every published hit of every rule for values, in the place where the schema has most room: an id.
pub(super) fn values() -> Vec<Vector> {
    let hits = VALUE_RULES
        .iter()
        .flat_map(|rule| (1..).zip(rule.hits).map(move |(number, hit)| (rule, number, *hit)));
    hits.map(|(rule, number, hit)| {
        let name = format!("{}-{number}", rule.id.replace(['.', '_'], "-"));
        let vector = Vector::fail(
            name,
            format!("The string holds {}.", rule.words),
            with(manifest(), "/run_id", hit),
            rule.id,
            "/run_id",
        );
        if Id::parse(hit).is_ok() { vector.beyond_the_schema() } else { vector }
    })
    .collect()
}

/// Private values in disguise: encoded, or written so that a careless comparison takes them for something else.
pub(super) fn disguises() -> Vec<Vector> {
    [encoded(), unicode(), places(), places_that_do_not_exist()].concat()
}

fn id(name: &str, description: &str, text: &str, rule: &str) -> Vector {
    at(name, description, with(manifest(), "/run_id", text), text, rule, "/run_id")
}

fn at(name: &str, description: &str, document: Value, text: &str, rule: &str, pointer: &str) -> Vector {
    let vector = Vector::fail(name, description, document, rule, pointer);
    // What has the form of an id satisfies the schema: these are what the denylist is for.
    if Id::parse(text).is_ok() { vector.beyond_the_schema() } else { vector }
}

fn encoded() -> Vec<Vector> {
    vec![
        id("base64", "srv01.example.com in base64.", "c3J2MDEuZXhhbXBsZS5jb20=", "value.fqdn"),
        id("base64-unpadded", "The same without padding.", "c3J2MDEuZXhhbXBsZS5jb20", "value.fqdn"),
        id("base64-of-a-path", "A home folder in base64.", "L2hvbWUvYWxpY2U", "value.path"),
        id("base64-of-an-address", "192.168.1.10 in base64.", "MTkyLjE2OC4xLjEw", "value.ipv4"),
        id("base64-of-mail", "alice@example.com in base64.", "YWxpY2VAZXhhbXBsZS5jb20", "value.email"),
        id("base64-of-a-url", "https://srv01 in base64.", "aHR0cHM6Ly9zcnYwMQ", "value.url"),
        id("base64-url-alphabet", "The alphabet for URLs.", "fn5-Pz8_L2hvbWUvYWxpY2U", "value.path"),
        id("base64-of-json", "{\"a\":1} in base64.", "eyJhIjoxfQ", "value.json"),
        id("base64-piece", "A piece of the string is base64.", "run-c3J2MDEuZXhhbXBsZS5jb20", "value.fqdn"),
        id("base64-twice", "Encoded twice.", "YzNKMk1ERXVaWGhoYlhCc1pTNWpiMjA9", "value.fqdn"),
        id("hex", "srv01.ex in hex.", "73727630312e6578", "value.fqdn"),
        id("hex-upper-case", "The same in upper case, with a prefix.", "0x73727630312E6578", "value.fqdn"),
        id("hex-of-a-path", "A piece of the string is hex.", "id_2f686f6d652f616c696365", "value.path"),
        id("hex-of-base64", "Hex of base64.", "4d546b794c6a45324f4334784c6a4577", "value.ipv4"),
        id("percent", "Percent-encoded path.", "%2Fhome%2Falice", "value.path"),
        id("percent-lower-case", "Percent-encoded dots.", "srv01%2eexample%2ecom", "value.fqdn"),
        id("percent-twice", "Encoded twice.", "%252Fhome%252Falice", "value.path"),
        id("percent-three-times", "Encoded three times.", "%25252Fhome%25252Falice", "value.path"),
        id("address-with-hyphens", "As in the names of cloud hosts.", "ip-10-0-0-12", "value.ipv4_dashed"),
        id("address-with-underscores", "Other separators.", "192_168_1_10", "value.ipv4_dashed"),
        id("address-as-number", "192.168.1.1 as one number.", "3232235777", "value.ipv4_number"),
        id("address-as-hex-number", "192.168.1.1 as one number.", "0xC0A80101", "value.ipv4_number"),
        id("address-octal", "An address in octal.", "0300.0250.01.01", "value.ipv4"),
        id("hardware-address", "With hyphens it has the form of an id.", "00-1A-2B-3C-4D-5E", "value.mac"),
        id("punycode", "An international domain name.", "xn--mller-kva", "value.fqdn"),
    ]
}

fn unicode() -> Vec<Vector> {
    vec![
        id(
            "full-width-address",
            "NFKC makes it an address.",
            "\u{ff11}\u{ff19}\u{ff12}\u{ff0e}\u{ff11}\u{ff16}\u{ff18}\u{ff0e}\u{ff11}\u{ff0e}\u{ff11}",
            "value.ipv4",
        ),
        id("full-width-at", "NFKC makes it an at sign.", "alice\u{ff20}srv01", "value.email"),
        id(
            "zero-width-in-name",
            "Without it, it is a domain name.",
            "srv01\u{200b}.example.com",
            "value.fqdn",
        ),
        id("joiner-in-path", "Without it, it is a path.", "\u{2060}/home/alice", "value.path"),
        id("direction-mark", "A mark that turns the direction.", "\u{202e}success", "value.non_ascii"),
        id("circled-digits", "NFKC makes them digits.", "\u{2460}.\u{2461}.\u{2462}.\u{2463}", "value.ipv4"),
        id("one-dot-leader", "NFKC makes it a dot.", "srv01\u{2024}example\u{2024}com", "value.fqdn"),
        id("homoglyph", "A letter that only looks alike.", "\u{430}lice", "value.non_ascii"),
    ]
}

fn places() -> Vec<Vector> {
    let text = "c3J2MDEuZXhhbXBsZS5jb20";
    let address = "ip-10-0-0-12";
    vec![
        at(
            "session-id",
            "In every id.",
            with(command_event(), "/session_id", text),
            text,
            "value.fqdn",
            "/session_id",
        ),
        at(
            "parent-run-id",
            "In every id.",
            with(command_event(), "/parent_run_id", address),
            address,
            "value.ipv4_dashed",
            "/parent_run_id",
        ),
        at(
            "delivered-run-id",
            "In an enclosed manifest.",
            with(delivery(), "/manifest/run_id", address),
            address,
            "value.ipv4_dashed",
            "/manifest/run_id",
        ),
    ]
}

fn places_that_do_not_exist() -> Vec<Vector> {
    vec![
        Vector::fail(
            "unknown-place",
            "In a place that the contract does not have.",
            with(manifest(), "/platform/kernel", "6.8.0-srv01.example.com"),
            "value.fqdn",
            "/platform/*",
        ),
        Vector::fail(
            "event-like-name",
            "Not one of the names of events, though it looks like one.",
            with(command_event(), "/event_name", "core.bootstrap.server.begun"),
            "value.fqdn",
            "/event_name",
        ),
    ]
}
