//! The issuer of certificates for the names that the cluster serves.

use manifest::{StepRecord, Undo};
use schema::{Component, Issuer, LetsencryptEnvironment, Mode};
use serde_json::{Value, json};

use super::{ComponentPlan, Dependent, Detection, PlanContext, Probe, RollbackClass, Spec};
use crate::host::{Host, ProbeError};
use crate::settings::Tls;
use crate::step::{Action, Check, Condition, Document, Kube, ObjectRef, Step, text};

const API: &str = "cert-manager.io/v1";
const KIND: &str = "ClusterIssuer";

pub(super) struct ClusterIssuerSpec;

impl Spec for ClusterIssuerSpec {
    fn id(&self) -> Component {
        Component::Clusterissuer
    }

    fn title(&self) -> &'static str {
        "The issuer of certificates"
    }

    fn modes(&self) -> &'static [Mode] {
        &[Mode::Stack, Mode::SingleNode]
    }

    fn could_make(&self, undo: &Undo) -> bool {
        let issuers = [Issuer::Selfsigned, Issuer::LetsencryptStaging, Issuer::LetsencryptProduction];
        issuers.iter().any(|issuer| ObjectRef::cluster_wide(API, KIND, issuer.as_str()).is_made_by(undo))
    }

    fn rollback_class(&self) -> RollbackClass {
        RollbackClass::Safe
    }

    /// The certificates that are renewed by the issuer.
    fn dependents(&self, record: &StepRecord, host: &Host) -> Result<Vec<Dependent>, ProbeError> {
        let Undo::Object { object_kind, name, .. } = &record.undo else { return Ok(Vec::new()) };
        if object_kind != KIND {
            return Ok(Vec::new());
        }
        let all = Kube(host).items("/apis/cert-manager.io/v1/certificates")?;
        let by_it = |certificate: &&Value| {
            text(certificate, "/spec/issuerRef/kind") == Some(KIND)
                && text(certificate, "/spec/issuerRef/name") == Some(name)
        };
        Ok(all.iter().filter(by_it).map(Dependent::of_object).collect())
    }

    fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError> {
        probe.objects(&[reference(&probe.settings.tls)])
    }

    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
        let tls = &context.settings.tls;
        let verify = vec![Check::within(180, Condition::Ready(reference(tls)))];
        let issuer = || vec![Step::new("cluster issuer", Action::Apply(Document::new(object(tls))))];
        ComponentPlan::ensuring(detection, issuer, verify)
    }
}

fn reference(tls: &Tls) -> ObjectRef {
    ObjectRef::cluster_wide(API, KIND, tls.issuer().as_str())
}

fn object(tls: &Tls) -> Value {
    let name = tls.issuer().as_str();
    let spec = match tls {
        Tls::SelfSigned => json!({ "selfSigned": {} }),
        Tls::Letsencrypt { email, environment } => json!({ "acme": {
            "server": directory(*environment),
            "email": email,
            "privateKeySecretRef": { "name": format!("{name}-account-key") },
            "solvers": [{ "http01": { "ingress": { "ingressClassName": "traefik" } } }],
        } }),
    };
    json!({ "apiVersion": API, "kind": KIND, "metadata": { "name": name }, "spec": spec })
}

/// The ACME directories of Let's Encrypt, from its documentation.
fn directory(environment: LetsencryptEnvironment) -> &'static str {
    match environment {
        LetsencryptEnvironment::Staging => "https://acme-staging-v02.api.letsencrypt.org/directory",
        LetsencryptEnvironment::Production => "https://acme-v02.api.letsencrypt.org/directory",
    }
}
