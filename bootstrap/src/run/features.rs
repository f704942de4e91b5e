//! Settings of a run in its two records: what the public manifest may say, and what only the private context may.
//!
//! The public part has numbers, switches and words of the contract, and for everything that a person has chosen only whether
//! it was given. Host names, paths and networks go into the private context, where a rollback on this machine finds them.

use std::path::Path;

use manifest::{LocalFacts, LonghornFacts, NfsFacts, RegistryFacts, TlsFacts};
use schema::{
    ArtifactsSource, Component, Features, InstallationEngine, LetsencryptEnvironment, Mode, TlsMode,
};

use crate::component::{Spec, selected};
use crate::input::Inputs;
use crate::settings::{Artifacts, Longhorn, Nfs, Registry, Settings, Tls};

/// The features of a run; what does not apply to the components of its mode is absent.
pub fn features(settings: &Settings, telemetry_enabled: bool) -> Features {
    let mut features = Features { telemetry_enabled: Some(telemetry_enabled), ..Features::default() };
    let has = |component| selected(settings).any(|spec| spec.id() == component);
    // The components whose files this program fetches itself.
    let downloads = [Component::K3s, Component::Helm, Component::CertManager];
    if downloads.into_iter().any(has) {
        features.artifacts_source = Some(match settings.artifacts {
            Artifacts::Download => ArtifactsSource::Download,
            Artifacts::Local(_) => ArtifactsSource::Local,
        });
    }
    // One engine today. The contract has the field so that documents stay comparable when there is another.
    if has(Component::K3s) {
        features.installation_engine = Some(InstallationEngine::Native);
    }
    // `telemetry preview` may lack both. Whether they were given is sent, what they are never.
    if settings.mode == Mode::Agent {
        let agent = settings.agent.as_ref();
        features.agent_server_url_provided = Some(agent.is_some_and(|agent| !agent.server_url.is_empty()));
        features.agent_cluster_token_provided =
            Some(agent.is_some_and(|agent| !agent.token.expose().is_empty()));
    }
    if has(Component::Clusterissuer) {
        features.tls_mode = Some(tls_mode(&settings.tls));
        features.letsencrypt_environment = letsencrypt_environment(&settings.tls);
    }
    component_features(&mut features, settings);
    features
}

/// What belongs to one component each, or to the one mode that has them.
fn component_features(features: &mut Features, settings: &Settings) {
    let has = |component| selected(settings).any(|spec| spec.id() == component);
    if has(Component::Longhorn) {
        features.longhorn_single_node_mode = Some(settings.mode == Mode::SingleNode);
        features.longhorn_replica_count = Some(settings.longhorn.replica_count);
        features.longhorn_minimal_available_percentage = Some(settings.longhorn.minimal_available_percentage);
    }
    if has(Component::Registry) {
        features.registry_pvc_size_gib = Some(settings.registry.pvc_size_gib);
        features.registry_storage_class_configured = Some(settings.registry.storage_class.is_some());
        features.registry_auth_enabled = Some(settings.registry.auth.is_some());
    }
    // Only this mode asks for them, so an absent field and a `false` say different things.
    if settings.mode == Mode::SingleNode {
        features.nfs_manage = Some(has(Component::Nfs) && settings.nfs.is_some());
        features.manage_local_hosts = Some(has(Component::LocalHosts) && settings.manage_hosts_file);
        features.trust_registry_in_docker =
            Some(has(Component::DockerRegistryTrust) && settings.trust_registry_in_docker);
    }
}

const fn tls_mode(tls: &Tls) -> TlsMode {
    match tls {
        Tls::SelfSigned => TlsMode::SelfSigned,
        Tls::Letsencrypt { .. } => TlsMode::Letsencrypt,
    }
}

const fn letsencrypt_environment(tls: &Tls) -> Option<LetsencryptEnvironment> {
    match tls {
        Tls::SelfSigned => None,
        Tls::Letsencrypt { environment, .. } => Some(*environment),
    }
}

/// Private settings for the private context: what later commands on this machine may need, and what later documents of the
/// run must not say. What was skipped or declined left nothing on the host, so the record must not name a place for it.
pub fn local_facts(inputs: &Inputs, settings: &Settings) -> LocalFacts {
    let wanted = || selected(settings).filter(|spec| spec.wanted(settings));
    let has = |component| wanted().any(|spec| spec.id() == component);
    // The versions of the run and not those of this program: the program may be newer when it rolls back.
    let pinned = selected(settings).filter(|spec| spec.pin().is_some());
    let versions = pinned.map(|spec| (spec.id(), spec.version(settings).to_owned()));
    let docker = Path::new("/etc/docker/certs.d");
    LocalFacts {
        private_inputs: inputs.private_values().map(str::to_owned).collect(),
        components: wanted().map(Spec::id).collect(),
        tls: has(Component::Clusterissuer).then(|| tls_facts(&settings.tls)),
        rancher_host: has(Component::Rancher).then(|| settings.rancher.host.clone()),
        registry: has(Component::Registry).then(|| registry_facts(&settings.registry)),
        docker_trust_path: has(Component::DockerRegistryTrust).then(|| docker.join(&settings.registry.host)),
        longhorn: has(Component::Longhorn).then(|| longhorn_facts(&settings.longhorn)),
        nfs: settings.nfs.as_ref().filter(|_| has(Component::Nfs)).map(nfs_facts),
        versions: versions.collect(),
    }
}

fn tls_facts(tls: &Tls) -> TlsFacts {
    let email = match tls {
        Tls::SelfSigned => None,
        Tls::Letsencrypt { email, .. } => Some(email.clone()),
    };
    TlsFacts { issuer: tls.issuer(), email }
}

fn registry_facts(registry: &Registry) -> RegistryFacts {
    let Registry { host, pvc_size_gib, storage_class, auth } = registry;
    let user = auth.as_ref().map(|auth| auth.user.clone());
    let (host, storage_class) = (host.clone(), storage_class.clone());
    RegistryFacts { host, pvc_size_gib: *pvc_size_gib, storage_class, user }
}

fn longhorn_facts(longhorn: &Longhorn) -> LonghornFacts {
    let Longhorn { data_path, replica_count, minimal_available_percentage, make_default, .. } = longhorn;
    LonghornFacts {
        data_path: data_path.clone(),
        replica_count: *replica_count,
        minimal_available_percentage: *minimal_available_percentage,
        make_default: *make_default,
    }
}

fn nfs_facts(nfs: &Nfs) -> NfsFacts {
    NfsFacts { export_path: nfs.export_path.clone(), allowed_network: nfs.allowed_network.clone() }
}
