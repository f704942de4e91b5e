//! The charts of a week, counted once more from the documents as they arrived: by what the catalogue says of each chart,
//! and by nothing that the product counts with.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

/// The sessions of each cell of a chart, by its two dimensions, before anything is hidden.
pub(super) type RawCells = BTreeMap<(String, String), HashSet<u32>>;

/// A week, document by document.
#[derive(Default)]
pub(super) struct Recount {
    numbers: HashMap<String, u32>,
    runs: BTreeMap<(u32, String), RawRun>,
    pub(super) charts: BTreeMap<&'static str, RawCells>,
}

/// What the documents of a run say.
#[derive(Default)]
struct RawRun {
    layer: String,
    client: String,
    contract: String,
    command: Option<Value>,
    result: Option<String>,
    manifest: Option<Value>,
}

fn word<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn seconds(value: &Value, pointer: &str) -> i64 {
    let time = chrono::DateTime::parse_from_rfc3339(word(value, pointer));
    time.map_or(0, |time| time.timestamp())
}

/// The last range that begins at or below a number.
fn range(number: i64, ranges: &[(i64, &str)]) -> String {
    let found = ranges.iter().rev().find(|(from, _)| number >= *from);
    found.map(|(_, name)| (*name).to_owned()).unwrap_or_default()
}

impl Recount {
    /// Counts a document.
    pub(super) fn add(&mut self, text: &str) {
        let document: Value = serde_json::from_str(text).expect("JSON");
        let next = u32::try_from(self.numbers.len()).expect("few");
        let session = *self.numbers.entry(word(&document, "/session_id").to_owned()).or_insert(next);
        let (layer, event) =
            (word(&document, "/component").to_owned(), word(&document, "/event_name").to_owned());
        self.count("events", session, &layer, &event);
        self.count("words", session, "ComponentLabel", &layer);
        let list = if event.starts_with("core.command.") {
            "CommandEventName"
        } else if event.starts_with("core.component.") {
            "ComponentEventName"
        } else if document.get("manifest").is_some() {
            "DeliveryEventName"
        } else {
            "ModeEventName"
        };
        self.count("words", session, list, &event);
        let attempt = match document["delivery_attempt"].as_u64() {
            Some(attempt @ 1..4) => attempt.to_string(),
            _ => "4 or more".to_owned(),
        };
        let ranges = [
            (i64::MIN, "clock set back"),
            (0, "under 1 min"),
            (60, "under 1 h"),
            (3_600, "under 1 day"),
            (86_400, "1 day or more"),
        ];
        let delay = range(seconds(&document, "/sent_at") - seconds(&document, "/occurred_at"), &ranges);
        self.count("deliveries", session, &attempt, &delay);
        if let Some(enabled) = document.get("enabled_component") {
            self.count("enabled", session, word(enabled, "/name"), word(enabled, "/result"));
            self.count("words", session, "EnabledResult", word(enabled, "/result"));
        }
        if let Some(command) = document.get("command") {
            self.count("words", session, "CommandResult", word(command, "/result"));
        }
        self.note(session, document);
    }

    fn note(&mut self, session: u32, mut document: Value) {
        let run = self.runs.entry((session, word(&document, "/run_id").to_owned())).or_default();
        if run.layer.is_empty() {
            run.layer = word(&document, "/component").to_owned();
            run.client = word(&document, "/client/version").to_owned();
            run.contract = word(&document, "/telemetry_meta/contract_version").to_owned();
        }
        let ended = [word(&document, "/command/result"), word(&document, "/manifest/status")];
        if let Some(result) = ended.iter().find(|word| !["", "started", "running"].contains(word)) {
            run.result.get_or_insert((*result).to_owned());
        }
        if let Some(command) = document.get_mut("command") {
            run.command.get_or_insert(command.take());
        }
        if let Some(manifest) = document.get_mut("manifest") {
            run.manifest = Some(manifest.take());
        }
    }

    /// Counts the runs, once all documents of the week are there.
    pub(super) fn finish(&mut self) {
        let mut sessions: BTreeMap<u32, Vec<RawRun>> = BTreeMap::new();
        for ((session, _), run) in std::mem::take(&mut self.runs) {
            self.run(session, &run);
            if let Some(manifest) = &run.manifest {
                self.manifest(session, manifest);
            }
            sessions.entry(session).or_default().push(run);
        }
        for (session, runs) in &sessions {
            let layers: BTreeSet<&str> = runs.iter().map(|run| run.layer.as_str()).collect();
            let layers = layers.into_iter().collect::<Vec<_>>().join(" + ");
            let count = i64::try_from(runs.len()).expect("few");
            self.count(
                "chains",
                *session,
                &layers,
                &range(count, &[(1, "1"), (2, "2"), (3, "3 to 5"), (6, "6 or more")]),
            );
            let mut done: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
            for command in runs.iter().filter_map(|run| run.command.as_ref()) {
                if word(command, "/name") == "run" {
                    done.entry(word(command, "/mode")).or_default().insert(word(command, "/execution"));
                }
            }
            for (mode, executions) in done {
                let did = match (executions.contains("dry-run"), executions.contains("apply")) {
                    (true, true) => "dry run and installation",
                    (true, false) => "dry run only",
                    (false, _) => "installation only",
                };
                self.count("trials", *session, mode, did);
            }
        }
    }

    fn run(&mut self, session: u32, run: &RawRun) {
        self.count("versions", session, &run.client, &run.contract);
        let Some(command) = &run.command else { return };
        let [name, mode, execution] = ["/name", "/mode", "/execution"].map(|pointer| word(command, pointer));
        for (list, word) in [("CommandName", name), ("Mode", mode), ("Execution", execution)] {
            self.count("words", session, list, word);
        }
        let result = run.result.as_deref().unwrap_or("unknown");
        match (execution, name) {
            ("apply", "run") => {
                self.count("results", session, mode, result);
                self.count("results-by-version", session, &run.client, result);
            }
            ("apply", _) => self.count("rollbacks", session, mode, result),
            _ => {}
        }
    }

    fn manifest(&mut self, session: u32, manifest: &Value) {
        let word = |pointer| word(manifest, pointer);
        let status = word("/status");
        if manifest.get("failure").is_some() {
            self.count("failures", session, word("/failure/step"), word("/failure/reason"));
        }
        if status != "success" {
            self.count("last-steps", session, word("/current_step"), status);
        }
        self.count("exit-codes", session, &manifest["exit_code"].to_string(), status);
        let platform = [word("/platform/os_id"), word("/platform/os_version")].join(" ");
        self.count("platforms", session, &platform, word("/platform/support"));
        self.count("architectures", session, word("/platform/os_family"), word("/platform/arch"));
        if word("/execution") == "apply" {
            let minutes =
                (seconds(manifest, "/finished_at") - seconds(manifest, "/started_at")).div_euclid(60);
            let ranges = [
                (0, "00 to 01 min"),
                (1, "01 to 02 min"),
                (2, "02 to 05 min"),
                (5, "05 to 10 min"),
                (10, "10 to 20 min"),
                (20, "20 to 40 min"),
                (40, "40 to 60 min"),
                (60, "60 min or more"),
            ];
            self.count("durations", session, word("/bootstrap_mode"), &range(minutes, &ranges));
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
            ("TlsMode", "/features/tls_mode"),
            ("Issuer", "/components/clusterissuer/issuer"),
        ] {
            if !word(pointer).is_empty() {
                self.count("words", session, list, word(pointer));
            }
        }
        self.features(session, &manifest["features"]);
        self.components(session, &manifest["components"]);
    }

    fn features(&mut self, session: u32, features: &Value) {
        for (name, value) in features.as_object().expect("an object") {
            let value = match value {
                Value::Bool(is_on) => if *is_on { "yes" } else { "no" }.to_owned(),
                Value::Number(size) => {
                    let low = 1 << size.as_u64().expect("a size").ilog2();
                    format!("{low} to {}", low * 2 - 1)
                }
                other => other.as_str().expect("a word").to_owned(),
            };
            self.count("features", session, name, &value);
        }
    }

    fn components(&mut self, session: u32, components: &Value) {
        for (component, record) in components.as_object().expect("an object") {
            let [before, plan, result] =
                ["/detected_before", "/planned_action", "/result"].map(|pointer| word(record, pointer));
            for (chart, k1, k2) in [
                ("component-states", component.as_str(), before),
                ("component-plans", component, plan),
                ("component-results", component, result),
                ("plans-by-state", before, plan),
                ("results-by-plan", plan, result),
                ("words", "Component", component),
                ("words", "DetectedBefore", before),
                ("words", "PlannedAction", plan),
                ("words", "ComponentResult", result),
            ] {
                self.count(chart, session, k1, k2);
            }
            if record.get("issuer").is_some() {
                self.count("issuers", session, word(record, "/issuer"), result);
            }
        }
    }

    fn count(&mut self, chart: &'static str, session: u32, k1: &str, k2: &str) {
        self.charts
            .entry(chart)
            .or_default()
            .entry((k1.to_owned(), k2.to_owned()))
            .or_default()
            .insert(session);
    }
}
