//! The documents that vectors are made from: written by the types, with a fixed version of the program, so that a
//! release of the program does not touch the vectors.

use serde::Serialize;
use serde_json::{Value, json};

use schema::{
    Arch, ArtifactsSource, Bounded, Command, CommandName, CommandResult, Component, ComponentLabel,
    ComponentRecord, ComponentResult, DetectedBefore, EnabledComponent, EnabledResult, Envelope, EventId,
    Execution, Features, Finish, Id, InstallationEngine, Issuer, LetsencryptEnvironment, Mode, OsFamily,
    OsId, OsVersion, PlannedAction, Platform, RunManifest, Support, TelemetryDocument, TelemetryEvent,
    TlsMode, UtcSeconds,
};

/// Version of the program in every vector.
const TOOL_VERSION: &str = "1.2.3";

/// Id of the run in every vector that is not about ids.
const RUN_ID: &str = "6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10";

pub(super) fn time(text: &str) -> UtcSeconds {
    UtcSeconds::parse(text).expect("vectors state times of the contract")
}

pub(super) fn id(text: &str) -> Id {
    Id::parse(text).expect("vectors state ids of the contract")
}

/// The document as JSON, with [`TOOL_VERSION`] wherever it states the version of the program.
pub(super) fn json_of(document: &impl Serialize) -> Value {
    let mut document = serde_json::to_value(document).expect("documents of the contract are JSON");
    for pointer in ["/tool/version", "/client/version", "/manifest/tool/version"] {
        if let Some(version) = document.pointer_mut(pointer) {
            *version = json!(TOOL_VERSION);
        }
    }
    document
}

pub(super) fn platform() -> Platform {
    Platform {
        support: Support::Supported,
        os_family: OsFamily::Debian,
        os_id: OsId::Ubuntu,
        os_version: OsVersion::or_other("24.04"),
        arch: Arch::Amd64,
    }
}

/// A run of `mode` that has just begun.
pub(super) fn running(mode: Mode, execution: Execution) -> RunManifest {
    RunManifest::begin(id(RUN_ID), execution, mode, platform(), time("2026-11-22T07:50:02Z"))
}

/// The results of the components of a mode.
const fn components_of(mode: Mode) -> &'static [Component] {
    match mode {
        Mode::SingleNode => Component::ALL,
        Mode::Server => &[Component::K3s, Component::Helm],
        Mode::Agent => &[Component::K3s],
        Mode::Stack => &[
            Component::CertManager,
            Component::Clusterissuer,
            Component::Longhorn,
            Component::Rancher,
            Component::Registry,
        ],
    }
}

/// A run of `mode` with this ending.
pub(super) fn ended(mode: Mode, execution: Execution, finish: Finish, exit_code: u8) -> RunManifest {
    let mut manifest = running(mode, execution);
    let result = match execution {
        Execution::Apply => ComponentResult::Installed,
        Execution::DryRun => ComponentResult::DryRun,
    };
    // What a mode works on is known to the program alone; here it only has to be plausible.
    for component in components_of(mode) {
        let record = ComponentRecord {
            detected_before: DetectedBefore::Missing,
            planned_action: PlannedAction::Install,
            result,
        };
        manifest.components.set(*component, record);
    }
    manifest.finish(finish, exit_code, time("2026-11-22T07:58:41Z"));
    manifest
}

/// Every feature.
fn features() -> Features {
    Features {
        installation_engine: Some(InstallationEngine::Native),
        agent_server_url_provided: Some(false),
        agent_cluster_token_provided: Some(false),
        longhorn_single_node_mode: Some(true),
        longhorn_replica_count: Some(Bounded::clamped(1)),
        longhorn_minimal_available_percentage: Some(Bounded::clamped(10)),
        registry_pvc_size_gib: Some(Bounded::clamped(20)),
        registry_storage_class_configured: Some(true),
        registry_auth_enabled: Some(true),
        nfs_manage: Some(true),
        manage_local_hosts: Some(true),
        trust_registry_in_docker: Some(true),
        tls_mode: Some(TlsMode::Letsencrypt),
        letsencrypt_environment: Some(LetsencryptEnvironment::Staging),
        artifacts_source: Some(ArtifactsSource::Download),
        telemetry_enabled: Some(true),
    }
}

/// A manifest with every optional property but `failure`.
pub(super) fn maximal() -> RunManifest {
    let mut manifest = ended(Mode::SingleNode, Execution::Apply, Finish::Success, 0);
    // Through the types, so that a new feature is in the examples before anything else compiles.
    manifest.features = features();
    manifest.components.set_issuer(Issuer::LetsencryptStaging);
    manifest
}

/// [`maximal`] as JSON.
pub(in crate::contract) fn manifest() -> Value {
    json_of(&maximal())
}

pub(super) fn envelope() -> Envelope {
    Envelope {
        session_id: id("9f86d081884c7d65"),
        run_id: id(RUN_ID),
        parent_run_id: Some(id("4bf92f3577b34da6a3ce929d0e0e4736")),
        component: ComponentLabel::Core,
    }
}

/// The document of `event` at the first attempt.
pub(in crate::contract) fn telemetry(event: TelemetryEvent) -> TelemetryDocument {
    let event_id =
        EventId::parse("0d5a1c7e-6a53-4a9e-8c0f-51b7a2f4d3c8").expect("vectors state random UUIDs");
    envelope().document(event, event_id, time("2026-11-22T07:58:41Z"))
}

pub(in crate::contract) const fn command(mode: Mode, result: CommandResult) -> Command {
    Command { name: CommandName::Run, mode, execution: Execution::Apply, result }
}

pub(in crate::contract) fn command_event() -> Value {
    json_of(&telemetry(TelemetryEvent::Command(command(Mode::Server, CommandResult::Started))))
}

pub(in crate::contract) fn mode_event() -> Value {
    json_of(&telemetry(TelemetryEvent::Mode(command(Mode::Server, CommandResult::Success))))
}

pub(in crate::contract) fn component_event() -> Value {
    let component = EnabledComponent { name: Component::K3s, result: EnabledResult::Installed };
    json_of(&telemetry(TelemetryEvent::Component(component)))
}

pub(in crate::contract) fn delivery() -> Value {
    json_of(&telemetry(TelemetryEvent::Manifest(Box::new(maximal()))))
}
