//! Documents with every optional part, for tests and benches.

use schema::{
    Arch, ArtifactsSource, Bounded, Command, CommandName, CommandResult, Component, ComponentLabel,
    ComponentRecord, ComponentResult, DetectedBefore, EnabledComponent, EnabledResult, Envelope, EventId,
    Execution, Features, Finish, Id, InstallationEngine, Issuer, LetsencryptEnvironment, Mode, OsFamily,
    OsId, OsVersion, PlannedAction, Platform, RunManifest, Support, TelemetryDocument, TelemetryEvent,
    TlsMode, UtcSeconds,
};

const RUN_ID: &str = "6f1c1f3e-3b8e-4d53-9a55-0b6f3a2c7d10";

/// The time of every fixture.
pub(crate) fn time() -> UtcSeconds {
    UtcSeconds::parse("2026-11-22T07:50:02Z").expect("a time of the contract")
}

/// An id that a test knows to be one.
pub(crate) fn id(text: &str) -> Id {
    Id::parse(text).expect("an id of the contract")
}

/// A manifest with every feature and every component.
pub(crate) fn full_manifest() -> RunManifest {
    let platform = Platform {
        support: Support::Supported,
        os_family: OsFamily::Debian,
        os_id: OsId::Ubuntu,
        os_version: OsVersion::or_other("24.04"),
        arch: Arch::Amd64,
    };
    let mut manifest = RunManifest::begin(id(RUN_ID), Execution::Apply, Mode::SingleNode, platform, time());
    manifest.features = Features {
        installation_engine: Some(InstallationEngine::Native),
        agent_server_url_provided: Some(true),
        agent_cluster_token_provided: Some(true),
        longhorn_single_node_mode: Some(true),
        longhorn_replica_count: Some(Bounded::clamped(3)),
        longhorn_minimal_available_percentage: Some(Bounded::clamped(25)),
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
    };
    for component in Component::ALL {
        let record = ComponentRecord {
            detected_before: DetectedBefore::Missing,
            planned_action: PlannedAction::Install,
            result: ComponentResult::Installed,
        };
        manifest.components.set(*component, record);
    }
    manifest.components.set_issuer(Issuer::LetsencryptStaging);
    manifest.finish(Finish::Success, 0, time());
    manifest
}

/// One telemetry document of each kind, the delivery of [`full_manifest`] last.
pub(crate) fn telemetry() -> Vec<TelemetryDocument> {
    let envelope = Envelope {
        session_id: id("9f86d081884c7d65"),
        run_id: id(RUN_ID),
        parent_run_id: Some(id("4bf92f3577b34da6a3ce929d0e0e4736")),
        component: ComponentLabel::Core,
    };
    let command = Command {
        name: CommandName::Run,
        mode: Mode::Server,
        execution: Execution::DryRun,
        result: CommandResult::Started,
    };
    let component = EnabledComponent { name: Component::LocalHosts, result: EnabledResult::Configured };
    let manifest = TelemetryEvent::Manifest(Box::new(full_manifest()));
    [
        TelemetryEvent::Command(command),
        TelemetryEvent::Mode(command),
        TelemetryEvent::Component(component),
        manifest,
    ]
    .map(|event| envelope.document(event, EventId::random(), time()))
    .into()
}
