//! The Rancher management interface.

use serde_json::json;

use super::chart::Chart;
use super::{ComponentPlan, Detection, PlanContext, Probe, artifacts};
use crate::settings::Tls;
use crate::step::{Check, Condition, Document, ObjectRef, SecretKeyRef, SecretSource, Step};

pub(super) const CHART: Chart = Chart {
    name: "rancher",
    namespace: "cattle-system",
    repository: "https://releases.rancher.com/server-charts/stable",
    deployment: "rancher",
};

pub(super) fn detect(probe: &Probe<'_>) -> Detection {
    CHART.detect(probe)
}

pub(super) fn plan(detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
    let namespace = CHART.namespace.to_owned();
    let deployments = vec![CHART.deployment.to_owned()];
    let verify = vec![Check::within(600, Condition::Rollout { namespace, deployments })];
    ComponentPlan::for_state(detection, || steps(context), verify)
}

fn steps(context: &PlanContext<'_>) -> Vec<Step> {
    let (version, pinned) = (&context.settings.versions.rancher, context.settings.checksums.rancher.as_ref());
    let chart = artifacts::chart(context, CHART.repository, CHART.name, version, pinned);
    CHART.steps(context, chart, values(context)).to_vec()
}

fn values(context: &PlanContext<'_>) -> Document {
    let rancher = &context.settings.rancher;
    let mut values = json!({ "hostname": rancher.host, "replicas": 1 });
    match &context.settings.tls {
        // Rancher's own authority signs, by way of cert-manager.
        Tls::SelfSigned => {
            values["ingress"] = json!({ "ingressClassName": "traefik", "tls": { "source": "rancher" } });
        }
        Tls::Letsencrypt { email, environment } => {
            values["ingress"] = json!({ "ingressClassName": "traefik", "tls": { "source": "letsEncrypt" } });
            values["letsEncrypt"] = json!({
                "email": email,
                "environment": environment.as_str(),
                "ingress": { "class": "traefik" },
            });
        }
    }
    let secret = ObjectRef::namespaced("v1", "Secret", CHART.namespace, "bootstrap-secret");
    let stored_in = Some(SecretKeyRef { secret, key: "bootstrapPassword".to_owned() });
    let source = SecretSource::Password { password: rancher.password.clone(), stored_in };
    Document::new(values).secret("/bootstrapPassword", source)
}
