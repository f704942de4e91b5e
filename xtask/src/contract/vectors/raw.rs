//! Texts that are refused before any schema is asked.

use schema::limits::{MAX_DEPTH, MAX_DOCUMENT_BYTES};
use schema::{Execution, Mode};

use super::documents::{self, json_of};
use super::vector::{ExpectedViolation, Payload, Vector};

pub(super) fn vectors() -> Vec<Vector> {
    [syntax(), encodings(), duplicates(), duplicates_inside(), limits()].concat()
}

fn refused(name: &str, description: &str, payload: Payload, rule: &str, pointer: &str) -> Vector {
    let expected =
        ExpectedViolation { rule: rule.to_owned(), pointer: pointer.to_owned(), schema_alone_refuses: false };
    Vector { expected: Some(expected), ..Vector::pass(name, description, payload) }
}

fn manifest() -> String {
    json_of(&documents::running(Mode::Server, Execution::Apply)).to_string()
}

fn syntax() -> Vec<Vector> {
    let text = |name, description, text: String| refused(name, description, Payload::Raw(text), "syntax", "");
    let open = || manifest().trim_end_matches('}').to_owned();
    vec![
        text("empty", "No text at all.", String::new()),
        text("no-json", "Text that is no JSON.", "status: success\n".to_owned()),
        text("cut-off", "The document is cut off.", open()),
        text("two-documents", "A second document follows.", format!("{0}\n{0}", manifest())),
        text("trailing-text", "Text follows the document.", format!("{} x", manifest())),
        text("trailing-comma", "A comma before the closing brace.", format!("{},}}}}", open())),
        text("single-quotes", "Single quotes are no JSON.", manifest().replace('"', "'")),
        text("comment", "Comments are no JSON.", format!("/* run */{}", manifest())),
        text(
            "not-a-number",
            "NaN is no JSON.",
            manifest().replace("\"exit_code\":null", "\"exit_code\":NaN"),
        ),
        text(
            "infinity",
            "Infinity is no JSON.",
            manifest().replace("\"exit_code\":null", "\"exit_code\":Infinity"),
        ),
        text(
            "leading-zero",
            "A number with a leading zero.",
            manifest().replace("\"exit_code\":null", "\"exit_code\":01"),
        ),
        text("byte-order-mark", "A byte order mark before the document.", format!("\u{feff}{}", manifest())),
        text(
            "bare-line-feed",
            "A line feed inside a string, not escaped.",
            manifest().replace("server", "server\n"),
        ),
        text(
            "lone-surrogate",
            "An escape of half a character.",
            manifest().replace("server", "server\\ud800"),
        ),
    ]
}

fn encodings() -> Vec<Vector> {
    let bytes = |name, description, bytes| refused(name, description, Payload::RawBase64(bytes), "utf8", "");
    vec![
        // {"status":"succ\xe9ss"}
        bytes("latin-1", "A byte of another encoding.", "eyJzdGF0dXMiOiJzdWNj6XNzIn0="),
        // {"status":"\xc0\xafhome"}: an overlong form of a slash.
        bytes("overlong", "An overlong form of a slash.", "eyJzdGF0dXMiOiLAr2hvbWUifQ=="),
        // {"status":"\xed\xa0\x80"}: half a surrogate pair as UTF-8.
        bytes("surrogate-bytes", "Half a surrogate pair, encoded.", "eyJzdGF0dXMiOiLtoIAifQ=="),
        // The document {} in UTF-16 with a byte order mark.
        bytes("utf-16", "Another encoding of Unicode.", "//57AH0A"),
    ]
}

fn duplicates() -> Vec<Vector> {
    let text = |name, description, text: String, pointer| {
        refused(name, description, Payload::Raw(text), "duplicate_key", pointer)
    };
    // Made from the text, for no JSON value can hold a key twice.
    let status = "\"status\":\"running\"";
    vec![
        text(
            "duplicate-key",
            "The same key twice with the same value.",
            manifest().replace(status, &format!("{status},{status}")),
            "/status",
        ),
        text(
            "duplicate-key-hides-a-value",
            "Readers keep the last value and lose the first.",
            manifest().replace(status, &format!("\"status\":\"srv01.example.com\",{status}")),
            "/status",
        ),
        text(
            "duplicate-key-escaped",
            "The second key is written with an escape.",
            manifest().replace(status, &format!("{status},\"st\\u0061tus\":\"running\"")),
            "/status",
        ),
    ]
}

fn duplicates_inside() -> Vec<Vector> {
    let text = |name, description, text: String, pointer| {
        refused(name, description, Payload::Raw(text), "duplicate_key", pointer)
    };
    let arch = "\"arch\":\"amd64\"";
    let event = documents::command_event().to_string();
    vec![
        text(
            "duplicate-key-inside",
            "Twice in an inner object.",
            manifest().replace(arch, &format!("{arch},{arch}")),
            "/platform/arch",
        ),
        text(
            "duplicate-key-of-an-event",
            "Twice in a telemetry document.",
            event.replace("\"is_retry\":false", "\"is_retry\":true,\"is_retry\":false"),
            "/is_retry",
        ),
    ]
}

fn limits() -> Vec<Vector> {
    let manifest = manifest();
    let padding = " ".repeat(MAX_DOCUMENT_BYTES + 1 - manifest.len());
    let mut deep = refused(
        "too-deep",
        "One level deeper than allowed.",
        Payload::Raw(format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1))),
        "depth",
        &"/0".repeat(MAX_DEPTH),
    );
    // A validator without our limit sees a list where an object must stand.
    if let Some(expected) = &mut deep.expected {
        expected.schema_alone_refuses = true;
    }
    let large = Payload::Raw(manifest + &padding);
    vec![deep, refused("too-large", "One byte larger than allowed.", large, "size", "")]
}
