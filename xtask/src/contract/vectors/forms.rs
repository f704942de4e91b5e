//! Run manifests whose ids, versions and times do not have the form that the schema demands.

use super::Vector;
use super::structure::at;

pub(super) fn vectors() -> Vec<Vector> {
    [strings(), times()].concat()
}

fn strings() -> Vec<Vector> {
    vec![
        at("id-empty", "An id has at least one character.", "/run_id", "", "pattern"),
        at("id-65-characters", "One character too many.", "/run_id", "z".repeat(65), "maxLength"),
        at("id-leading-hyphen", "It could be taken for an option.", "/run_id", "-rf", "pattern"),
        at("id-dots", "Ids become file names.", "/run_id", "../x", "pattern"),
        at("id-slash", "Ids become file names.", "/run_id", "a/b", "pattern"),
        at("id-blank", "No blanks.", "/run_id", "a b", "pattern"),
        at(
            "id-line-feed",
            "In some languages `$` matches before it.",
            "/run_id",
            "9f86d081884c7d65\n",
            "pattern",
        ),
        at(
            "id-line-feed-guard",
            "The second guard against it, for those languages.",
            "/run_id",
            "9f86d081884c7d66\n",
            "not",
        ),
        at(
            "id-other-digits",
            "In some languages `\\d` takes these digits.",
            "/run_id",
            "\u{661}\u{662}\u{663}",
            "pattern",
        ),
        at("os-version-word", "A code name is no version.", "/platform/os_version", "noble", "pattern"),
        at(
            "os-version-four-parts",
            "An address would fit into four numbers.",
            "/platform/os_version",
            "24.4.1.2",
            "pattern",
        ),
        at(
            "os-version-line-feed",
            "In some languages `$` matches before it.",
            "/platform/os_version",
            "24.04\n",
            "pattern",
        ),
        at("tool-version-two-parts", "Three numbers.", "/tool/version", "1.2", "pattern"),
        at("tool-version-letter", "No `v` before it.", "/tool/version", "v1.2.3", "pattern"),
        at(
            "tool-version-build",
            "No room for the name of a build host.",
            "/tool/version",
            "1.2.3+srv01",
            "pattern",
        ),
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
