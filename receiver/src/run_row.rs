//! A run, combined from its documents.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::arrival::{PackedId, whole};

/// A document as it is read back.
#[derive(Clone, Debug)]
pub(crate) struct StoredDocument {
    pub(crate) session_id: PackedId,
    pub(crate) run_id: PackedId,
    pub(crate) parent_run_id: Option<PackedId>,
    pub(crate) occurred_at: i64,
    pub(crate) received_at: i64,
    pub(crate) sent_at: i64,
    pub(crate) event: String,
    pub(crate) component: String,
    pub(crate) client: String,
    pub(crate) contract: String,
    pub(crate) attempt: i64,
    pub(crate) detail: Value,
    pub(crate) event_id: [u8; 16],
}

/// Which document of its session is the manifest of a run: the rest of the key of that document.
///
/// Kept with the run, because a search for it reads all documents of the session, for each of its runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ManifestKey {
    pub(crate) occurred_at: i64,
    pub(crate) event_id: [u8; 16],
}

/// A run, as far as one document or all of them state it. What no document states is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunRow {
    pub(crate) session_id: PackedId,
    pub(crate) run_id: PackedId,
    pub(crate) parent_run_id: Option<PackedId>,
    /// The layer that reports.
    pub(crate) component: String,
    /// When its first document arrived, by our clock: charts use it, so that a clock of 2099 makes no chart of 2099.
    pub(crate) received_at: i64,
    pub(crate) client: String,
    pub(crate) contract: String,
    pub(crate) command: Option<String>,
    pub(crate) mode: Option<String>,
    pub(crate) execution: Option<String>,
    /// How it ended. `None` if no document states it: unknown is not failed.
    pub(crate) result: Option<String>,
    pub(crate) os_id: Option<String>,
    pub(crate) os_version: Option<String>,
    pub(crate) arch: Option<String>,
    pub(crate) failure_step: Option<String>,
    pub(crate) failure_reason: Option<String>,
    /// By the clock of the host, in seconds since 1970.
    pub(crate) started: Option<i64>,
    pub(crate) finished: Option<i64>,
    /// The first manifest that arrived.
    pub(crate) manifest: Option<ManifestKey>,
    /// When its last document arrived, by our clock: a run that still reports is not deleted.
    pub(crate) last_received_at: i64,
}

/// A member of a JSON document as text.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

impl RunRow {
    /// The event that carries a manifest.
    pub(crate) const MANIFEST_EVENT: &str = "bootstrap.completed";

    /// What a document states about its run.
    pub(crate) fn of(document: &StoredDocument) -> Self {
        let owned = |pointer| text(&document.detail, pointer).map(str::to_owned);
        let mut run = Self {
            session_id: document.session_id,
            run_id: document.run_id,
            parent_run_id: document.parent_run_id,
            component: document.component.clone(),
            received_at: document.received_at,
            client: document.client.clone(),
            contract: document.contract.clone(),
            command: None,
            mode: owned("/mode").or_else(|| owned("/bootstrap_mode")),
            execution: owned("/execution"),
            result: owned("/status"),
            os_id: owned("/platform/os_id"),
            os_version: owned("/platform/os_version"),
            arch: owned("/platform/arch"),
            failure_step: owned("/failure/step"),
            failure_reason: owned("/failure/reason"),
            started: None,
            finished: None,
            manifest: None,
            last_received_at: document.received_at,
        };
        if document.event == Self::MANIFEST_EVENT {
            run.manifest =
                Some(ManifestKey { occurred_at: document.occurred_at, event_id: document.event_id });
            run.command = Some("run".to_owned());
            run.started = time(&document.detail, "/started_at");
            run.finished = time(&document.detail, "/finished_at");
        } else if document.detail.get("mode").is_some() {
            run.command = owned("/name");
            match owned("/result") {
                Some(result) if result == "started" => run.started = Some(document.occurred_at),
                ended => (run.result, run.finished) = (ended, Some(document.occurred_at)),
            }
        }
        // A manifest that was written during the run does not state its end.
        run.result = run.result.filter(|result| result != "running");
        run
    }

    /// Both combined, where `later` was read after `self`: what the first states stays, and the other adds the rest.
    pub(crate) fn merged_with(self, later: Self) -> Self {
        let earliest = |one: Option<i64>, other: Option<i64>| one.into_iter().chain(other).min();
        Self {
            parent_run_id: self.parent_run_id.or(later.parent_run_id),
            received_at: self.received_at.min(later.received_at),
            command: self.command.or(later.command),
            mode: self.mode.or(later.mode),
            execution: self.execution.or(later.execution),
            result: self.result.or(later.result),
            os_id: self.os_id.or(later.os_id),
            os_version: self.os_version.or(later.os_version),
            arch: self.arch.or(later.arch),
            failure_step: self.failure_step.or(later.failure_step),
            failure_reason: self.failure_reason.or(later.failure_reason),
            started: earliest(self.started, later.started),
            finished: self.finished.max(later.finished),
            manifest: self.manifest.or(later.manifest),
            last_received_at: self.last_received_at.max(later.last_received_at),
            ..self
        }
    }
}

/// The runs of these documents, each once.
pub(crate) fn runs_of<'a>(documents: impl IntoIterator<Item = &'a StoredDocument>) -> Vec<RunRow> {
    let mut runs: BTreeMap<(PackedId, PackedId), RunRow> = BTreeMap::new();
    for document in documents {
        let (key, told) = ((document.session_id, document.run_id), RunRow::of(document));
        let merged = match runs.remove(&key) {
            Some(known) => known.merged_with(told),
            None => told,
        };
        runs.insert(key, merged);
    }
    runs.into_values().collect()
}

fn time(value: &Value, pointer: &str) -> Option<i64> {
    text(value, pointer)
        .and_then(|text| schema::UtcSeconds::parse(text).ok())
        .map(schema::UtcSeconds::timestamp)
}

/// A whole number of a JSON document.
pub(crate) fn number(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer).and_then(whole)
}
