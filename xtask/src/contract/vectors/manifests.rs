//! Run manifests that the schema refuses: each keyword, in each place where it has a rule of its own.

use schema::{Failure, FailureReason, Finish, Mode, Step};
use serde_json::{Value, json};

use super::documents::{self, manifest};
use super::vector::{Group, Vector, group, with, without};

pub(super) fn groups() -> Vec<Group> {
    vec![
        group("types", "A document is an object", roots()),
        group("words", "Words outside the list", words()),
        group("words", "Words of other lists", words_of_other_lists()),
        group("types", "Values of another type", types()),
        group("numbers", "Numbers outside their bounds", numbers()),
        group("properties", "Required properties that are missing", missing()),
        group("properties", "Properties that the contract does not have", unexpected()),
        group("ids", "Not random by its form", ids()),
        group("ids", "Names, numbers and times", ids_that_are_names()),
        group("versions", "Versions with room for more than a version", versions()),
        group("times", "Other forms of a time, and times that do not exist", times()),
    ]
}

/// The maximal manifest with `value` at `pointer`, where `keyword` must refuse it.
fn at(name: &str, description: &str, pointer: &str, value: impl Into<Value>, keyword: &str) -> Vector {
    Vector::fail(name, description, with(manifest(), pointer, value), &format!("schema.{keyword}"), pointer)
}

fn roots() -> Vec<Vector> {
    let root =
        |name, document: Value| Vector::fail(name, "A document is an object.", document, "schema.type", "");
    vec![
        root("root-list", json!([manifest()])),
        root("root-text", json!("success")),
        root("root-number", json!(1)),
        root("root-null", Value::Null),
        Vector::fail("root-empty", "An object that says nothing.", json!({}), "schema.required", ""),
    ]
}

fn words() -> Vec<Vector> {
    // Readers that trim, fold case or normalise Unicode treat these as words of the list.
    vec![
        at("unknown-status", "A word outside the list.", "/status", "done", "enum"),
        at("status-upper-case", "Words are compared with their case.", "/status", "Success", "enum"),
        at("status-padded", "Words are compared with their blanks.", "/status", " success", "enum"),
        at("status-line-feed", "Words are compared to their end.", "/status", "success\n", "enum"),
        at("status-homoglyph", "A letter that only looks alike.", "/status", "su\u{441}cess", "enum"),
        at("status-zero-width", "A character without width.", "/status", "suc\u{200b}cess", "enum"),
        at("status-full-width", "Full-width letters.", "/status", "\u{ff53}uccess", "enum"),
        at("mode-underscore", "The word of another layer.", "/bootstrap_mode", "single_node", "enum"),
        at("unknown-distribution", "What is not listed is `other`.", "/platform/os_id", "gentoo", "enum"),
        at("unknown-architecture", "What is not listed is `other`.", "/platform/arch", "x86_64", "enum"),
    ]
}

fn words_of_other_lists() -> Vec<Vector> {
    vec![
        at(
            "next-schema-version",
            "A version that this contract does not know.",
            "/schema_version",
            "2",
            "const",
        ),
        at("other-tool", "Another program.", "/tool/name", "productive-k3s-cli", "const"),
        at(
            "step-free-text",
            "No free text where a word stands.",
            "/current_step",
            "installing the server",
            "enum",
        ),
        at(
            "issuer-unknown",
            "A word outside the list.",
            "/components/clusterissuer/issuer",
            "letsencrypt",
            "enum",
        ),
        at(
            "result-of-another-list",
            "A word of the wrong list.",
            "/components/k3s/result",
            "install",
            "enum",
        ),
    ]
}

fn types() -> Vec<Vector> {
    // Languages with loose types confuse numbers, texts and booleans.
    vec![
        at("schema-version-number", "The version is a string.", "/schema_version", 1, "type"),
        at("status-null", "Null is no word.", "/status", Value::Null, "type"),
        at("boolean-as-text", "Booleans are booleans.", "/features/nfs_manage", "true", "type"),
        at("boolean-as-letter", "The shell's way to say yes.", "/features/nfs_manage", "y", "type"),
        at("boolean-as-number", "Booleans are no numbers.", "/features/nfs_manage", 1, "type"),
        at("number-as-text", "Numbers are no strings.", "/features/longhorn_replica_count", "3", "type"),
        at("number-as-boolean", "Booleans are no numbers.", "/exit_code", true, "type"),
        at("fraction", "Numbers are whole.", "/exit_code", 0.5, "type"),
        at(
            "optional-null",
            "What does not apply is absent, not null.",
            "/features/tls_mode",
            Value::Null,
            "type",
        ),
        at("failure-null", "What does not apply is absent, not null.", "/failure", Value::Null, "type"),
        at(
            "component-null",
            "What does not apply is absent, not null.",
            "/components/nfs",
            Value::Null,
            "type",
        ),
        at("components-list", "The components are an object.", "/components", json!([]), "type"),
        at("platform-text", "The platform is an object.", "/platform", "ubuntu", "type"),
        at("finished-number", "Times are strings.", "/finished_at", 1_795_334_402, "type"),
        at("id-number", "Ids are strings.", "/run_id", 20_261_122, "type"),
        at("id-list", "One id, not several.", "/run_id", json!(["a"]), "type"),
    ]
}

fn numbers() -> Vec<Vector> {
    let percentage = "/features/longhorn_minimal_available_percentage";
    vec![
        at("exit-code-negative", "Below the lowest exit code.", "/exit_code", -1, "minimum"),
        at("exit-code-256", "Above the highest exit code.", "/exit_code", 256, "maximum"),
        at("replica-count-0", "Below the bound.", "/features/longhorn_replica_count", 0, "minimum"),
        at("replica-count-10", "Above the bound.", "/features/longhorn_replica_count", 10, "maximum"),
        at("percentage-negative", "Below the bound.", percentage, -1, "minimum"),
        at("percentage-101", "Above the bound.", percentage, 101, "maximum"),
        at("size-0", "Below the bound.", "/features/registry_pvc_size_gib", 0, "minimum"),
        at(
            "size-of-an-address",
            "An IPv4 address fits into a number, and not into the bounds.",
            "/features/registry_pvc_size_gib",
            3_232_235_777_u32,
            "maximum",
        ),
    ]
}

fn missing() -> Vec<Vector> {
    let lacks = |name: &str, pointer: &str, place: &str| {
        let document = without(manifest(), pointer);
        Vector::fail(name, "A required property is missing.", document, "schema.required", place)
    };
    let failure = Finish::Failed(Failure { step: Step::Helm, reason: FailureReason::TimedOut });
    let failed = documents::json_of(&documents::ended(Mode::Server, schema::Execution::Apply, failure, 1));
    vec![
        lacks("no-schema-version", "/schema_version", ""),
        lacks("no-run-id", "/run_id", ""),
        lacks("no-exit-code", "/exit_code", ""),
        lacks("no-finished-at", "/finished_at", ""),
        lacks("no-features", "/features", ""),
        lacks("no-architecture", "/platform/arch", "/platform"),
        lacks("no-tool-version", "/tool/version", "/tool"),
        lacks("no-result", "/components/helm/result", "/components/helm"),
        lacks("no-issuer", "/components/clusterissuer/issuer", "/components/clusterissuer"),
        Vector::fail(
            "no-failure-reason",
            "A required property is missing.",
            without(failed, "/failure/reason"),
            "schema.required",
            "/failure",
        ),
    ]
}

fn unexpected() -> Vec<Vector> {
    let open = |name: &str, description: &str, pointer: &str, place: &str| {
        Vector::fail(name, description, with(manifest(), pointer, true), "schema.additionalProperties", place)
    };
    // Once in each object: a schema can be closed at the root and open below.
    let closed = "Every object is closed.";
    let recased = with(without(manifest(), "/status"), "/Status", "success");
    vec![
        open("unexpected-in-manifest", closed, "/note", ""),
        open("unexpected-in-tool", closed, "/tool/note", "/tool"),
        open("unexpected-in-platform", closed, "/platform/kernel", "/platform"),
        open("unexpected-in-features", closed, "/features/note", "/features"),
        open(
            "unexpected-in-components",
            "A component that the contract does not know.",
            "/components/traefik",
            "/components",
        ),
        open("unexpected-in-component", closed, "/components/k3s/version", "/components/k3s"),
        open(
            "issuer-elsewhere",
            "Only the cluster issuer has an issuer.",
            "/components/helm/issuer",
            "/components/helm",
        ),
        Vector::fail(
            "key-in-another-case",
            "Keys are compared with their case.",
            recased,
            "schema.additionalProperties",
            "",
        ),
    ]
}

/// Texts that were once ids, or look like one: none is random by its form.
fn ids() -> Vec<Vector> {
    let id = |name, description, text: &str| at(name, description, "/run_id", text, "pattern");
    vec![
        id("id-empty", "An id is never empty.", ""),
        id("id-15-digits", "One digit too few.", "9f86d081884c7d6"),
        id("id-17-digits", "One digit too many.", "9f86d081884c7d65a"),
        id("id-24-digits", "An object id of a database begins with a time.", "507f1f77bcf86cd799439011"),
        at(
            "id-40-digits",
            "A commit names its author.",
            "/run_id",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "maxLength",
        ),
        id("id-upper-case", "One form only.", "9F86D081884C7D65"),
        id("id-uuid-upper-case", "One form only.", "6F1C1F3E-3B8E-4D53-9A55-0B6F3A2C7D10"),
        id("id-uuid-1", "Version 1 holds a hardware address.", "6f1c1f3e-3b8e-11ed-9a55-001a2b3c4d5e"),
        id("id-uuid-5", "Version 5 is the hash of a name.", "6f1c1f3e-3b8e-5d53-9a55-0b6f3a2c7d10"),
        id("id-uuid-variant", "Another variant has room for text.", "6f1c1f3e-3b8e-4d53-6a55-0b6f3a2c7d10"),
        id("id-uuid-braces", "One form only.", "{6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10}"),
        id("id-uuid-half-hyphens", "One form only.", "6f1c1f3e3b8e-4d53-9a55-0b6f3a2c7d10"),
    ]
}

fn ids_that_are_names() -> Vec<Vector> {
    let id = |name, description, text: &str| at(name, description, "/run_id", text, "pattern");
    vec![
        id("id-word", "A name is no id.", "srv01"),
        id("id-session", "A word and a number.", "session-123"),
        id("id-pipeline", "The number of a pipeline.", "48151623"),
        id("id-of-the-shell-core", "Time, process and nanoseconds.", "20261122-075002-3078-565430571"),
        id("id-time", "A time stamp.", "1795334402"),
        id("id-leading-hyphen", "It could be taken for an option.", "-rf"),
        id("id-dots", "Ids become file names.", "../x"),
        id("id-slash", "Ids become file names.", "a/b"),
        id("id-private", "Ids become file names.", "9f86d081884c7d65-private"),
        id("id-blank", "No blanks.", "9f86d081 84c7d65"),
        id("id-line-feed", "In some languages `$` matches before it.", "9f86d081884c7d65\n"),
        at(
            "id-line-feed-guard",
            "The second guard against it, for those languages.",
            "/run_id",
            "9f86d081884c7d66\n",
            "not",
        ),
        id("id-other-digits", "In some languages `\\d` takes these digits.", "\u{661}f86d081884c7d65"),
    ]
}

fn versions() -> Vec<Vector> {
    let os = |name, description, text: &str| at(name, description, "/platform/os_version", text, "pattern");
    let tool = |name, description, text: &str| at(name, description, "/tool/version", text, "pattern");
    vec![
        at("os-version-word", "A code name is no version.", "/platform/os_version", "noble", "pattern"),
        os("os-version-three-parts", "The third number tells hosts apart.", "3.19.1"),
        os("os-version-network", "Three numbers of an address.", "192.168.1"),
        os("os-version-half-address", "Two numbers of an address.", "192.168"),
        os("os-version-number", "No release has this number.", "172"),
        os("os-version-year-of-another-century", "No release has this year.", "1984"),
        at(
            "os-version-four-parts",
            "Four numbers have room for an address.",
            "/platform/os_version",
            "24.4.1.2",
            "maxLength",
        ),
        at(
            "os-version-line-feed",
            "In some languages `$` matches before it.",
            "/platform/os_version",
            "24.04\n",
            "pattern",
        ),
        tool("tool-version-two-parts", "Three numbers.", "1.2"),
        tool("tool-version-letter", "No `v` before it.", "v1.2.3"),
        tool("tool-version-network", "Three numbers of an address.", "192.168.1"),
        tool("tool-version-address", "Four numbers of an address.", "10.0.0-rc.12"),
        tool("tool-version-four-parts", "Four numbers have room for an address.", "1.2.3.4"),
        tool("tool-version-build", "No room for the name of a build host.", "1.2.3+srv01"),
    ]
}

fn times() -> Vec<Vector> {
    let time = |name, description, text: &str| at(name, description, "/started_at", text, "pattern");
    vec![
        time("time-offset", "A local offset gives away a place.", "2026-11-22T08:50:02+01:00"),
        time("time-zero-offset", "One form only.", "2026-11-22T07:50:02+00:00"),
        time("time-milliseconds", "Milliseconds help to tell hosts apart.", "2026-11-22T07:50:02.123Z"),
        time("time-lower-case", "One form only.", "2026-11-22t07:50:02z"),
        time("time-blank", "One form only.", "2026-11-22 07:50:02Z"),
        time("time-date-only", "A date is no time.", "2026-11-22"),
        time("time-word", "A word is no time.", "yesterday"),
        time("time-leap-second", "Not every language can read it.", "2016-12-31T23:59:60Z"),
        time("time-hour-24", "The day has 24 hours from 0.", "2026-11-22T24:00:00Z"),
        time("time-line-feed", "In some languages `$` matches before it.", "2026-11-22T07:50:02Z\n"),
        at(
            "time-february-30",
            "The pattern has room for it, the format has not.",
            "/started_at",
            "2026-02-30T00:00:00Z",
            "format",
        ),
        at(
            "time-no-leap-year",
            "The pattern has room for it, the format has not.",
            "/finished_at",
            "2027-02-29T00:00:00Z",
            "format",
        ),
    ]
}
