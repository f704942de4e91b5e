//! Chains of runs, put together again from the ids that their documents share.

use std::collections::BTreeMap;
use std::fmt::Write;

use schema::{ComponentLabel, Id, UtcSeconds};
use serde::Serialize;

use crate::store::Outline;

/// Everything of one session.
#[derive(Debug, Serialize)]
pub(crate) struct Chain {
    session_id: Id,
    runs: Vec<Run>,
}

/// A run with the runs that it started.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the ids keep the names that the contract gives them")]
pub(crate) struct Run {
    component: ComponentLabel,
    run_id: Id,
    /// The run above; it stands above only if it has reported too.
    parent_run_id: Option<Id>,
    events: Vec<Happened>,
    runs: Vec<Run>,
}

#[derive(Debug, Serialize)]
struct Happened {
    event_name: String,
    occurred_at: UtcSeconds,
    delivery_attempt: u32,
}

/// The chains, in the order in which their first document arrived.
pub(crate) fn of(outlines: &[Outline]) -> Vec<Chain> {
    let mut sessions: Vec<&Id> = Vec::new();
    let mut by_session: BTreeMap<&Id, Vec<&Outline>> = BTreeMap::new();
    for outline in outlines {
        by_session.entry(&outline.session_id).or_insert_with(|| {
            sessions.push(&outline.session_id);
            Vec::new()
        });
        by_session.entry(&outline.session_id).or_default().push(outline);
    }
    let chain = |session: &&Id| Chain { session_id: (*session).clone(), runs: runs(&by_session[*session]) };
    sessions.iter().map(chain).collect()
}

/// The runs of one session as a tree.
fn runs(outlines: &[&Outline]) -> Vec<Run> {
    let mut flat: Vec<Run> = Vec::new();
    for outline in outlines {
        let position = flat.iter().position(|run| run.run_id == outline.run_id).unwrap_or_else(|| {
            flat.push(Run {
                component: outline.component,
                run_id: outline.run_id.clone(),
                parent_run_id: outline.parent_run_id.clone(),
                events: Vec::new(),
                runs: Vec::new(),
            });
            flat.len() - 1
        });
        flat[position].events.push(Happened {
            event_name: outline.event_name.clone(),
            occurred_at: outline.occurred_at,
            delivery_attempt: outline.delivery_attempt,
        });
    }
    for run in &mut flat {
        run.events.sort_by_key(|event| event.occurred_at);
    }
    nest(flat)
}

/// Hangs every run below its parent. Each step takes a run that nothing hangs below any more; what is left in a circle,
/// which only a faulty sender can make, stays on top.
fn nest(mut flat: Vec<Run>) -> Vec<Run> {
    loop {
        let is_parent =
            |run: &Run| flat.iter().any(|other| other.parent_run_id.as_ref() == Some(&run.run_id));
        let has_parent = |run: &Run| {
            flat.iter()
                .any(|other| Some(&other.run_id) == run.parent_run_id.as_ref() && other.run_id != run.run_id)
        };
        let Some(leaf) = flat.iter().rposition(|run| !is_parent(run) && has_parent(run)) else { return flat };
        let run = flat.remove(leaf);
        let parent = flat.iter_mut().find(|other| Some(&other.run_id) == run.parent_run_id.as_ref());
        match parent {
            Some(parent) => parent.runs.insert(0, run),
            None => flat.push(run),
        }
    }
}

/// The chains as a page. Every value is an id, a word or a time of the contract, so that nothing needs escaping.
pub(crate) fn page(chains: &[Chain]) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Telemetry chains</title>\n<h1>Telemetry chains</h1>\n",
    );
    if chains.is_empty() {
        page.push_str("<p>Nothing has arrived yet.</p>\n");
    }
    for chain in chains {
        let _ = writeln!(page, "<h2>Session {}</h2>", chain.session_id);
        write_runs(&mut page, &chain.runs);
    }
    page.push_str("</html>\n");
    page
}

fn write_runs(page: &mut String, runs: &[Run]) {
    if runs.is_empty() {
        return;
    }
    page.push_str("<ul>\n");
    for run in runs {
        let _ = write!(page, "<li><b>{}</b> run {}", run.component, run.run_id);
        if let Some(parent) = &run.parent_run_id {
            let _ = write!(page, ", started by {parent}");
        }
        page.push_str("\n<ol>\n");
        for event in &run.events {
            let _ = write!(page, "<li>{} at {}", event.event_name, event.occurred_at);
            if event.delivery_attempt > 1 {
                let _ = write!(page, ", attempt {}", event.delivery_attempt);
            }
            page.push_str("</li>\n");
        }
        page.push_str("</ol>\n");
        write_runs(page, &run.runs);
        page.push_str("</li>\n");
    }
    page.push_str("</ul>\n");
}
