//! The issuer of certificates for the names that the cluster serves.
//!
//! Certificates of the cluster's own come from an authority that lasts: an issuer that signs each certificate by itself
//! makes every one of them its own authority, and whoever trusted one would trust nobody after its renewal.

use manifest::{StepRecord, Undo};
use schema::{Component, Issuer, LetsencryptEnvironment, Mode};
use serde_json::{Value, json};

use super::issued::{API, Issued};
use super::{ComponentPlan, Dependent, Detection, Finding, PlanContext, Probe, RollbackClass, Spec};
use crate::host::{Host, ProbeError};
use crate::settings::{Settings, Tls};
use crate::step::{Action, Check, Condition, Document, Kube, ObjectRef, Step, UndoAction, text};

const KIND: &str = "ClusterIssuer";
/// The issuer of the root alone.
const ROOT_ISSUER: &str = "selfsigned-root";
/// The root's certificate, and the secret that holds it.
const ROOT: &str = "productive-k3s-root-ca";
/// Where cert-manager looks for the secrets of cluster issuers.
const NAMESPACE: &str = "cert-manager";
/// Ten years: who trusts the root should not have to do so again while the cluster lives.
const ROOT_DURATION: &str = "87600h";
/// By itself cert-manager renews after two thirds of the time.
const ROOT_RENEWAL: &str = "720h";

pub(super) struct ClusterIssuerSpec;

impl Spec for ClusterIssuerSpec {
    fn id(&self) -> Component {
        Component::Clusterissuer
    }

    fn title(&self) -> &'static str {
        "The issuer of certificates"
    }

    fn makes(&self, settings: &Settings) -> Vec<String> {
        let issuer = reference(&settings.tls).name;
        match &settings.tls {
            Tls::SelfSigned => vec![format!("issuer {issuer}"), "root certificate".to_owned()],
            Tls::Letsencrypt { email, .. } => vec![format!("issuer {issuer}"), email.clone()],
        }
    }

    fn modes(&self) -> &'static [Mode] {
        &[Mode::Stack, Mode::SingleNode]
    }

    fn requires(&self) -> &'static [Component] {
        &[Component::CertManager]
    }

    fn could_make(&self, undo: &Undo) -> bool {
        let issuers = [Issuer::Selfsigned, Issuer::LetsencryptStaging, Issuer::LetsencryptProduction];
        let issuers = issuers.iter().map(|issuer| issuer_reference(issuer.as_str()));
        issuers
            .chain([issuer_reference(ROOT_ISSUER), root_certificate()])
            .any(|object| object.is_made_by(undo))
    }

    fn rollback_class(&self) -> RollbackClass {
        RollbackClass::Safe
    }

    fn preflight(&self, probe: &Probe<'_>) -> Vec<Finding> {
        foreign_issuer(probe).into_iter().collect()
    }

    /// With the root's certificate goes the secret that holds its key.
    fn undo(&self, record: &StepRecord, host: &Host) -> Result<Option<Vec<Step>>, ProbeError> {
        let Undo::Object { object_kind, name, uid: Some(uid), .. } = &record.undo else { return Ok(None) };
        if object_kind != "Certificate" {
            return Ok(None);
        }
        let issued =
            Issued::since(record, host, NAMESPACE, |found| text(found, "/metadata/uid") == Some(uid))?;
        let object = ObjectRef::namespaced(API, object_kind, NAMESPACE, name);
        let delete = UndoAction::DeleteObject { object, uid: uid.clone() };
        let steps = [Step::new("root certificate", Action::Undo(delete))];
        Ok(Some(steps.into_iter().chain(issued.into_iter().flat_map(Issued::removal)).collect()))
    }

    fn deletes(&self, record: &StepRecord) -> Option<String> {
        let Undo::Object { object_kind, .. } = &record.undo else { return None };
        let what =
            "the key of the root certificate; clients must trust a new one after the next installation";
        (object_kind == "Certificate").then(|| what.to_owned())
    }

    /// The certificates that are renewed by an issuer, and the issuers that sign with a certificate.
    fn dependents(&self, record: &StepRecord, host: &Host) -> Result<Vec<Dependent>, ProbeError> {
        let Undo::Object { object_kind, name, .. } = &record.undo else { return Ok(Vec::new()) };
        let (path, needs): (_, &dyn Fn(&Value) -> bool) = match object_kind.as_str() {
            KIND => ("certificates", &|certificate| {
                text(certificate, "/spec/issuerRef/kind") == Some(KIND)
                    && text(certificate, "/spec/issuerRef/name") == Some(name)
            }),
            "Certificate" => ("clusterissuers", &|issuer| text(issuer, "/spec/ca/secretName") == Some(name)),
            _ => return Ok(Vec::new()),
        };
        let all = Kube(host).items(&format!("/apis/{API}/{path}"))?;
        Ok(all.iter().filter(|object| needs(object)).map(Dependent::of_object).collect())
    }

    /// Somebody else's issuer of this name is used as it is.
    fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError> {
        let tls = &probe.settings.tls;
        match (tls, probe.object(&reference(tls))?) {
            (Tls::SelfSigned, Some(issuer)) if !signs_with_root(&issuer) => Ok(Detection::Present),
            (Tls::SelfSigned, _) => {
                probe.objects(&[issuer_reference(ROOT_ISSUER), root_certificate(), reference(tls)])
            }
            (Tls::Letsencrypt { .. }, found) => {
                Ok(if found.is_some() { Detection::Present } else { Detection::Missing })
            }
        }
    }

    /// The issuer that is there has registered its address with Let's Encrypt.
    fn ignored(&self, probe: &Probe<'_>) -> Result<Option<String>, ProbeError> {
        let tls = &probe.settings.tls;
        let Tls::Letsencrypt { email, .. } = tls else { return Ok(None) };
        let issuer = probe.object(&reference(tls))?;
        let found = issuer.as_ref().and_then(|issuer| text(issuer, "/spec/acme/email"));
        Ok((issuer.is_some() && found != Some(email)).then(|| {
            let name = tls.issuer().as_str();
            format!(
                "tls.letsencrypt_email of this run: not used, because ClusterIssuer {name} is there without it; to set it in \
                 spec.acme.email: k3s kubectl edit clusterissuer {name}"
            )
        }))
    }

    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
        let tls = &context.settings.tls;
        let verify = vec![Check::within(180, Condition::Ready(reference(tls)))];
        ComponentPlan::ensuring(detection, || steps(tls), verify)
    }
}

fn steps(tls: &Tls) -> Vec<Step> {
    let apply = |title: &str, object| Step::new(title, Action::Apply(Document::new(object)));
    let mut steps = Vec::new();
    if *tls == Tls::SelfSigned {
        let in_secret = Condition::CertificateIn(ObjectRef::namespaced("v1", "Secret", NAMESPACE, ROOT));
        steps.extend([
            apply("issuer of the root certificate", issuer(ROOT_ISSUER, &json!({ "selfSigned": {} }))),
            apply("root certificate, valid for ten years", root()),
            Step::new("root certificate is issued", Action::Wait(Check::within(180, in_secret))),
        ]);
    }
    steps.push(apply("cluster issuer", issuer(tls.issuer().as_str(), &spec(tls))));
    steps
}

fn reference(tls: &Tls) -> ObjectRef {
    issuer_reference(tls.issuer().as_str())
}

fn issuer_reference(name: &str) -> ObjectRef {
    ObjectRef::cluster_wide(API, KIND, name)
}

fn root_certificate() -> ObjectRef {
    ObjectRef::namespaced(API, "Certificate", NAMESPACE, ROOT)
}

fn issuer(name: &str, spec: &Value) -> Value {
    json!({ "apiVersion": API, "kind": KIND, "metadata": { "name": name }, "spec": spec })
}

fn spec(tls: &Tls) -> Value {
    match tls {
        Tls::SelfSigned => json!({ "ca": { "secretName": ROOT } }),
        Tls::Letsencrypt { email, environment } => json!({ "acme": {
            "server": directory(*environment),
            "email": email,
            "privateKeySecretRef": { "name": format!("{}-account-key", tls.issuer().as_str()) },
            "solvers": [{ "http01": { "ingress": { "ingressClassName": "traefik" } } }],
        } }),
    }
}

/// The key stays the same at a renewal, so that what trusts the old root trusts what the new one signed.
fn root() -> Value {
    json!({
        "apiVersion": API,
        "kind": "Certificate",
        "metadata": { "name": ROOT, "namespace": NAMESPACE },
        "spec": {
            "isCA": true,
            "commonName": ROOT,
            "secretName": ROOT,
            "duration": ROOT_DURATION,
            "renewBefore": ROOT_RENEWAL,
            "privateKey": { "algorithm": "ECDSA", "size": 256, "rotationPolicy": "Never" },
            "issuerRef": { "group": "cert-manager.io", "kind": KIND, "name": ROOT_ISSUER },
        },
    })
}

fn signs_with_root(issuer: &Value) -> bool {
    text(issuer, "/spec/ca/secretName") == Some(ROOT)
}

/// The operator should know what trust in the certificates of somebody else's issuer is worth.
fn foreign_issuer(probe: &Probe<'_>) -> Option<Finding> {
    let tls = &probe.settings.tls;
    // Without an answer nothing is said: that the cluster does not answer is told by detection.
    let found = probe.object(&reference(tls)).ok().flatten()?;
    (*tls == Tls::SelfSigned && found.pointer("/spec/selfSigned").is_some()).then(|| {
        let evidence = "ClusterIssuer selfsigned exists and makes each certificate its own authority: Docker and nodes have \
                        to trust the registry anew after each renewal, every 60 days";
        let fix = "to have an authority that lasts, run again after: k3s kubectl delete clusterissuer selfsigned";
        Finding::warning("issuer", evidence).help(fix)
    })
}

/// The ACME directories of Let's Encrypt, from its documentation.
fn directory(environment: LetsencryptEnvironment) -> &'static str {
    match environment {
        LetsencryptEnvironment::Staging => "https://acme-staging-v02.api.letsencrypt.org/directory",
        LetsencryptEnvironment::Production => "https://acme-v02.api.letsencrypt.org/directory",
    }
}
