//! A fleet for the tests: sessions with runs of every kind, made by the types of the contract.

use schema::{
    Arch, Command, CommandName, CommandResult, Component, ComponentLabel, ComponentRecord, ComponentResult,
    DetectedBefore, EnabledComponent, EnabledResult, Envelope, EventId, Execution, Failure, FailureReason,
    Finish, Id, Mode, OsFamily, OsId, OsVersion, PlannedAction, Platform, RunManifest, Step, Support,
    TelemetryEvent, UtcSeconds,
};

use crate::support::Site;

/// A session of one host.
pub(crate) struct Host {
    pub(crate) session_id: Id,
    pub(crate) run_id: Id,
    pub(crate) mode: Mode,
    pub(crate) platform: Platform,
    /// How its run ended; `None` if that was never reported.
    pub(crate) finish: Option<Finish>,
}

/// Hosts of which some are common and some are rare.
pub(crate) fn hosts(count: usize, seed: u64) -> Vec<Host> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..count).map(|_| host(&mut random)).collect()
}

fn host(random: &mut fastrand::Rng) -> Host {
    let versions = ["12", "12", "12", "12", "12", "13", "13", "22.04", "24.04"];
    let os_version = match random.u8(..40) {
        0 => format!("{}.{}", random.u8(1..30), random.u8(1..30)),
        _ => (*random.choice(&versions).expect("some")).to_owned(),
    };
    let failure = Failure {
        step: *random.choice(Step::ALL).expect("some"),
        reason: *random.choice(FailureReason::ALL).expect("some"),
    };
    let finish = match random.u8(..10) {
        0 => None,
        1 => Some(Finish::Failed(failure)),
        2 => Some(Finish::Cancelled),
        _ => Some(Finish::Success),
    };
    Host {
        session_id: Id::random(),
        run_id: Id::random(),
        mode: *random
            .choice(&[Mode::Server, Mode::Server, Mode::Server, Mode::SingleNode, Mode::Agent])
            .expect("some"),
        platform: Platform {
            support: if random.bool() { Support::Supported } else { Support::Unsupported },
            os_family: OsFamily::Debian,
            os_id: if random.u8(..20) == 0 { OsId::Other } else { OsId::Debian },
            os_version: OsVersion::parse(&os_version).expect("a version"),
            arch: if random.u8(..10) == 0 { Arch::Arm64 } else { Arch::Amd64 },
        },
        finish,
    }
}

impl Host {
    /// Its documents, one per line.
    pub(crate) fn documents(&self) -> Vec<Vec<u8>> {
        let at = |minute: u8| UtcSeconds::parse(&format!("2026-11-22T07:{minute:02}:02Z")).expect("a time");
        let command =
            |result| Command { name: CommandName::Run, mode: self.mode, execution: Execution::Apply, result };
        let mut events = vec![(TelemetryEvent::Command(command(CommandResult::Started)), at(0))];
        if let Some(finish) = self.finish {
            let enabled = EnabledComponent { name: Component::Helm, result: EnabledResult::Installed };
            events.push((TelemetryEvent::Component(enabled), at(3)));
            events.push((TelemetryEvent::Command(command(finish.into())), at(4)));
            events.push((TelemetryEvent::Manifest(Box::new(self.manifest(finish, at(0), at(4)))), at(4)));
        }
        let envelope = Envelope {
            session_id: self.session_id.clone(),
            run_id: self.run_id.clone(),
            parent_run_id: None,
            component: ComponentLabel::Core,
        };
        let document =
            |(event, at)| serde_json::to_vec(&envelope.document(event, EventId::random(), at)).expect("JSON");
        events.into_iter().map(document).collect()
    }

    fn manifest(&self, finish: Finish, started: UtcSeconds, finished: UtcSeconds) -> RunManifest {
        let mut manifest = RunManifest::begin(
            self.run_id.clone(),
            Execution::Apply,
            self.mode,
            self.platform.clone(),
            started,
        );
        for component in [Component::K3s, Component::Helm] {
            let record = ComponentRecord {
                detected_before: DetectedBefore::Missing,
                planned_action: PlannedAction::Install,
                result: ComponentResult::Installed,
            };
            manifest.components.set(component, record);
        }
        manifest.features.telemetry_enabled = Some(true);
        manifest.finish(finish, u8::from(finish != Finish::Success), finished);
        manifest
    }
}

/// Imports what hosts reported; what the program printed.
pub(crate) fn import(site: &Site, hosts: &[Host]) -> String {
    let lines: Vec<Vec<u8>> = hosts.iter().flat_map(Host::documents).collect();
    String::from_utf8(site.import(&lines.join(&b'\n')).stdout).expect("UTF-8")
}
