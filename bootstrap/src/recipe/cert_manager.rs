//! cert-manager, from the manifest of its release.

use super::{ComponentPlan, Detection, PlanContext, Probe, artifacts};
use crate::step::{Action, Check, Condition, ObjectRef, Step};

pub(super) const NAMESPACE: &str = "cert-manager";
const DEPLOYMENTS: [&str; 3] = ["cert-manager", "cert-manager-cainjector", "cert-manager-webhook"];
const WEBHOOK: &str = "cert-manager-webhook";

/// Present when all its deployments are there and the last object of its manifest too: a run that died in the middle of
/// the manifest must not leave the rest out for good.
pub(super) fn detect(probe: &Probe<'_>) -> Detection {
    let deployment = |name: &&str| ObjectRef::namespaced("apps/v1", "Deployment", NAMESPACE, name);
    let webhook = "ValidatingWebhookConfiguration";
    let last = ObjectRef::cluster_wide("admissionregistration.k8s.io/v1", webhook, WEBHOOK);
    probe.objects(&DEPLOYMENTS.iter().map(deployment).chain([last]).collect::<Vec<_>>())
}

pub(super) fn plan(detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
    let deployments = DEPLOYMENTS.map(str::to_owned).to_vec();
    let verify = vec![
        Check::within(420, Condition::Rollout { namespace: NAMESPACE.to_owned(), deployments }),
        Check::within(
            180,
            Condition::Endpoints { namespace: NAMESPACE.to_owned(), service: WEBHOOK.to_owned() },
        ),
    ];
    ComponentPlan::for_state(detection, || steps(context), verify)
}

fn steps(context: &PlanContext<'_>) -> Vec<Step> {
    let manifest = artifacts::cert_manager(context);
    let staged = artifacts::staged(context, &manifest);
    // The namespace is the first object of the manifest.
    vec![
        artifacts::fetch(context, "cert-manager manifest", manifest),
        Step::new("objects of cert-manager", Action::ApplyFile(staged)),
    ]
}
