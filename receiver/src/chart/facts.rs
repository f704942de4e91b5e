//! How a run and a document are counted.

use schema::Component;
use serde_json::Value;

use super::tally::Tally;
use crate::run_row::{RunRow, StoredDocument, number, text};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Counts a run, with its manifest if that arrived.
pub(crate) fn of_run(run: &RunRow, manifest: Option<&Value>, tally: &mut Tally) {
    let session = tally.session(run.session_id);
    let result = run.result.as_deref().unwrap_or("unknown");
    let is_dry_run = run.execution.as_deref().map(|execution| execution == "dry-run");
    let is_run = run.command.as_deref() == Some("run");
    tally.note_run(session, &run.component, run.mode.as_deref(), is_dry_run.filter(|_| is_run));
    tally.add("versions", session, &run.client, &run.contract);
    for (list, word) in [("CommandName", &run.command), ("Mode", &run.mode), ("Execution", &run.execution)] {
        if let Some(word) = word {
            tally.add("words", session, list, word);
        }
    }
    if let Some(mode) = run.mode.as_deref().filter(|_| is_dry_run == Some(false)) {
        if is_run {
            tally.add("results", session, mode, result);
            tally.add("results-by-version", session, &run.client, result);
        } else {
            tally.add("rollbacks", session, mode, result);
        }
    }
    if let Some(manifest) = manifest {
        of_manifest(run, manifest, session, tally);
    }
}

fn of_manifest(run: &RunRow, manifest: &Value, session: u32, tally: &mut Tally) {
    let word = |pointer| text(manifest, pointer).unwrap_or("unknown");
    let status = word("/status");
    if let Some(step) = text(manifest, "/failure/step") {
        tally.add("failures", session, step, word("/failure/reason"));
    }
    if status != "success" {
        tally.add("last-steps", session, word("/current_step"), status);
    }
    let exit_code = number(manifest, "/exit_code").map_or("none".to_owned(), |code| code.to_string());
    tally.add("exit-codes", session, exit_code, status);
    let platform = format!("{} {}", word("/platform/os_id"), word("/platform/os_version"));
    tally.add("platforms", session, platform, word("/platform/support"));
    tally.add("architectures", session, word("/platform/os_family"), word("/platform/arch"));
    if word("/execution") == "apply"
        && let (Some(started), Some(finished)) = (run.started, run.finished)
    {
        tally.add("durations", session, word("/bootstrap_mode"), duration(finished - started));
    }
    for (list, pointer) in [
        ("Status", "/status"),
        ("Step", "/current_step"),
        ("Step", "/failure/step"),
        ("FailureReason", "/failure/reason"),
        ("Support", "/platform/support"),
        ("OsFamily", "/platform/os_family"),
        ("OsId", "/platform/os_id"),
        ("Arch", "/platform/arch"),
        ("InstallationEngine", "/features/installation_engine"),
        ("TlsMode", "/features/tls_mode"),
        ("LetsencryptEnvironment", "/features/letsencrypt_environment"),
        ("ArtifactsSource", "/features/artifacts_source"),
        ("Issuer", "/components/clusterissuer/issuer"),
    ] {
        if let Some(word) = text(manifest, pointer) {
            tally.add("words", session, list, word);
        }
    }
    of_features(manifest, session, tally);
    of_components(manifest, session, tally);
}

fn of_features(manifest: &Value, session: u32, tally: &mut Tally) {
    for (name, value) in manifest.get("features").and_then(Value::as_object).into_iter().flatten() {
        let value = match value {
            Value::String(word) => word.clone(),
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            // A size in GiB can be any of 65,536: only its magnitude is a choice that others made too.
            other if name == "registry_pvc_size_gib" => magnitude(number(other, "").unwrap_or_default()),
            other => number(other, "").map_or("unknown".to_owned(), |number| number.to_string()),
        };
        tally.add("features", session, name, value);
    }
}

fn of_components(manifest: &Value, session: u32, tally: &mut Tally) {
    for component in Component::ALL.iter().map(|component| component.as_str()) {
        let Some(record) = manifest.pointer(&format!("/components/{component}")) else { continue };
        let word = |pointer| text(record, pointer).unwrap_or("unknown");
        let [before, planned, result] = ["/detected_before", "/planned_action", "/result"].map(word);
        tally.add("component-states", session, component, before);
        tally.add("component-plans", session, component, planned);
        tally.add("component-results", session, component, result);
        tally.add("plans-by-state", session, before, planned);
        tally.add("results-by-plan", session, planned, result);
        let words = [("DetectedBefore", before), ("PlannedAction", planned), ("ComponentResult", result)];
        for (list, word) in words.into_iter().chain([("Component", component)]) {
            tally.add("words", session, list, word);
        }
        if let Some(issuer) = text(record, "/issuer") {
            tally.add("issuers", session, issuer, result);
        }
    }
}

/// Counts a document.
pub(crate) fn of_document(document: &StoredDocument, tally: &mut Tally) {
    let session = tally.session(document.session_id);
    tally.add("events", session, &document.component, &document.event);
    let attempt = match document.attempt {
        1..=3 => document.attempt.to_string(),
        _ => "4 or more".to_owned(),
    };
    tally.add("deliveries", session, attempt, delay(document.sent_at - document.occurred_at));
    tally.add("words", session, "ComponentLabel", &document.component);
    let list = match document.event.as_str() {
        "core.component.enabled" => "ComponentEventName",
        RunRow::MANIFEST_EVENT => "DeliveryEventName",
        event if event.starts_with("core.command.") => "CommandEventName",
        _ => "ModeEventName",
    };
    tally.add("words", session, list, &document.event);
    if document.event == "core.component.enabled" {
        let word = |pointer| text(&document.detail, pointer).unwrap_or("unknown");
        tally.add("enabled", session, word("/name"), word("/result"));
        tally.add("words", session, "EnabledResult", word("/result"));
    } else if let Some(result) = text(&document.detail, "/result") {
        tally.add("words", session, "CommandResult", result);
    }
}

/// Durations are shown as ranges: an exact one is nearly an id. The names are in order, for quantiles.
const DURATIONS: [(i64, &str); 7] = [
    (MINUTE, "00 to 01 min"),
    (2 * MINUTE, "01 to 02 min"),
    (5 * MINUTE, "02 to 05 min"),
    (10 * MINUTE, "05 to 10 min"),
    (20 * MINUTE, "10 to 20 min"),
    (40 * MINUTE, "20 to 40 min"),
    (HOUR, "40 to 60 min"),
];

const DELAYS: [(i64, &str); 4] =
    [(0, "clock set back"), (MINUTE, "under 1 min"), (HOUR, "under 1 h"), (DAY, "under 1 day")];

fn duration(seconds: i64) -> &'static str {
    range(&DURATIONS, seconds).unwrap_or("60 min or more")
}

fn delay(seconds: i64) -> &'static str {
    range(&DELAYS, seconds).unwrap_or("1 day or more")
}

/// The first range whose end is greater than the seconds.
fn range(ranges: &[(i64, &'static str)], seconds: i64) -> Option<&'static str> {
    ranges.iter().find(|(end, _)| seconds < *end).map(|(_, name)| *name)
}

/// The range between powers of two that contains a number.
fn magnitude(number: i64) -> String {
    let number = u32::try_from(number).unwrap_or(u32::MAX).max(1);
    let low = 1_u64 << number.ilog2();
    format!("{low} to {}", 2 * low - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_as_ranges() {
        assert_eq!(
            [0, 59, 60, 3_599, 3_600].map(duration)[1..4],
            ["00 to 01 min", "01 to 02 min", "40 to 60 min"]
        );
        assert_eq!([-1, 0, 86_400].map(delay), ["clock set back", "under 1 min", "1 day or more"]);
        assert_eq!([1, 20, 65_536].map(magnitude), ["1 to 1", "16 to 31", "65536 to 131071"]);
    }
}
