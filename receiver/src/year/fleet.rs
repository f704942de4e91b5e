//! What a fleet sends in a week: the bytes that arrive.

use chrono::DateTime;
use schema::{
    Arch, Bounded, Command, CommandName, CommandResult, Component, ComponentLabel, ComponentRecord,
    ComponentResult, DetectedBefore, EnabledComponent, EnabledResult, Envelope, EventId, Execution, Failure,
    FailureReason, Finish, Id, Issuer, Mode, OsFamily, OsId, OsVersion, PlannedAction, Platform, RunManifest,
    Step, Support, TelemetryEvent, TlsMode, UtcSeconds,
};
use serde_json::Value;

use crate::week::{DAY, Week};

/// A fleet of which every fourth host, by chance, has a session in a week.
pub(super) struct YearFleet {
    hosts: u64,
    random: fastrand::Rng,
}

/// What stays the same of a host.
struct HostKind {
    mode: Mode,
    platform: Platform,
    /// Whether layers above start its runs.
    is_delegated: bool,
    /// The week from which on it has the newer release.
    upgrades: i64,
}

/// A run before it is told.
struct PlannedRun {
    envelope: Envelope,
    name: CommandName,
    execution: Execution,
    finish: Option<Finish>,
    started: i64,
}

/// One in so many.
const ODD: u8 = 40;

/// Runs of the session of each week that stands out: a pipeline's, or a sender's who wants to be seen.
pub(super) const MANY_RUNS: usize = 300;

impl YearFleet {
    pub(super) fn new(hosts: u64, seed: u64) -> Self {
        Self { hosts, random: fastrand::Rng::with_seed(seed) }
    }

    /// Sends the documents of a week.
    pub(super) fn week(&mut self, week: Week, send: &mut dyn FnMut(String)) {
        for host in 0..self.hosts {
            if self.random.u8(..4) == 0 {
                self.session(&HostKind::of(host), week, 1, send);
            }
        }
        self.session(&HostKind::of(self.hosts), week, MANY_RUNS, send);
    }

    fn session(&mut self, kind: &HostKind, week: Week, runs: usize, send: &mut dyn FnMut(String)) {
        let session_id = Id::random();
        let mut started = week.start() + self.random.i64(0..6 * DAY);
        let mut version = if week.number() < kind.upgrades { "0.1.0" } else { "0.2.0" };
        if self.random.u8(..ODD) == 0 {
            version = "0.3.0-rc.1";
        }
        let mut tell = |text: String| {
            let [old, new] =
                [env!("CARGO_PKG_VERSION"), version].map(|version| format!("\"version\":\"{version}\""));
            send(text.replace(&old, &new));
        };
        let above = kind.is_delegated.then(|| {
            let [cli, infra] = std::array::from_fn(|_| Id::random());
            let above =
                [(ComponentLabel::Cli, cli.clone(), None), (ComponentLabel::Infra, infra.clone(), Some(cli))];
            for (component, run_id, parent_run_id) in above {
                let envelope = Envelope { session_id: session_id.clone(), run_id, parent_run_id, component };
                let command = Command {
                    name: CommandName::Run,
                    mode: kind.mode,
                    execution: Execution::Apply,
                    result: CommandResult::Started,
                };
                self.event(&envelope, TelemetryEvent::Command(command), started, &mut tell);
            }
            infra
        });
        let mut plans = vec![(CommandName::Run, Execution::Apply); runs];
        if self.random.u8(..5) == 0 {
            plans.insert(0, (CommandName::Run, Execution::DryRun));
        }
        if self.random.u8(..ODD) == 0 {
            plans.push((CommandName::Rollback, Execution::Apply));
        }
        for (name, execution) in plans {
            let envelope = Envelope {
                session_id: session_id.clone(),
                run_id: Id::random(),
                parent_run_id: above.clone(),
                component: ComponentLabel::Core,
            };
            let finish = self.finish();
            self.run(kind, &PlannedRun { envelope, name, execution, finish, started }, &mut tell);
            started += 2 * 3_600;
        }
    }

    fn finish(&mut self) -> Option<Finish> {
        match self.random.u8(..20) {
            0 => None,
            1 => Some(Finish::Failed(Failure {
                step: *self.random.choice(Step::ALL).expect("some"),
                reason: *self.random.choice(FailureReason::ALL).expect("some"),
            })),
            2 => Some(if self.random.bool() { Finish::Cancelled } else { Finish::Interrupted }),
            _ => Some(Finish::Success),
        }
    }

    fn run(&mut self, kind: &HostKind, run: &PlannedRun, tell: &mut dyn FnMut(String)) {
        let PlannedRun { envelope, name, execution, finish, started } = run;
        let ended = started + self.random.i64(20..4_000);
        let command = |result| Command { name: *name, mode: kind.mode, execution: *execution, result };
        self.event(envelope, TelemetryEvent::Command(command(CommandResult::Started)), *started, tell);
        let Some(finish) = finish else { return };
        if *name == CommandName::Run {
            let enabled = EnabledComponent {
                name: *self.random.choice(Component::ALL).expect("some"),
                result: if self.random.bool() { EnabledResult::Installed } else { EnabledResult::Configured },
            };
            self.event(envelope, TelemetryEvent::Component(enabled), ended, tell);
            let mode = TelemetryEvent::Mode(command((*finish).into()));
            self.event(envelope, mode, ended, tell);
            let manifest = self.manifest(kind, run, *finish, ended);
            self.event(envelope, TelemetryEvent::Manifest(Box::new(manifest)), ended, tell);
        }
        self.event(envelope, TelemetryEvent::Command(command((*finish).into())), ended, tell);
    }

    /// Tells of an event; now and then at the second attempt.
    fn event(&mut self, envelope: &Envelope, event: TelemetryEvent, at: i64, tell: &mut dyn FnMut(String)) {
        let document = envelope.document(event, EventId::random(), time(at));
        if self.random.u8(..20) > 0 {
            return tell(serde_json::to_string(&document).expect("JSON"));
        }
        let mut document = serde_json::to_value(&document).expect("JSON");
        document["delivery_attempt"] = 2.into();
        document["retry_attempt"] = 1.into();
        document["is_retry"] = true.into();
        document["sent_at"] = Value::String(time(at + self.random.i64(0..2 * DAY)).to_string());
        tell(document.to_string());
    }

    fn manifest(&mut self, kind: &HostKind, run: &PlannedRun, finish: Finish, ended: i64) -> RunManifest {
        let (id, platform) = (run.envelope.run_id.clone(), kind.platform.clone());
        let mut manifest = RunManifest::begin(id, run.execution, kind.mode, platform, time(run.started));
        for component in Component::ALL.iter().take(if kind.mode == Mode::Agent { 1 } else { 6 }) {
            let mut record = ComponentRecord {
                detected_before: DetectedBefore::Missing,
                planned_action: PlannedAction::Install,
                result: ComponentResult::Installed,
            };
            if self.random.u8(..ODD) == 0 {
                record.detected_before = *self.random.choice(DetectedBefore::ALL).expect("some");
                record.planned_action = *self.random.choice(PlannedAction::ALL).expect("some");
                record.result = *self.random.choice(ComponentResult::ALL).expect("some");
            }
            manifest.components.set(*component, record);
        }
        if self.random.u8(..10) == 0 {
            manifest.components.set_issuer(Issuer::LetsencryptProduction);
        }
        manifest.features.telemetry_enabled = Some(true);
        manifest.features.nfs_manage = Some(self.random.u8(..ODD) == 0);
        manifest.features.tls_mode =
            Some(if self.random.u8(..10) == 0 { TlsMode::Letsencrypt } else { TlsMode::SelfSigned });
        let size = 1 << self.random.u32(3..9);
        manifest.features.registry_pvc_size_gib = Some(Bounded::clamped(size + self.random.u32(..size)));
        manifest.current_step = *self.random.choice(Step::ALL).expect("some");
        manifest.finish(finish, u8::from(finish != Finish::Success), time(ended));
        manifest
    }
}

impl HostKind {
    /// The kind of the host with this number. Most are alike, and some are like nobody else.
    fn of(host: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(host);
        let (os_id, os_version) = match random.u8(..20) {
            0 => (OsId::Other, format!("{}.{}", random.u8(1..30), random.u8(1..30))),
            1..4 => (OsId::Ubuntu, "24.04".to_owned()),
            4..6 => (OsId::Debian, "13".to_owned()),
            _ => (OsId::Debian, "12".to_owned()),
        };
        let mode = match random.u8(..20) {
            0 => Mode::Stack,
            1..4 => Mode::Agent,
            4..8 => Mode::SingleNode,
            _ => Mode::Server,
        };
        let platform = Platform {
            support: if os_id == OsId::Other { Support::Unsupported } else { Support::Supported },
            os_family: if os_id == OsId::Other { OsFamily::Other } else { OsFamily::Debian },
            os_id,
            os_version: OsVersion::parse(&os_version).expect("a version"),
            arch: if random.u8(..10) == 0 { Arch::Arm64 } else { Arch::Amd64 },
        };
        let is_delegated = random.u8(..10) == 0;
        Self { mode, platform, is_delegated, upgrades: random.i64(2_920..2_990) }
    }
}

fn time(seconds: i64) -> UtcSeconds {
    UtcSeconds::from(DateTime::from_timestamp(seconds, 0).expect("a time"))
}
