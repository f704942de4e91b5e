//! What a run would take away from those who use the registry that is there.
//!
//! Objects are applied as a whole: under another name the ingress would no longer have the one that clients know, and
//! without a login the deployment would let everybody in. With another login those who have the one of now are shut out, and
//! a password that a record still has would be lost. No run does that by the way: the operator says what is there, or removes
//! it first.

use serde_json::Value;

use super::super::{Conflict, Gap, Probe, host_name};
use super::names::{INGRESS_API, LOGINS, NAME, NAMESPACE, labels};
use crate::host::ProbeError;
use crate::settings::{Password, RegistryAuth, Settings};
use crate::step::{Htpasswd, ObjectRef, stored_text, text};
use schema::{Component, Issuer};

/// The annotation by which cert-manager knows the issuer.
pub(super) const ISSUER: &str = "cert-manager.io/cluster-issuer";
/// Where the registry reads which login it asks for.
pub(super) const LOGIN: &str = "REGISTRY_AUTH";

const REMOVE_INGRESS: &str = "k3s kubectl -n registry delete ingress registry";
const REMOVE_DEPLOYMENT: &str = "k3s kubectl -n registry delete deployment registry";
/// How something is kept that no input can say.
const LEAVE_OUT: &str = "add --skip registry";
const REMOVE_LOGINS: &str = "k3s kubectl -n registry delete secret registry-htpasswd";

/// The entry of the secret with the logins.
pub(super) const HTPASSWD: &str = "htpasswd";

/// What the run would set otherwise than it is.
pub(super) fn find(probe: &Probe<'_>) -> Result<Option<Conflict>, ProbeError> {
    let ingress = probe.object(&ObjectRef::namespaced(INGRESS_API, "Ingress", NAMESPACE, NAME))?;
    if let Some(conflict) = ingress.and_then(|ingress| of_ingress(&ingress, probe.settings)) {
        return Ok(Some(conflict));
    }
    let deployment = deployment(probe)?.filter(|_| probe.settings.registry.auth.is_none());
    if let Some(found) = deployment.filter(has_login) {
        return Ok(Some(Conflict::OtherSetting {
            what: "login",
            found: "required".to_owned(),
            asked: "none".to_owned(),
            keep: if is_ours(&found) { "set registry.auth and registry.user" } else { LEAVE_OUT },
            change: REMOVE_DEPLOYMENT.to_owned(),
        }));
    }
    of_login(probe)
}

/// What speaks against what a run would do to close `gap`.
pub(super) fn of_completion(gap: &Gap, probe: &Probe<'_>) -> Result<Option<Conflict>, ProbeError> {
    let is_applied_anew = matches!(gap, Gap::Objects(_) | Gap::NoLogin);
    if is_applied_anew && deployment(probe)?.is_some_and(|found| !is_ours(&found)) {
        return Ok(Some(Conflict::OtherSetting {
            what: "deployment",
            found: "somebody else's".to_owned(),
            asked: "its own".to_owned(),
            keep: LEAVE_OUT,
            change: REMOVE_DEPLOYMENT.to_owned(),
        }));
    }
    unknown_password(probe)
}

/// Whether the registry that is there asks for a login.
pub(super) fn is_login_required(probe: &Probe<'_>) -> Result<bool, ProbeError> {
    Ok(deployment(probe)?.is_some_and(|found| has_login(&found)))
}

fn deployment(probe: &Probe<'_>) -> Result<Option<Value>, ProbeError> {
    probe.object(&ObjectRef::namespaced("apps/v1", "Deployment", NAMESPACE, NAME))
}

/// Whether a run can apply its deployment in the place of this one. The selector of a deployment never changes, and a login
/// that is kept in another secret would be replaced.
fn is_ours(deployment: &Value) -> bool {
    let volumes = deployment.pointer("/spec/template/spec/volumes").and_then(Value::as_array);
    let has_our_logins =
        volumes.into_iter().flatten().any(|volume| text(volume, "/secret/secretName") == Some(LOGINS));
    deployment.pointer("/spec/selector/matchLabels") == Some(&labels())
        && (has_our_logins || !has_login(deployment))
}

/// What speaks against making a password now: the registry takes logins, and the one that was made for it is not known.
fn unknown_password(probe: &Probe<'_>) -> Result<Option<Conflict>, ProbeError> {
    let Some(RegistryAuth { user, password: Password::Generate }) = &probe.settings.registry.auth else {
        return Ok(None);
    };
    let Some(logins) = logins(probe)? else { return Ok(None) };
    let is_known =
        probe.history().password(Component::Registry).is_some_and(|made| logins.accepts(user, made));
    let (input, change) = ("registry.password_file", REMOVE_LOGINS);
    Ok((!is_known).then_some(Conflict::UnknownPassword { input, change }))
}

/// What speaks against the login of the settings: that the registry does not take it. Only the hash tells what it takes.
fn of_login(probe: &Probe<'_>) -> Result<Option<Conflict>, ProbeError> {
    let Some(RegistryAuth { user, password }) = &probe.settings.registry.auth else { return Ok(None) };
    let Some(logins) = logins(probe)? else { return Ok(None) };
    let users = logins.users();
    let other = |what, found: String, asked: &str, keep| {
        let (asked, change) = (asked.to_owned(), REMOVE_LOGINS.to_owned());
        Some(Conflict::OtherSetting { what, found, asked, keep, change })
    };
    Ok(match password {
        _ if !users.contains(&user.as_str()) => other("user", users.join(", "), user, "set registry.user"),
        Password::Given(given) if !logins.accepts(user, given) => {
            other("password", "another one".to_owned(), "the given one", "set registry.password_file")
        }
        _ => None,
    })
}

/// The logins that the registry takes; `None` where there are none, so that nobody could lose one.
fn logins(probe: &Probe<'_>) -> Result<Option<Htpasswd>, ProbeError> {
    let secret = probe.object(&ObjectRef::namespaced("v1", "Secret", NAMESPACE, LOGINS))?;
    let text = secret.and_then(|secret| stored_text(&secret, HTPASSWD));
    let logins = text.map(|text| Htpasswd::parse(text.expose()));
    Ok(logins.filter(|logins| !logins.users().is_empty()))
}

fn of_ingress(ingress: &Value, settings: &Settings) -> Option<Conflict> {
    let change = REMOVE_INGRESS.to_owned();
    let host = host_name::conflict(ingress, &settings.registry.host, "set registry.host", change.clone());
    let issuer = || {
        let annotations = ingress.pointer("/metadata/annotations")?;
        let (found, asked) = (annotations.get(ISSUER)?.as_str()?, settings.tls.issuer().as_str());
        // An issuer of the operator's own has a name that no input can say.
        let can_be_asked_for = Issuer::ALL.iter().any(|issuer| issuer.as_str() == found);
        (found != asked).then(|| Conflict::OtherSetting {
            what: "issuer of certificates",
            found: found.to_owned(),
            asked: asked.to_owned(),
            keep: if can_be_asked_for { "set tls.mode and tls.letsencrypt_environment" } else { LEAVE_OUT },
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
