//! Generators of everything that the types of the contract can produce.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use schema::{
    Arch, ArtifactsSource, Bounded, Command, CommandName, CommandResult, Component, ComponentLabel,
    ComponentRecord, ComponentResult, Components, DetectedBefore, EnabledComponent, EnabledResult, Envelope,
    EventId, Execution, Failure, FailureReason, Features, Finish, Id, InstallationEngine, Issuer,
    LetsencryptEnvironment, Mode, OsFamily, OsId, OsVersion, PlannedAction, Platform, RunManifest, Step,
    Support, TelemetryDocument, TelemetryEvent, TlsMode, UtcSeconds,
};
use uuid::{Builder, Uuid, Variant, Version};

/// Ids of every form: UUIDs of both versions, and 16 and 32 hexadecimal digits.
pub(crate) fn id() -> impl Strategy<Value = Id> {
    let uuid = any::<([u8; 16], bool)>().prop_map(|(bytes, random)| {
        let version = if random { Version::Random } else { Version::SortRand };
        let uuid =
            Builder::from_bytes(bytes).with_variant(Variant::RFC4122).with_version(version).into_uuid();
        uuid.hyphenated().to_string()
    });
    let digits = prop_oneof![
        any::<u64>().prop_map(|number| format!("{number:016x}")),
        any::<u128>().prop_map(|number| format!("{number:032x}")),
    ];
    prop_oneof![uuid, digits].prop_map(|text| Id::parse(&text).expect("an id of the contract"))
}

fn time() -> impl Strategy<Value = UtcSeconds> {
    (0..253_402_300_799_i64).prop_map(|seconds| {
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        let (year, rest) = (1970 + days / 366, days % 366);
        let (month, day) = (1 + rest % 12, 1 + rest % 28);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
        UtcSeconds::parse(&text).expect("a time of the contract")
    })
}

fn platform() -> impl Strategy<Value = Platform> {
    let version = "([0-9]{1,2}|20[0-9]{2})(\\.[0-9]{1,2}){0,2}|other|[a-z]{1,5}|[0-9.]{1,9}";
    (select(Support::ALL), select(OsFamily::ALL), select(OsId::ALL), version, select(Arch::ALL)).prop_map(
        |(support, os_family, os_id, version, arch)| Platform {
            support,
            os_family,
            os_id,
            os_version: OsVersion::or_other(&version),
            arch,
        },
    )
}

prop_compose! {
    fn features()(
        flags in proptest::array::uniform9(any::<Option<bool>>()),
        installation_engine in option::of(select(InstallationEngine::ALL)),
        tls_mode in option::of(select(TlsMode::ALL)),
        letsencrypt_environment in option::of(select(LetsencryptEnvironment::ALL)),
        artifacts_source in option::of(select(ArtifactsSource::ALL)),
        numbers in proptest::array::uniform3(any::<Option<u32>>()),
    ) -> Features {
        Features {
            installation_engine,
            agent_server_url_provided: flags[0],
            agent_cluster_token_provided: flags[1],
            longhorn_single_node_mode: flags[2],
            registry_storage_class_configured: flags[3],
            registry_auth_enabled: flags[4],
            nfs_manage: flags[5],
            manage_local_hosts: flags[6],
            trust_registry_in_docker: flags[7],
            telemetry_enabled: flags[8],
            longhorn_replica_count: numbers[0].map(Bounded::clamped),
            longhorn_minimal_available_percentage: numbers[1].map(Bounded::clamped),
            registry_pvc_size_gib: numbers[2].map(Bounded::clamped),
            tls_mode,
            letsencrypt_environment,
            artifacts_source,
        }
    }
}

fn components() -> impl Strategy<Value = Components> {
    let states = (select(DetectedBefore::ALL), select(PlannedAction::ALL), select(ComponentResult::ALL))
        .prop_map(|(detected_before, planned_action, result)| ComponentRecord {
            detected_before,
            planned_action,
            result,
        });
    (proptest::collection::vec((select(Component::ALL), states), 0..12), select(Issuer::ALL)).prop_map(
        |(records, issuer)| {
            let mut components = Components::default();
            for (component, record) in records {
                components.set(component, record);
            }
            components.set_issuer(issuer);
            components
        },
    )
}

fn finish() -> impl Strategy<Value = Finish> {
    let failure = (select(Step::ALL), select(FailureReason::ALL))
        .prop_map(|(step, reason)| Finish::Failed(Failure { step, reason }));
    prop_oneof![Just(Finish::Success), Just(Finish::Cancelled), Just(Finish::Interrupted), failure]
}

/// Any run manifest.
pub(crate) fn manifest() -> impl Strategy<Value = RunManifest> {
    let start = (id(), select(Execution::ALL), select(Mode::ALL), platform(), time());
    let ending = option::of((finish(), any::<u8>(), time()));
    (start, select(Step::ALL), features(), components(), ending).prop_map(
        |((run_id, execution, mode, platform, at), step, features, components, ending)| {
            let begun = RunManifest::begin(run_id, execution, mode, platform, at);
            let mut manifest = RunManifest { current_step: step, features, components, ..begun };
            if let Some((finish, exit_code, at)) = ending {
                manifest.finish(finish, exit_code, at);
            }
            manifest
        },
    )
}

fn event() -> impl Strategy<Value = TelemetryEvent> {
    let command =
        (select(CommandName::ALL), select(Mode::ALL), select(Execution::ALL), select(CommandResult::ALL))
            .prop_map(|(name, mode, execution, result)| Command { name, mode, execution, result });
    let component = (select(Component::ALL), select(EnabledResult::ALL))
        .prop_map(|(name, result)| EnabledComponent { name, result });
    prop_oneof![
        command.clone().prop_map(TelemetryEvent::Command),
        command.prop_map(TelemetryEvent::Mode),
        component.prop_map(TelemetryEvent::Component),
        manifest().prop_map(|manifest| TelemetryEvent::Manifest(Box::new(manifest))),
    ]
}

/// Any telemetry document.
pub(crate) fn telemetry() -> impl Strategy<Value = TelemetryDocument> {
    let envelope = (id(), id(), option::of(id()), select(ComponentLabel::ALL)).prop_map(
        |(session_id, run_id, parent_run_id, component)| Envelope {
            session_id,
            run_id,
            parent_run_id,
            component,
        },
    );
    let event_id = any::<[u8; 16]>().prop_map(|bytes| {
        let uuid: Uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
        EventId::try_from(uuid).expect("a random UUID")
    });
    (envelope, event(), event_id, time())
        .prop_map(|(envelope, event, id, at)| envelope.document(event, id, at))
}
