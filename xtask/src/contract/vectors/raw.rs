//! Texts that are refused before any schema is used.

use schema::limits::{MAX_DEPTH, MAX_DOCUMENT_BYTES};
use schema::{Execution, Mode};

use super::documents::{self, json_of};
use super::vector::{Group, Payload, Vector, group};

pub(super) fn groups() -> Vec<Group> {
    vec![
        group("syntax", "Not one JSON value", syntax()),
        group("syntax", "Not UTF-8", encodings()),
        group("syntax", "Numbers that many readers cannot hold are JSON", large_numbers()),
        group("structure", "A key twice in one object", duplicates()),
        group("structure", "A key twice in an inner object", duplicates_inside()),
        group("structure", "Size and depth", limits()),
        group("structure", "Pointers into lists and unknown objects", deep_places()),
    ]
}

fn refused(name: &str, description: &str, payload: Payload, rule: &str, pointer: &str) -> Vector {
    Vector::refused(name, description, payload, rule, pointer, false)
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

/// Readers that keep numbers in 64 bits refuse these texts, or read infinity. RFC 8259, section 6, bounds no number: it
/// is the bound of the schema that refuses them.
fn large_numbers() -> Vec<Vector> {
    let number = |name: &str, description: &str, number: &str, keyword: &str| {
        let text = manifest().replace("\"exit_code\":null", &format!("\"exit_code\":{number}"));
        Vector::refused(
            name,
            description,
            Payload::Raw(text),
            &format!("schema.{keyword}"),
            "/exit_code",
            true,
        )
    };
    vec![
        number("number-1e400", "Larger than any number of 64 bits.", "1e400", "maximum"),
        number("number-minus-1e400", "Smaller than any number of 64 bits.", "-1e400", "minimum"),
        number("number-of-400-digits", "The same, written out.", &"9".repeat(400), "maximum"),
        number("number-2-to-the-64", "More than an integer of 64 bits.", "18446744073709551616", "maximum"),
    ]
}

fn limits() -> Vec<Vector> {
    let padding = " ".repeat(MAX_DOCUMENT_BYTES + 1 - manifest().len());
    let large = Payload::Raw(manifest() + &padding);
    vec![
        deep("too-deep", "[", "]", "/0"),
        deep("too-deep-objects", "{\"status\":", "}", "/status"),
        deepest(),
        refused("too-large", "One byte larger than allowed.", large, "size", ""),
    ]
}

/// The document is at level 1, and the last level that is allowed passes.
fn deepest() -> Vector {
    let text = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    let description = "As deep as allowed: only the schema refuses it.";
    Vector::refused("deepest", description, Payload::Raw(text), "schema.type", "", true)
}

/// One level deeper than allowed; each level adds `segment` to the pointer.
fn deep(name: &str, open: &str, close: &str, segment: &str) -> Vector {
    // The innermost level is an empty object, so that the text is JSON whatever a level is made of.
    let text = format!("{}{{}}{}", open.repeat(MAX_DEPTH), close.repeat(MAX_DEPTH));
    let description = "One level deeper than allowed.";
    let pointer = segment.repeat(MAX_DEPTH);
    // A validator without our limit sees something that is not a document.
    Vector::refused(name, description, Payload::Raw(text), "depth", &pointer, true)
}

fn deep_places() -> Vec<Vector> {
    let text = |name: &str, description: &str, inside: &str, rule: &str, pointer: &str| {
        let text = format!("{},\"note\":{inside}}}", manifest().strip_suffix('}').unwrap_or_default());
        refused(name, description, Payload::Raw(text), rule, pointer)
    };
    let twice = "{\"alice\":0,\"alice\":1}";
    let (open, close) = ("[0,".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    vec![
        text(
            "duplicate-key-unknown",
            "A key of the contract's is told, another is masked.",
            twice,
            "duplicate_key",
            "/*/*",
        ),
        text(
            "duplicate-key-in-a-list",
            "A position in a list is a number and is not masked.",
            "[0,[{},{\"status\":{\"run_id\":1,\"run_id\":2}}]]",
            "duplicate_key",
            "/*/1/1/status/run_id",
        ),
        text(
            "duplicate-key-before-its-value",
            "The second key is enough: what it holds is not looked at.",
            &format!("{{\"status\":0,\"status\":{open}0{close}}}"),
            "duplicate_key",
            "/*/status",
        ),
        text(
            "too-deep-in-lists",
            "Positions count from 0.",
            &format!("{open}0{close}"),
            "depth",
            &format!("/*{}", "/1".repeat(MAX_DEPTH - 1)),
        ),
        text(
            "too-deep-in-unknown-keys",
            "Each segment is masked by itself.",
            &format!("{}0{}", "{\"alice\":".repeat(MAX_DEPTH), "}".repeat(MAX_DEPTH)),
            "depth",
            &"/*".repeat(MAX_DEPTH),
        ),
    ]
}
