//! What each field of the contract is shown in. A field that no chart needs has a reason, or has no place in the contract.

/// Where a field is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldUse {
    /// In these charts.
    Charts(&'static [&'static str]),
    /// In the chains that operators see, and in no chart.
    Chain(&'static str),
    /// In no chart, for this reason.
    Reason(&'static str),
}

use FieldUse::{Chain, Charts, Reason};

/// Where the fields are used, by pointer; `*` stands for any component, or any setting.
const USES: &[(&str, FieldUse)] = &[
    ("/schema_version", Reason("one value within this major version; the gate reads it")),
    ("/event_id", Reason("drops duplicates, and is shown to nobody")),
    ("/event_family", Reason("follows from the name of the event, which is charted")),
    ("/event_category", Reason("follows from the name of the event, which is charted")),
    ("/event_name", Charts(&["events", "words"])),
    ("/occurred_at", Charts(&["deliveries"])),
    ("/sent_at", Charts(&["deliveries"])),
    ("/session_id", Charts(&["chains"])),
    ("/run_id", Charts(&["chains"])),
    ("/parent_run_id", Chain("places a run below the one that started it")),
    ("/component", Charts(&["chains", "events", "words"])),
    ("/delivery_attempt", Charts(&["deliveries"])),
    ("/retry_attempt", Reason("delivery_attempt less one, which is charted")),
    ("/is_retry", Reason("whether delivery_attempt is above one, which is charted")),
    ("/client", Charts(&["versions"])),
    ("/client/name", Reason("one value until another program reports")),
    ("/client/version", Charts(&["versions", "results-by-version"])),
    ("/telemetry_meta", Charts(&["versions"])),
    ("/telemetry_meta/delivery_mode", Reason("a promise to the receiver, of one value")),
    ("/telemetry_meta/anonymous_by_contract", Reason("a promise to the receiver, of one value")),
    ("/telemetry_meta/contract_version", Charts(&["versions"])),
    ("/command", Charts(&["results", "rollbacks"])),
    ("/command/name", Charts(&["rollbacks", "words"])),
    ("/command/mode", Charts(&["results", "rollbacks", "trials", "words"])),
    ("/command/execution", Charts(&["trials", "words"])),
    ("/command/result", Charts(&["results", "results-by-version", "rollbacks", "words"])),
    ("/enabled_component", Charts(&["enabled"])),
    ("/enabled_component/name", Charts(&["enabled"])),
    ("/enabled_component/result", Charts(&["enabled", "words"])),
    ("/manifest", Charts(&["results"])),
    ("/manifest/schema_version", Reason("one value within this major version; the gate reads it")),
    ("/manifest/run_id", Reason("that of the document around it")),
    ("/manifest/tool", Reason("the client of the document around it, which is charted")),
    ("/manifest/tool/name", Reason("the client of the document around it")),
    ("/manifest/tool/version", Reason("the client of the document around it, which is charted")),
    ("/manifest/execution", Charts(&["durations", "trials"])),
    ("/manifest/bootstrap_mode", Charts(&["durations", "results"])),
    ("/manifest/status", Charts(&["exit-codes", "last-steps", "results", "words"])),
    ("/manifest/exit_code", Charts(&["exit-codes"])),
    ("/manifest/started_at", Charts(&["durations"])),
    ("/manifest/finished_at", Charts(&["durations"])),
    ("/manifest/current_step", Charts(&["last-steps", "words"])),
    ("/manifest/failure", Charts(&["failures"])),
    ("/manifest/failure/step", Charts(&["failures", "words"])),
    ("/manifest/failure/reason", Charts(&["failures", "words"])),
    ("/manifest/platform", Charts(&["architectures", "platforms"])),
    ("/manifest/platform/support", Charts(&["platforms", "words"])),
    ("/manifest/platform/os_family", Charts(&["architectures", "words"])),
    ("/manifest/platform/os_id", Charts(&["platforms", "words"])),
    ("/manifest/platform/os_version", Charts(&["platforms"])),
    ("/manifest/platform/arch", Charts(&["architectures", "words"])),
    ("/manifest/features", Charts(&["features"])),
    ("/manifest/features/*", Charts(&["features"])),
    ("/manifest/components", Charts(&["component-results"])),
    ("/manifest/components/*", Charts(&["component-results"])),
    ("/manifest/components/*/detected_before", Charts(&["component-states", "plans-by-state", "words"])),
    (
        "/manifest/components/*/planned_action",
        Charts(&["component-plans", "plans-by-state", "results-by-plan", "words"]),
    ),
    ("/manifest/components/*/result", Charts(&["component-results", "results-by-plan", "words"])),
    ("/manifest/components/*/issuer", Charts(&["issuers", "words"])),
];

/// Where the field at a pointer is used; nothing if the table does not have it.
pub(crate) fn use_of(pointer: &str) -> Option<FieldUse> {
    USES.iter().find(|(pattern, _)| matches(pattern, pointer)).map(|(_, used)| *used)
}

fn matches(pattern: &str, pointer: &str) -> bool {
    let (mut wanted, mut found) = (pattern.split('/'), pointer.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == found || wanted == "*" => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fields::fields;
    use super::*;
    use crate::chart::chart_named;

    #[test]
    fn every_field_has_a_chart_or_a_reason() {
        let fields = fields();
        assert!(fields.len() > 90, "{} fields", fields.len());
        let lacking: Vec<&str> = fields
            .iter()
            .map(|field| field.pointer.as_str())
            .filter(|pointer| use_of(pointer).is_none())
            .collect();
        assert!(lacking.is_empty(), "no chart and no reason: why are they collected? {lacking:?}");
    }

    #[test]
    fn the_table_speaks_of_fields_and_charts_that_there_are() {
        let fields = fields();
        for (pattern, used) in USES {
            assert!(fields.iter().any(|field| matches(pattern, &field.pointer)), "{pattern} is no field");
            if let Charts(names) = used {
                assert!(names.iter().all(|name| chart_named(name).is_some()), "{pattern}: {names:?}");
            }
        }
    }

    #[test]
    fn every_field_has_a_purpose_and_an_example() {
        let fields = fields();
        for field in &fields {
            assert!(!field.meaning.is_empty() && !field.purpose.is_empty(), "{field:?}");
            // The example of an object is those of the fields below it.
            let below = format!("{}/", field.pointer);
            let is_object = fields.iter().any(|other| other.pointer.starts_with(&below));
            assert!(is_object || field.example.is_some(), "{field:?}");
        }
    }
}
