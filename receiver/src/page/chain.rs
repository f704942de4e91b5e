//! Chains, for operators: what one session did, run by run.

use chrono::DateTime;
use maud::{Markup, html};

use super::layout::page;
use super::tree::{TreeRun, tree};
use crate::arrival::PackedId;
use crate::run_row::{StoredDocument, text};

/// Deepest indentation; a deeper chain is shown with its depth as a number.
const MAX_INDENT: usize = 12;

/// The sessions that arrived last.
pub(crate) fn latest(sessions: &[(PackedId, i64)]) -> String {
    let content = html! {
        @if sessions.is_empty() { p { "Nothing has arrived yet." } }
        ul {
            @for (session, received) in sessions {
                li { a href={ "/chains/" (session) } { code { (session) } } ", " (time(*received)) }
            }
        }
    };
    page("Latest sessions", &content)
}

/// One session.
pub(crate) fn chain(session: &PackedId, documents: &[StoredDocument], is_cut: bool) -> String {
    let runs = tree(documents);
    let content = html! {
        p { "Session " code { (session) } ": runs: " (runs.len()) ", documents: " (documents.len()) "." }
        @if is_cut { p { "There are more documents; these are the first." } }
        @for run in &runs { (shown(run)) }
    };
    page("Chain", &content)
}

fn shown(run: &TreeRun<'_>) -> Markup {
    html! {
        section style={ "margin-left:" (run.depth.min(MAX_INDENT)) "rem" } {
            h2 { (run.component) " run " code { (run.run_id) } }
            @if let Some(parent) = &run.parent_run_id {
                p.dim { "Level " (run.depth) ", started by " code { (parent) } }
            }
            ol {
                @for event in &run.events {
                    li {
                        (time(event.occurred_at)) " " (event.event)
                        @if let Some(outcome) = outcome(event) { ": " (outcome) }
                        @if event.attempt > 1 { " (attempt " (event.attempt) ")" }
                    }
                }
            }
        }
    }
}

/// The state that an event reports, in the words of the contract.
fn outcome(event: &StoredDocument) -> Option<String> {
    let word = |pointer| text(&event.detail, pointer);
    let parts = [
        "/name",
        "/mode",
        "/bootstrap_mode",
        "/execution",
        "/result",
        "/status",
        "/failure/step",
        "/failure/reason",
    ];
    let words: Vec<&str> = parts.into_iter().filter_map(word).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn time(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0)
        .map_or_else(String::new, |time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}
