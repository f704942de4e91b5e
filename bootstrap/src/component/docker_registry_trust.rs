//! Docker's trust in the registry's certificate.

use std::path::{Path, PathBuf};

use manifest::Undo;
use schema::{Component, Mode};

use super::{
    Cluster, ComponentPlan, Detection, Gap, PlanContext, Probe, RollbackClass, Spec, is_on_the_way, registry,
};
use crate::host::ProbeError;
use crate::settings::Settings;
use crate::step::{Action, Check, Condition, Content, Step, certificate};

/// Where Docker looks for certificates, in a directory for each host.
const CERTIFICATES: &str = "/etc/docker/certs.d";
const CERTIFICATE: &str = "ca.crt";

pub(super) struct DockerRegistryTrustSpec;

impl Spec for DockerRegistryTrustSpec {
    fn id(&self) -> Component {
        Component::DockerRegistryTrust
    }

    fn title(&self) -> &'static str {
        "Docker's trust of the registry"
    }

    fn makes(&self, settings: &Settings) -> Vec<String> {
        vec![target(settings).display().to_string()]
    }

    fn modes(&self) -> &'static [Mode] {
        &[Mode::SingleNode]
    }

    /// The certificate of one host, and the directories that it lies in.
    fn could_make(&self, undo: &Undo) -> bool {
        let host_of = |path: &Path| {
            let host = path.strip_prefix(CERTIFICATES).ok()?.to_str()?;
            (!host.is_empty() && !host.contains('/') && host != "..").then_some(())
        };
        match undo {
            Undo::File { path, previous, .. } => {
                let folder = path.parent().filter(|_| path.ends_with(CERTIFICATE));
                previous.has_plain_mode() && folder.and_then(host_of).is_some()
            }
            Undo::Directory { path } => {
                is_on_the_way(path, "/etc/docker", CERTIFICATES) || host_of(path).is_some()
            }
            _ => false,
        }
    }

    fn rollback_class(&self) -> RollbackClass {
        RollbackClass::Safe
    }

    fn wanted(&self, settings: &Settings) -> bool {
        settings.trust_registry_in_docker
    }

    /// Present when the file holds the certificate of the secret. Without a cluster a file cannot be compared, and is to be
    /// written anew once there is one. A host without Docker has nothing that could trust the registry, and a registry that is
    /// neither there nor installed by the run has nothing that could be trusted.
    fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError> {
        let is_left_out = probe.settings.skipped.contains(&Component::Registry);
        if probe.host.program("docker").is_none()
            || is_left_out && probe.object(&registry::certificate_secret())?.is_none()
        {
            return Ok(Detection::NotNeeded);
        }
        let Some(installed) = probe.host.read_text(&target(probe.settings))? else {
            return Ok(Detection::Missing);
        };
        match probe.cluster() {
            Cluster::None => Ok(Detection::Incomplete(Gap::NoCluster)),
            Cluster::Unknown(error) => Err(error.clone()),
            Cluster::Here if certificate(probe.host, &registry::certificate_secret())? == installed => {
                Ok(Detection::Present)
            }
            Cluster::Here => Ok(Detection::Incomplete(Gap::OtherCertificate)),
        }
    }

    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
        let (path, secret) = (target(context.settings), registry::certificate_secret());
        let in_place = Condition::CertificateInstalled { path: path.clone(), secret: secret.clone() };
        let steps = || {
            let above = path.parent().unwrap_or(&path).to_owned();
            let written = Content::Certificate(secret.clone());
            vec![
                Step::new(
                    "certificate of the registry",
                    Action::Wait(Check::within(180, Condition::CertificateIn(secret.clone()))),
                ),
                Step::new("directory of the certificate", Action::EnsureDir { path: above, mode: 0o755 }),
                Step::new(
                    "Docker's trust in the registry",
                    Action::Write { path: path.clone(), mode: 0o644, content: written },
                ),
            ]
        };
        ComponentPlan::ensuring(detection, steps, vec![Check::within(30, in_place)])
    }
}

fn target(settings: &Settings) -> PathBuf {
    PathBuf::from(CERTIFICATES).join(&settings.registry.host).join(CERTIFICATE)
}
