//! Documents that the denylist refuses: keys, values, and values in disguise.

use schema::denylist::VALUE_RULES;
use serde_json::json;

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
        shape("key-full-width", "Full-width letters.", "\u{ff48}\u{ff4f}\u{ff53}\u{ff54}"),
        shape("key-zero-width", "A character without width inside.", "ho\u{200b}st"),
        shape("key-soft-hyphen", "A soft hyphen inside.", "ho\u{ad}st"),
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

/// Every published hit of every rule for values, in the place of an id. The schema refuses them as well, for no private
/// text is random by its form; the denylist still stands when a field turns out to be wider than intended.
pub(super) fn values() -> Vec<Vector> {
    let hits = VALUE_RULES
        .iter()
        .flat_map(|rule| (1..).zip(rule.hits).map(move |(number, hit)| (rule, number, *hit)));
    hits.map(|(rule, number, hit)| {
        let name = format!("{}-{number}", rule.id.replace(['.', '_'], "-"));
        id(&name, &format!("The string holds {}.", rule.words), hit, rule.id)
    })
    .collect()
}

/// Private values written so that a careless comparison takes them for something else.
pub(super) fn disguises() -> Vec<Vector> {
    [encoded(), addresses(), unicode(), places()].concat()
}

fn id(name: &str, description: &str, text: &str, rule: &str) -> Vector {
    Vector::fail(name, description, with(manifest(), "/run_id", text), rule, "/run_id")
}

/// Encoded text is no id, so nobody has to decode it.
fn encoded() -> Vec<Vector> {
    let encoded = |name: &str, description: &str, text: &str| id(name, description, text, "schema.pattern");
    vec![
        encoded("base64", "srv01.example.com in base64.", "c3J2MDEuZXhhbXBsZS5jb20="),
        encoded("base64-of-an-address", "192.168.1.10 in base64.", "MTkyLjE2OC4xLjEw"),
        encoded("base64-url-alphabet", "The alphabet for URLs.", "fn5-Pz8_L2hvbWUvYWxpY2U"),
        encoded("base64-of-utf-16", "srv01 in UTF-16, in base64.", "cwByAHYAMAAxAA=="),
        encoded("base32", "srv01 in base32.", "ONZHMMBR"),
        encoded("hex", "srv01.example in hexadecimal.", "73727630312e6578616d706c65"),
        encoded("hex-upper-case", "srv01.ex in hexadecimal, of the length of an id.", "73727630312E6578"),
        id("percent-of-a-path", "Percent-encoded path.", "%2Fhome%2Falice", "value.percent"),
        id("percent-twice", "Encoded twice.", "%252Fhome%252Falice", "value.percent"),
    ]
}

fn addresses() -> Vec<Vector> {
    vec![
        id("address-with-hyphens", "As in the names of cloud hosts.", "ip-10-0-0-12", "value.ipv4_dashed"),
        id("address-with-underscores", "Other separators.", "192_168_1_10", "value.ipv4_dashed"),
        id("address-as-number", "192.168.1.1 as one number.", "3232235777", "value.ipv4_number"),
        id("address-as-hex-number", "192.168.1.1 as one number.", "0xC0A80101", "value.ipv4_number"),
        id("address-octal", "An address in octal.", "0300.0250.01.01", "value.ipv4"),
        id("hardware-address", "With hyphens, as in a name.", "00-1A-2B-3C-4D-5E", "value.mac"),
        id("punycode", "An international domain name.", "xn--mller-kva", "value.fqdn"),
    ]
}

/// Whatever a character stands for after normalisation, it is outside ASCII before.
fn unicode() -> Vec<Vector> {
    let unicode = |name: &str, description: &str, text: &str| id(name, description, text, "value.non_ascii");
    vec![
        unicode("full-width-digits", "Digits of another width.", "\u{ff11}\u{ff10}.0.0.1"),
        unicode("full-width-at", "An at sign of another width.", "alice\u{ff20}srv01"),
        unicode("zero-width-in-name", "A character without width.", "srv01\u{200b}.example.com"),
        unicode("direction-mark", "A mark that turns the direction.", "\u{202e}success"),
        unicode("circled-digits", "Digits in circles.", "\u{2460}.\u{2461}.\u{2462}.\u{2463}"),
        unicode("homoglyph", "A letter that only looks alike.", "\u{430}lice"),
    ]
}

/// The same rules in every place.
fn places() -> Vec<Vector> {
    let address = "ip-10-0-0-12";
    let dashed = "value.ipv4_dashed";
    let in_command = |pointer: &str| with(command_event(), pointer, address);
    vec![
        Vector::fail("session-id", "In every id.", in_command("/session_id"), dashed, "/session_id"),
        Vector::fail("parent-run-id", "In every id.", in_command("/parent_run_id"), dashed, "/parent_run_id"),
        Vector::fail(
            "delivered-run-id",
            "In an enclosed manifest.",
            with(delivery(), "/manifest/run_id", address),
            dashed,
            "/manifest/run_id",
        ),
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
