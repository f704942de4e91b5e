//! Private values in disguise: encoded, or written so that a careless comparison takes them for something else.

use super::Vector;
use super::base::{command_event, delivery, manifest, with};
use schema::Id;

pub(super) fn vectors() -> Vec<Vector> {
    [encoded(), unicode(), places()].concat()
}

fn id(name: &str, description: &str, text: &str, rule: &str) -> Vector {
    at(name, description, with(manifest(), "/run_id", text), text, rule, "/run_id")
}

fn at(
    name: &str,
    description: &str,
    document: serde_json::Value,
    text: &str,
    rule: &str,
    pointer: &str,
) -> Vector {
    let vector = Vector::fail(name, description, document, rule, pointer);
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
