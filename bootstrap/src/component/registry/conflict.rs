//! What a run would take away from those who use the registry that is there.
//!
//! Objects are applied as a whole: under another name the ingress would no longer have the one that clients know, and
//! without a login the deployment would let everybody in. No run does that by the way: the operator says what is there, or
//! removes it first.

use serde_json::Value;

use super::super::{Conflict, Probe, host_name};
use super::names::{INGRESS_API, LOGINS, NAME, NAMESPACE};
use crate::host::ProbeError;
use crate::settings::{Password, Settings};
use crate::step::{ObjectRef, text};
use schema::Component;

/// The annotation by which cert-manager knows the issuer.
pub(super) const ISSUER: &str = "cert-manager.io/cluster-issuer";
/// Where the registry reads which login it asks for.
pub(super) const LOGIN: &str = "REGISTRY_AUTH";

const REMOVE_INGRESS: &str = "k3s kubectl -n registry delete ingress registry";
const REMOVE_DEPLOYMENT: &str = "k3s kubectl -n registry delete deployment registry";

/// What the run would set otherwise than it is.
pub(super) fn find(probe: &Probe<'_>) -> Result<Option<Conflict>, ProbeError> {
    let ingress = probe.object(&ObjectRef::namespaced(INGRESS_API, "Ingress", NAMESPACE, NAME))?;
    if let Some(conflict) = ingress.and_then(|ingress| of_ingress(&ingress, probe.settings)) {
        return Ok(Some(conflict));
    }
    let deployment = probe.object(&ObjectRef::namespaced("apps/v1", "Deployment", NAMESPACE, NAME))?;
    let takes_login =
        probe.settings.registry.auth.is_none() && deployment.is_some_and(|found| has_login(&found));
    Ok(takes_login.then(|| Conflict::OtherSetting {
        what: "login",
        found: "required".to_owned(),
        asked: "none".to_owned(),
        input: "registry.auth and registry.user",
        change: REMOVE_DEPLOYMENT.to_owned(),
    }))
}

/// Whether the run would make a password in the place of one that is in use.
pub(super) fn replaces_password(probe: &Probe<'_>) -> Result<bool, ProbeError> {
    let is_generated =
        probe.settings.registry.auth.as_ref().is_some_and(|auth| matches!(auth.password, Password::Generate));
    if !is_generated || probe.history().has_password(Component::Registry) {
        return Ok(false);
    }
    Ok(probe.object(&ObjectRef::namespaced("v1", "Secret", NAMESPACE, LOGINS))?.is_some())
}

fn of_ingress(ingress: &Value, settings: &Settings) -> Option<Conflict> {
    let change = REMOVE_INGRESS.to_owned();
    let host = host_name::conflict(ingress, &settings.registry.host, "registry.host", change.clone());
    let issuer = || {
        let annotations = ingress.pointer("/metadata/annotations")?;
        let (found, asked) = (annotations.get(ISSUER)?.as_str()?, settings.tls.issuer().as_str());
        (found != asked).then(|| Conflict::OtherSetting {
            what: "issuer of certificates",
            found: found.to_owned(),
            asked: asked.to_owned(),
            input: "tls.mode and tls.letsencrypt_environment",
            change,
        })
    };
    host.or_else(issuer)
}

fn has_login(deployment: &Value) -> bool {
    let containers = deployment.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let lists = containers.into_iter().flatten().filter_map(|container| container.get("env")?.as_array());
    lists.flatten().any(|variable| text(variable, "/name") == Some(LOGIN))
}
