//! The documents of a run, repeated with other ids.

use anyhow::ensure;
use schema::{
    Arch, Command, CommandName, CommandResult, Component, ComponentLabel, ComponentRecord, ComponentResult,
    DetectedBefore, EnabledComponent, EnabledResult, Envelope, EventId, Execution, Finish, Id, Mode,
    OsFamily, OsId, OsVersion, PlannedAction, Platform, RunManifest, Support, TelemetryEvent, UtcSeconds,
};

/// Places of the ids in a template, in the form that documents give them.
const SESSION: &str = "aaaaaaaaaaaaaaaa";
const RUN: &str = "bbbbbbbbbbbbbbbb";
const EVENT: &str = "cccccccc-cccc-4ccc-8ccc-cccccccccccc";

/// Documents of a run.
const KINDS: u64 = 5;

/// The documents of a run with one id in place of all others.
pub(super) struct Documents(Vec<String>);

impl Documents {
    /// Makes the templates: four events and the manifest.
    pub(super) fn new() -> anyhow::Result<Self> {
        let at = UtcSeconds::parse("2026-11-22T07:50:02Z")?;
        let command = |result| Command {
            name: CommandName::Run,
            mode: Mode::SingleNode,
            execution: Execution::Apply,
            result,
        };
        let enabled = EnabledComponent { name: Component::K3s, result: EnabledResult::Installed };
        let envelope = Envelope {
            session_id: Id::parse(SESSION)?,
            run_id: Id::parse(RUN)?,
            parent_run_id: None,
            component: ComponentLabel::Core,
        };
        let events = [
            TelemetryEvent::Command(command(CommandResult::Started)),
            TelemetryEvent::Mode(command(CommandResult::Started)),
            TelemetryEvent::Component(enabled),
            TelemetryEvent::Command(command(CommandResult::Success)),
            TelemetryEvent::Manifest(Box::new(manifest(at)?)),
        ];
        ensure!(events.len() as u64 == KINDS, "{} templates", events.len());
        let event_id = EventId::parse(EVENT)?;
        let text = |event| serde_json::to_string(&envelope.document(event, event_id, at));
        Ok(Self(events.into_iter().map(text).collect::<Result<_, _>>()?))
    }

    /// The document of this number. The same number gives the same document.
    pub(super) fn document(&self, number: u64) -> String {
        let (run, kind) = (spread(number / KINDS), usize::try_from(number % KINDS).unwrap_or_default());
        let id = format!("{run:016x}");
        let event = spread(!number);
        let event = format!(
            "{:08x}-{:04x}-4{:03x}-8000-{number:012x}",
            event >> 32,
            event >> 16 & 0xffff,
            event & 0xfff
        );
        self.0[kind].replace(SESSION, &id).replace(RUN, &id).replace(EVENT, &event)
    }
}

/// The session of the document of this number, in which it is the only run.
pub(super) fn session(number: u64) -> String {
    format!("{:016x}", spread(number / KINDS))
}

/// A bijection that looks random (`SplitMix64`), because ids that grow would spare the store its random places.
fn spread(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

fn manifest(at: UtcSeconds) -> anyhow::Result<RunManifest> {
    let platform = Platform {
        support: Support::Supported,
        os_family: OsFamily::Debian,
        os_id: OsId::Debian,
        os_version: OsVersion::parse("12")?,
        arch: Arch::Amd64,
    };
    let mut manifest = RunManifest::begin(Id::parse(RUN)?, Execution::Apply, Mode::SingleNode, platform, at);
    for component in Component::ALL {
        let record = ComponentRecord {
            detected_before: DetectedBefore::Missing,
            planned_action: PlannedAction::Install,
            result: ComponentResult::Installed,
        };
        manifest.components.set(*component, record);
    }
    manifest.finish(Finish::Success, 0, at);
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use schema::TelemetryDocument;

    use super::*;

    #[test]
    fn every_number_is_a_document_of_its_own() {
        let documents = Documents::new().expect("templates");
        let mut seen = HashSet::new();
        for number in 0..1_000 {
            let text = documents.document(number);
            let document: TelemetryDocument = serde_json::from_str(&text).expect("a document");
            assert!(seen.insert(document.event_id()), "{number}");
        }
        assert_eq!(documents.document(7), documents.document(7));
        assert!(documents.document(7).contains(&session(7)) && session(7) == session(9));
    }
}
