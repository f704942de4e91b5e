//! Numbers and tables inside the chapters that are written by hand.
//!
//! The chapters contain no number: each is a name in braces, and its value comes from the place where the program has it. So
//! a chapter cannot differ from the program. A test looks for digits.

use std::fmt::Write;
use std::time::Duration;

use schema::delivery as sent;
use schema::limits::{MAX_DEPTH, MAX_DOCUMENT_BYTES};
use schema::{
    Attempt, CommandResult, Component, ComponentLabel, DocumentKind, Mode, TelemetryEvent, UtcSeconds,
};
use serde_json::Value;

use super::super::answers::{ANSWERS, action_of, shown, word_of};
use super::super::generate::{resolved, schema_of};
use super::super::{identifying, size, vectors};

/// People on earth, for comparison; a number of the year 2026, of which only the logarithm matters.
const PEOPLE: f64 = 8.3e9;

/// `chapter` with the values in place of their names.
///
/// # Panics
/// If a name has no value: the chapters are part of this program, and a test fills them all.
pub(super) fn filled(chapter: &str) -> String {
    let mut text = String::with_capacity(chapter.len());
    let mut parts = chapter.split('{');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_once('}').expect("a name ends with a brace");
        text.push_str(&value_of(name).unwrap_or_else(|| panic!("{name} has no value")));
        text.push_str(rest);
    }
    text
}

fn value_of(name: &str) -> Option<String> {
    let components = Component::ALL.len();
    Some(match name {
        "default_endpoint" => sent::DEFAULT_ENDPOINT.to_owned(),
        "media_type" => sent::MEDIA_TYPE.to_owned(),
        "max_header_chars" => sent::MAX_HEADER_CHARS.to_string(),
        "max_answer_bytes" => sent::MAX_ANSWER_BYTES.to_string(),
        "max_document_bytes" => MAX_DOCUMENT_BYTES.to_string(),
        "max_depth" => MAX_DEPTH.to_string(),
        "documents_of_a_run" => sent::DOCUMENTS_OF_A_RUN.to_string(),
        "most_documents_of_a_run" => (sent::DOCUMENTS_OF_A_RUN + components).to_string(),
        "documents_of_a_rollback" => sent::DOCUMENTS_OF_A_ROLLBACK.to_string(),
        "max_queued" => sent::MAX_QUEUED.to_string(),
        "max_queued_mib" => (sent::MAX_QUEUED_BYTES / (1024 * 1024)).to_string(),
        "max_queued_days" => (sent::MAX_QUEUED_AGE.as_secs() / (24 * 60 * 60)).to_string(),
        "pass_deadline" => seconds(sent::PASS_DEADLINE),
        "first_backoff" => seconds(sent::FIRST_BACKOFF),
        "longest_backoff" => seconds(sent::LONGEST_BACKOFF),
        "default_attempts" => sent::MAX_ATTEMPTS.default.to_string(),
        "retention_months" => sent::MAX_RETENTION_MONTHS.to_string(),
        "smallest_group" => sent::SMALLEST_GROUP.to_string(),
        "changes_between_attempts" => listed(&changes_between_attempts()),
        "layers" => {
            listed(&ComponentLabel::ALL.iter().map(|layer| layer.as_str().to_owned()).collect::<Vec<_>>())
        }
        "headers" => headers(),
        "answers" => answers(),
        "meanings" => meanings(),
        "settings" => settings(),
        "sizes" => sizes(),
        "identifying" => identifying::tables(),
        "host_bits" => identifying::fullest()[0].host.ceil().to_string(),
        "counted_bits" => identifying::fullest()[0].counted.ceil().to_string(),
        "other_bits" => identifying::fullest()[1].counted.ceil().to_string(),
        "other_host_bits" => identifying::fullest()[1].host.ceil().to_string(),
        "people_bits" => PEOPLE.log2().ceil().to_string(),
        _ => return None,
    })
}

fn seconds(time: Duration) -> String {
    time.as_secs_f64().to_string()
}

/// Words in code, with commas and an `and`.
fn listed(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The properties in which two attempts at one document differ, found by making two.
fn changes_between_attempts() -> Vec<String> {
    let event = TelemetryEvent::Command(vectors::command(Mode::Server, CommandResult::Started));
    let mut document = vectors::telemetry(event);
    let before = serde_json::to_value(&document).unwrap_or_default();
    document.stamp(Attempt::clamped(2), UtcSeconds::parse("2026-11-23T00:00:00Z").expect("a time"));
    let after = serde_json::to_value(&document).unwrap_or_default();
    let members = before.as_object().into_iter().flatten();
    members.filter(|(name, value)| after[name.as_str()] != **value).map(|(name, _)| name.clone()).collect()
}

fn headers() -> String {
    let mut text = "| header | sent | example | meaning |\n|---|---|---|---|".to_owned();
    for header in sent::REQUEST_HEADERS {
        let when = if header.always { "always" } else { "where it applies" };
        // Writing to a String cannot fail.
        let _ = write!(text, "\n| `{}` | {when} | `{}` | {} |", header.name, header.example, header.meaning);
    }
    text
}

fn answers() -> String {
    let mut text = "| answer | when to give it | rules | to the sender it is |\n|---|---|---|---|".to_owned();
    for answer in &ANSWERS {
        let rules: Vec<String> = answer.rules.iter().map(|rule| format!("`{}`", shown(rule))).collect();
        let rules = if rules.is_empty() { "-".to_owned() } else { rules.join(", ") };
        let word = word_of(answer.meaning());
        let _ = write!(text, "\n| {} | {} | {rules} | [{word}](#answers) |", answer.status, answer.when);
    }
    text
}

fn meanings() -> String {
    let mut told = Vec::new();
    let mut text = "| answer | the sender |\n|---|---|".to_owned();
    for meaning in ANSWERS.iter().map(super::super::answers::AdvisedAnswer::meaning) {
        if !told.contains(&meaning) {
            told.push(meaning);
            let _ = write!(text, "\n| {} | {} |", word_of(meaning), action_of(meaning));
        }
    }
    text
}

fn settings() -> String {
    let rows = [
        ("failures in a row that end a pass", "", sent::MAX_ATTEMPTS),
        ("time until a connection stands", " s", sent::CONNECT_TIMEOUT),
        ("time of one attempt", " s", sent::REQUEST_TIMEOUT),
    ];
    let row = |(what, unit, setting): (&str, &str, sent::Setting)| {
        let sent::Setting { variable, default, min, max } = setting;
        format!("| {what} | {default}{unit}; `{variable}` sets {min} to {max} |")
    };
    rows.map(row).join("\n")
}

fn sizes() -> String {
    let of = |schema: &Value, branch: &Value| size::largest(schema, branch);
    let mut rows = Vec::new();
    let telemetry = schema_of(DocumentKind::Telemetry).to_value();
    for branch in telemetry["anyOf"].as_array().into_iter().flatten() {
        let title = resolved(&telemetry, branch).1["title"].as_str().unwrap_or_default();
        rows.push(format!("| largest {} | {} bytes |", title.to_lowercase(), of(&telemetry, branch)));
    }
    rows.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::reference::CHAPTERS;

    /// Names and citations that have digits and state no number of ours.
    const NAMES: [&str; 11] = [
        "2020-12",
        "SHA-256",
        "UTF-8",
        "K3S",
        "version 4 or 7",
        "16 or 32",
        "session-123",
        "2xx",
        "202",
        "422",
        "400",
    ];

    #[test]
    fn chapters_state_no_number_of_their_own() {
        for chapter in CHAPTERS {
            let mut text = chapter.to_owned();
            for name in NAMES.into_iter().chain(["503", "429"]) {
                text = text.replace(name, "");
            }
            // Items of a numbered list are no numbers of ours either.
            let lines = text.lines().map(|line| {
                line.split_once(". ").filter(|(item, _)| item.len() == 1).map_or(line, |(_, rest)| rest)
            });
            let found = lines.into_iter().find(|line| line.chars().any(|letter| letter.is_ascii_digit()));
            assert_eq!(found, None, "a number that nothing holds");
        }
    }

    #[test]
    fn statuses_in_the_text_mean_what_it_says() {
        use schema::delivery::AnswerMeaning;
        let means = |status| AnswerMeaning::of(status);
        assert_eq!([means(400), means(422)], [AnswerMeaning::Refused; 2]);
        assert_eq!([means(429), means(503)], [AnswerMeaning::TryAgain; 2]);
        assert_eq!(means(202), AnswerMeaning::Delivered);
    }

    #[test]
    fn every_name_has_a_value_and_attempts_differ_in_four_places() {
        for chapter in CHAPTERS {
            assert!(!filled(chapter).contains('{'));
        }
        assert_eq!(changes_between_attempts(), ["sent_at", "delivery_attempt", "retry_attempt", "is_retry"]);
        assert_eq!(listed(&["a".to_owned()]), "`a`");
    }
}
