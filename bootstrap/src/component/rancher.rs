//! The Rancher management interface.

use manifest::Undo;
use schema::{Component, Mode};
use serde_json::json;

use super::chart::Chart;
use super::{
    ChecksumInput, ComponentPlan, Detection, HttpsEndpoint, Pin, PlanContext, Probe, RollbackClass, Spec,
    artifacts,
};
use crate::host::ProbeError;
use crate::settings::{Settings, Tls};
use crate::step::{Check, Condition, Document, ObjectRef, SecretKeyRef, SecretSource, Step};

const CHART: Chart = Chart {
    name: "rancher",
    namespace: "cattle-system",
    repository: "https://releases.rancher.com/server-charts/stable",
    deployment: "rancher",
};

pub(super) struct RancherSpec;

impl Spec for RancherSpec {
    fn id(&self) -> Component {
        Component::Rancher
    }

    fn title(&self) -> &'static str {
        "Rancher"
    }

    fn modes(&self) -> &'static [Mode] {
        &[Mode::Stack, Mode::SingleNode]
    }

    fn pin(&self) -> Option<Pin> {
        Some(Pin::release("v2.14.2", "Version of the Rancher chart"))
    }

    fn checksums(&self) -> &'static [ChecksumInput] {
        &[ChecksumInput { artifact: "rancher", help: "sha256 of the Rancher chart" }]
    }

    fn namespace(&self) -> Option<&'static str> {
        Some(CHART.namespace)
    }

    fn host_name<'a>(&self, settings: &'a Settings) -> Option<&'a str> {
        Some(&settings.rancher.host)
    }

    fn could_make(&self, undo: &Undo) -> bool {
        matches!(undo, Undo::HelmRelease { release, namespace, .. } if CHART.is_of(release, namespace))
    }

    /// The path that load balancers ask; the secret is named by the chart, whoever signs.
    fn endpoint<'a>(&self, settings: &'a Settings) -> Option<HttpsEndpoint<'a>> {
        let certificate = ObjectRef::namespaced("v1", "Secret", CHART.namespace, "tls-rancher-ingress");
        Some(HttpsEndpoint { host: &settings.rancher.host, path: "/ping", answers: &[200], certificate })
    }

    fn rollback_class(&self) -> RollbackClass {
        RollbackClass::Moderate
    }

    fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError> {
        CHART.detect(probe)
    }

    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
        let namespace = CHART.namespace.to_owned();
        let deployments = vec![CHART.deployment.to_owned()];
        let verify = vec![Check::within(600, Condition::Rollout { namespace, deployments })];
        ComponentPlan::for_state(detection, || steps(context), verify)
    }
}

fn steps(context: &PlanContext<'_>) -> Vec<Step> {
    let version = RancherSpec.version(context.settings);
    let chart = artifacts::chart(context, CHART.repository, CHART.name, version, "rancher");
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
