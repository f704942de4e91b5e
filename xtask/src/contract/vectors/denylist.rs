//! Documents that the denylist refuses: keys, values, and values in disguise.

use schema::denylist::VALUE_RULES;
use serde_json::{Value, json};

use super::documents::{command_event, delivery, manifest};
use super::vector::{Group, Payload, Vector, group, with};

/// The value of the key does not matter, so it is a harmless one.
const VALUE: bool = true;

/// Keys, values, and values in disguise.
pub(super) fn groups() -> Vec<Group> {
    vec![
        group("keys", "A word of a key names something private", key_tokens()),
        group("keys", "Two words of a key together name something private", key_sequences()),
        group("keys", "Keys in disguise", disguised_keys()),
        group("keys", "Keys that no table names", harmless_keys()),
        group("keys", "The same rules in every place, and exemptions in none but their own", key_places()),
        group("values", "Every published hit of every rule for values", values()),
        group("disguises", "Encoded text is no id", encoded()),
        group("disguises", "What decodes to something innocent is not innocent", decoded_innocents()),
        group(
            "disguises",
            "Nothing is decoded: what decodes to something private passes",
            decoded_privates(),
        ),
        group("disguises", "Addresses in other forms", addresses()),
        group("disguises", "Characters outside ASCII", unicode()),
        group("disguises", "The same rules in every place", places()),
    ]
}

/// A key in a place that the schema closes as well, as it closes every object: a receiver that keeps documents of later
/// versions, or stores what it refused, needs the denylist itself.
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
        token("key-numbered-plural", "A plural with a number.", "hosts2"),
    ]
}

/// Keys that trip a table only if a form is made from another form, or if one character more counts: nothing but the
/// closed object refuses them.
fn harmless_keys() -> Vec<Vector> {
    let harmless = |name: &str, description: &str, key: &str| {
        let document = with(manifest(), &format!("/platform/{key}"), VALUE);
        Vector::fail(name, description, document, "schema.additionalProperties", "/platform")
    };
    let forms = "A form is made from the token, never from another form.";
    vec![
        harmless("key-plural-of-a-number", forms, "host2s"),
        harmless("key-plural-of-a-plural", forms, "pathses"),
        harmless("key-singular-of-a-word", "Words are compared whole.", "ghost"),
        harmless("key-words-apart", "Only neighbours are a sequence.", "node_os_name"),
        harmless("key-words-turned", "A sequence has an order.", "name_node"),
        harmless("key-64-characters", "The longest key.", &"z".repeat(64)),
    ]
}

/// The same rules in every place, and exemptions only in their own.
fn key_places() -> Vec<Vector> {
    let at = |name: &str, description: &str, document: Value, rule: &str, pointer: &str| {
        Vector::fail(name, description, document, rule, pointer)
    };
    let in_manifest = |pointer: &str| with(manifest(), pointer, VALUE);
    let extra = |extra: Value| with(manifest(), "/extra", extra);
    let elsewhere = "An exemption is a place, not a name.";
    let spelled = "An exemption is the key as it stands, not what it is cut into.";
    let index = "A position in a list is a number and is not masked.";
    let list = |key: &str| json!({ "list": [0, [1, { key: VALUE }]] });
    vec![
        at("key-at-root", "In the document itself.", in_manifest("/hostname"), "key.token", "/*"),
        at(
            "key-in-manifest-delivered",
            "In an enclosed manifest.",
            with(delivery(), "/manifest/features/username", VALUE),
            "key.token",
            "/manifest/features/*",
        ),
        at("key-nested", index, extra(list("hostname")), "key.token", "/*/*/1/1/*"),
        at(
            "key-nested-known",
            index,
            extra(json!([{}, { "local_hosts": VALUE }])),
            "key.token",
            "/*/1/local_hosts",
        ),
        at(
            "key-digits",
            "A key of digits is masked like any other.",
            extra(json!({ "0": VALUE })),
            "key.shape",
            "/*/*",
        ),
        at(
            "key-exempt-elsewhere",
            elsewhere,
            in_manifest("/platform/local_hosts"),
            "key.token",
            "/platform/local_hosts",
        ),
        at(
            "key-exempt-in-envelope",
            elsewhere,
            with(delivery(), "/manage_local_hosts", VALUE),
            "key.token",
            "/manage_local_hosts",
        ),
        at(
            "key-exempt-with-hyphen",
            spelled,
            in_manifest("/components/local-hosts"),
            "key.token",
            "/components/*",
        ),
        at(
            "key-exempt-in-another-case",
            spelled,
            in_manifest("/components/localHosts"),
            "key.token",
            "/components/*",
        ),
        at(
            "key-with-slash",
            "A slash in a key begins no segment of a pointer.",
            with_key(manifest(), "components/local_hosts"),
            "key.token",
            "/*",
        ),
    ]
}

/// `document` with a key that need not be a segment of a pointer.
fn with_key(mut document: Value, key: &str) -> Value {
    document[key] = VALUE.into();
    document
}

/// Every published hit of every rule for values, as an id. The schema refuses them as well, for no private
/// text is random by its form; the denylist is still effective when a field turns out to be wider than intended.
fn values() -> Vec<Vector> {
    let hits = VALUE_RULES
        .iter()
        .flat_map(|rule| (1..).zip(rule.hits).map(move |(number, hit)| (rule, number, *hit)));
    hits.map(|(rule, number, hit)| {
        let name = format!("{}-{number}", rule.id.replace(['.', '_'], "-"));
        id(&name, &format!("The string holds {}.", rule.words), hit, rule.id)
    })
    .collect()
}

fn id(name: &str, description: &str, text: &str, rule: &str) -> Vector {
    Vector::fail(name, description, with(manifest(), "/run_id", text), rule, "/run_id")
}

/// Encoded text is not an id, so no receiver has to decode it.
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

/// The denylist is about strings as they are: that a decoded form is a word of the contract, a random id or an exempt
/// key does not matter for the string.
fn decoded_innocents() -> Vec<Vector> {
    let event = |name: &str, description: &str, text: &str, rule: &str| {
        Vector::fail(name, description, with(command_event(), "/event_name", text), rule, "/event_name")
    };
    vec![
        id("percent-of-a-word", "`success`, percent-encoded.", "%73uccess", "value.percent"),
        id("percent-of-an-id", "A random id, percent-encoded.", "%39f86d081884c7d65", "value.percent"),
        id("base64-of-a-word", "`success` in base64.", "c3VjY2Vzcw==", "schema.pattern"),
        id(
            "full-width-word",
            "`success`, its first letter of another width.",
            "\u{ff53}uccess",
            "value.non_ascii",
        ),
        id("line-feed-after-an-id", "A random id, and a line feed.", "9f86d081884c7d65\n", "value.control"),
        event(
            "percent-of-an-event",
            "The name of an event, percent-encoded.",
            "core%2ecommand%2estarted",
            "value.percent",
        ),
        event(
            "blank-after-an-event",
            "The name of an event, and a blank.",
            "core.command.started ",
            "value.fqdn",
        ),
        event(
            "event-in-another-case",
            "Words are compared with their case.",
            "Core.Command.Started",
            "value.fqdn",
        ),
    ]
}

/// Random ids that a receiver with additional decodings would treat as private text: 16 and 32 hexadecimal digits
/// are 8 and 16 bytes of anything.
fn decoded_privates() -> Vec<Vector> {
    let passes = |name: &str, description: &str, text: &str| {
        let document = Payload::Document(with(manifest(), "/run_id", text));
        Vector::pass(name, description, document)
    };
    vec![
        passes("hex-of-a-name", "The digits decode to srv01.ex.", "73727630312e6578"),
        passes("hex-of-an-address", "The digits decode to 10.0.0.1.", "31302e302e302e31"),
        passes(
            "hex-of-hex",
            "The digits decode to digits, and those to 10.0.0.1.",
            "33313330326533303265333032653331",
        ),
        passes(
            "hex-of-percent",
            "The digits decode to %2Fhome%2Falice1.",
            "253246686f6d65253246616c69636531",
        ),
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
            "value-in-a-list",
            "A position in a list is a number and is not masked.",
            with(manifest(), "/platform/kernel", json!(["a", ["b", address]])),
            dashed,
            "/platform/*/1/1",
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
