//! The Rancher management interface.

use manifest::{StepRecord, Undo};
use schema::{Component, Mode};
use serde_json::json;

use super::chart::Chart;
use super::{
    ChecksumInput, ComponentPlan, Conflict, Detection, HttpsEndpoint, Keep, Pin, PlanContext, Probe,
    Remainder, RollbackClass, Spec, artifacts, host_name,
};
use crate::host::ProbeError;
use crate::settings::{Password, Settings, Tls};
use crate::step::{Check, Condition, Document, ObjectRef, SecretKeyRef, SecretSource, Step, stored_password};

const CHART: Chart = Chart {
    name: "rancher",
    namespace: "cattle-system",
    repository: "https://releases.rancher.com/server-charts/stable",
    deployment: "rancher",
};

/// What Rancher makes when it runs and its chart does not remove: the job at the end of its uninstallation removes helm
/// releases in two namespaces, and none whose name ends in `crd` (`chart/scripts/post-delete-hook.sh` at v2.14.4; the
/// namespaces are those of `pkg`). Definitions of k3s itself end in `cattle.io` as well and are left out.
const REMAINS: &[Remainder] = &[
    Remainder {
        what: "Fleet's definitions, a helm release",
        command: "helm -n cattle-fleet-system --kubeconfig /etc/rancher/k3s/k3s.yaml uninstall fleet-crd",
    },
    Remainder {
        what: "Turtles, a helm release",
        command: "helm -n cattle-turtles-system --kubeconfig /etc/rancher/k3s/k3s.yaml uninstall rancher-turtles",
    },
    Remainder {
        what: "webhooks",
        command: "k3s kubectl delete validatingwebhookconfigurations,mutatingwebhookconfigurations rancher.cattle.io",
    },
    Remainder {
        what: "users, tokens, settings and clusters of Rancher, with their definitions",
        command: "k3s kubectl get crd -o name | grep 'cattle\\.io$' | grep -v -e '\\.k3s\\.' -e '\\.helm\\.' | \
                  xargs k3s kubectl delete",
    },
    Remainder {
        what: "roles and bindings",
        command: "k3s kubectl delete clusterroles,clusterrolebindings -l cattle.io/creator=norman",
    },
    Remainder {
        what: "namespaces and what is in them",
        command: "k3s kubectl delete namespace --ignore-not-found cattle-system cattle-fleet-system \
                  cattle-fleet-local-system cattle-fleet-clusters-system cattle-turtles-system \
                  cattle-provisioning-capi-system cattle-impersonation-system cattle-global-data cattle-global-nt \
                  cattle-ui-plugin-system cattle-local-user-passwords fleet-default fleet-local local",
    },
];

/// Gives the administrator a new password and shows it.
const RESET: &str = "k3s kubectl -n cattle-system exec deployment/rancher -c rancher -- reset-password";

pub(super) struct RancherSpec;

impl Spec for RancherSpec {
    fn id(&self) -> Component {
        Component::Rancher
    }

    fn title(&self) -> &'static str {
        "Rancher"
    }

    fn makes(&self, settings: &Settings) -> Vec<String> {
        vec![format!("https://{}", settings.rancher.host)]
    }

    fn modes(&self) -> &'static [Mode] {
        &[Mode::Stack, Mode::SingleNode]
    }

    fn pin(&self) -> Option<Pin> {
        // kubeVersion of the chart: < 1.36.0-0. It asks for cert-manager 1.15 or newer.
        Some(Pin::release("v2.14.4", "Version of the Rancher chart").for_kubernetes(0, 35))
    }

    fn checksums(&self) -> &'static [ChecksumInput] {
        &[ChecksumInput { artifact: "rancher", help: "SHA-256 of the Rancher chart" }]
    }

    fn namespace(&self) -> Option<&'static str> {
        Some(CHART.namespace)
    }

    fn host_name<'a>(&self, settings: &'a Settings) -> Option<&'a str> {
        Some(&settings.rancher.host)
    }

    fn requires(&self) -> &'static [Component] {
        &[Component::CertManager]
    }

    fn could_make(&self, undo: &Undo) -> bool {
        match undo {
            Undo::HelmRelease { release, namespace, .. } => CHART.is_of(release, namespace),
            undo => artifacts::could_make_images(Component::Rancher, undo),
        }
    }

    /// The path that load balancers ask; the secret is named by the chart, whoever signs.
    fn endpoint<'a>(&self, settings: &'a Settings) -> Option<HttpsEndpoint<'a>> {
        let certificate = ObjectRef::namespaced("v1", "Secret", CHART.namespace, "tls-rancher-ingress");
        Some(HttpsEndpoint { host: &settings.rancher.host, path: "/ping", answers: &[200], certificate })
    }

    fn rollback_class(&self) -> RollbackClass {
        RollbackClass::Moderate
    }

    fn remains(&self, record: &StepRecord) -> &'static [Remainder] {
        if matches!(record.undo, Undo::HelmRelease { .. }) { REMAINS } else { &[] }
    }

    fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError> {
        let found = CHART.detect(probe)?;
        let has_users = match found {
            Detection::Missing => false,
            // An upgrade that failed leaves the Rancher that was there before it; a first installation leaves none.
            Detection::Incomplete(_) => CHART.was_deployed(probe)?,
            _ => true,
        };
        let conflict = if has_users { other_host(probe)? } else { None };
        Ok(conflict.map_or(found, Detection::Conflict))
    }

    /// Rancher takes the bootstrap password at its first start alone, and keeps it in a secret.
    fn ignored(&self, probe: &Probe<'_>) -> Result<Option<String>, ProbeError> {
        let Password::Given(given) = &probe.settings.rancher.password else { return Ok(None) };
        let stored = stored_password(probe.host, &bootstrap_secret())?;
        let is_other = stored.is_some_and(|stored| stored.expose() != given.expose());
        Ok(is_other.then(|| {
            format!("the given password of Rancher is not used, because it has one; for a new one: {RESET}")
        }))
    }

    fn installed_version(&self, probe: &Probe<'_>) -> Result<Option<String>, ProbeError> {
        CHART.installed_version(probe)
    }

    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
        let namespace = CHART.namespace.to_owned();
        let deployments = vec![CHART.deployment.to_owned()];
        let verify = vec![Check::within(600, Condition::Rollout { namespace, deployments })];
        ComponentPlan::for_state(detection, || steps(context), verify)
    }
}

/// What speaks against another host name: Rancher itself, its agents and its users know it by the one that its ingress has.
fn other_host(probe: &Probe<'_>) -> Result<Option<Conflict>, ProbeError> {
    let ingress = ObjectRef::namespaced("networking.k8s.io/v1", "Ingress", CHART.namespace, CHART.name);
    let Some(ingress) = probe.object(&ingress)? else { return Ok(None) };
    let asked = &probe.settings.rancher.host;
    let version = RancherSpec.version(probe.settings);
    let change = CHART.set_by_hand(probe, version, &format!("hostname={asked}"))?;
    Ok(host_name::conflict(&ingress, asked, Keep::Set("rancher.host"), change))
}

fn steps(context: &PlanContext<'_>) -> Vec<Step> {
    let version = RancherSpec.version(context.settings);
    let chart = artifacts::chart(context, CHART.repository, CHART.name, version, "rancher");
    let mut steps = artifacts::image_steps(context, Component::Rancher, version);
    steps.extend(CHART.steps(context, chart, values(context)));
    steps
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
    let stored_in = Some(bootstrap_secret());
    let source = SecretSource::Password { password: rancher.password.clone(), stored_in };
    Document::new(values).secret("/bootstrapPassword", source)
}

/// Where Rancher keeps the password that it was given.
fn bootstrap_secret() -> SecretKeyRef {
    let secret = ObjectRef::namespaced("v1", "Secret", CHART.namespace, "bootstrap-secret");
    SecretKeyRef { secret, key: "bootstrapPassword".to_owned() }
}
