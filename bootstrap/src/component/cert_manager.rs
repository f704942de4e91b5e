//! cert-manager, from the manifest of its release.

use manifest::Undo;
use schema::{Component, Mode};
use serde_json::json;

use super::artifacts::{self, Release};
use super::{ChecksumInput, ComponentPlan, Detection, Pin, PlanContext, Probe, RollbackClass, Spec, image};
use crate::host::ProbeError;
use crate::settings::Settings;
use crate::step::{
    Action, Artifact, ArtifactOrigin, Check, ChecksumSource, Condition, Document, ObjectRef, Step,
};

const NAMESPACE: &str = "cert-manager";
const DEPLOYMENTS: [&str; 3] = ["cert-manager", "cert-manager-cainjector", "cert-manager-webhook"];
const WEBHOOK: &str = "cert-manager-webhook";

pub(super) struct CertManagerSpec;

impl Spec for CertManagerSpec {
    fn id(&self) -> Component {
        Component::CertManager
    }

    fn title(&self) -> &'static str {
        "cert-manager"
    }

    fn makes(&self, _: &Settings) -> Vec<String> {
        vec![format!("namespace {NAMESPACE}")]
    }

    fn modes(&self) -> &'static [Mode] {
        &[Mode::Stack, Mode::SingleNode]
    }

    fn pin(&self) -> Option<Pin> {
        // https://cert-manager.io/docs/releases/: 1.20 supports Kubernetes 1.32 to 1.35.
        Some(Pin::release("v1.20.3", "Release of cert-manager").for_kubernetes(32, 35))
    }

    fn checksums(&self) -> &'static [ChecksumInput] {
        &[ChecksumInput { artifact: "cert_manager", help: "SHA-256 of the cert-manager manifest" }]
    }

    fn namespace(&self) -> Option<&'static str> {
        Some(NAMESPACE)
    }

    /// The objects of its manifest: those of its namespace, its leases in the namespace of the system, and what bears its
    /// name in the cluster.
    fn could_make(&self, undo: &Undo) -> bool {
        let Undo::Object { object_kind, namespace, name, .. } = undo else {
            return artifacts::could_make_images(Component::CertManager, undo);
        };
        match (namespace.as_deref(), object_kind.as_str()) {
            // Its manifest has none; those that are there are of the issuer.
            (Some(NAMESPACE), "Certificate") => false,
            (Some(NAMESPACE), _) => true,
            (Some("kube-system"), "Role" | "RoleBinding") => name.starts_with(NAMESPACE),
            (Some(_), _) => false,
            (None, "CustomResourceDefinition") => name.ends_with(".cert-manager.io"),
            (None, "Namespace") => name == NAMESPACE,
            (None, _) => name.starts_with(NAMESPACE),
        }
    }

    fn rollback_class(&self) -> RollbackClass {
        RollbackClass::Safe
    }

    /// Present when all its deployments are there and the last object of its manifest too: a run that died in the middle
    /// of the manifest must not leave the rest out for good.
    fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError> {
        let deployment = |name: &&str| ObjectRef::namespaced("apps/v1", "Deployment", NAMESPACE, name);
        let webhook = "ValidatingWebhookConfiguration";
        let last = ObjectRef::cluster_wide("admissionregistration.k8s.io/v1", webhook, WEBHOOK);
        probe.objects(&DEPLOYMENTS.iter().map(deployment).chain([last]).collect::<Vec<_>>())
    }

    fn installed_version(&self, probe: &Probe<'_>) -> Result<Option<String>, ProbeError> {
        image::release_of_deployment(probe, NAMESPACE, DEPLOYMENTS[0])
    }

    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
        let (namespace, service) = (NAMESPACE.to_owned(), WEBHOOK.to_owned());
        let deployments = DEPLOYMENTS.map(str::to_owned).to_vec();
        let verify = vec![
            Check::within(420, Condition::Rollout { namespace: namespace.clone(), deployments }),
            Check::within(180, Condition::Endpoints { namespace, service }),
            // The webhook's certificate reaches the API server seconds after all of the above.
            Check::within(180, Condition::Accepted(issuer_to_try())),
        ];
        ComponentPlan::for_state(detection, || steps(context), verify)
    }
}

/// An issuer that is given to the API server to see whether the webhook answers, and never created.
fn issuer_to_try() -> Document {
    Document::new(json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "Issuer",
        "metadata": { "name": "productive-k3s-dry-run", "namespace": NAMESPACE },
        "spec": { "selfSigned": {} },
    }))
}

fn steps(context: &PlanContext<'_>) -> Vec<Step> {
    let manifest = release_manifest(context);
    let staged = artifacts::staged(context, &manifest);
    let version = CertManagerSpec.version(context.settings);
    let mut steps = artifacts::image_steps(context, Component::CertManager, version);
    // The namespace is the first object of the manifest.
    steps.extend([
        artifacts::fetch(context, "cert-manager manifest", manifest),
        Step::new("objects of cert-manager", Action::ApplyFile(staged)),
    ]);
    steps
}

/// The manifest of cert-manager. Its release has no sum file; the release's description states the digest.
fn release_manifest(context: &PlanContext<'_>) -> Artifact {
    let version = artifacts::encoded(CertManagerSpec.version(context.settings));
    let (name, repository) = ("cert-manager.yaml".to_owned(), "cert-manager/cert-manager");
    artifacts::artifact(
        context,
        Release {
            origin: ArtifactOrigin::Url(format!(
                "https://github.com/{repository}/releases/download/{version}/{name}"
            )),
            checksum: ChecksumSource::GithubRelease {
                url: format!("https://api.github.com/repos/{repository}/releases/tags/{version}"),
                asset: name.clone(),
            },
            sums: None,
            pin: "cert_manager",
            name,
        },
    )
}
