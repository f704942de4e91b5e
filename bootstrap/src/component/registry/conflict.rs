//! What a run would take away from those who use the registry that is there.
//!
//! Objects are applied as a whole: under another name the ingress would no longer have the one that clients know, and
//! without a login the deployment would let everybody in. With another login those who have the one of now are shut out, and
//! a password that a record still has would be lost. No run does that by the way: the operator says what is there, or removes
//! it first.

use serde_json::Value;

use super::super::{Conflict, Gap, Keep, Probe, host_name};
use super::ingress;
use super::names::{INGRESS_API, LOGINS, NAME, NAMESPACE, labels};
use crate::host::ProbeError;
use crate::settings::{Password, RegistryAuth, Settings};
use crate::step::{Htpasswd, ObjectRef, stored_text, text};
use schema::{Component, Issuer};

/// Where the registry reads which login it asks for.
pub(super) const LOGIN: &str = "REGISTRY_AUTH";

const REMOVE_INGRESS: &str = "k3s kubectl -n registry delete ingress registry";
const REMOVE_DEPLOYMENT: &str = "k3s kubectl -n registry delete deployment registry";
/// The volume stays, and with it the images.
const REMOVE_OTHERS: &str =
    "k3s kubectl -n registry delete --ignore-not-found deployment,service,ingress registry";
const REMOVE_LOGINS: &str = "k3s kubectl -n registry delete secret registry-htpasswd";

/// The entry of the secret with the logins.
pub(super) const HTPASSWD: &str = "htpasswd";

/// What the run would set otherwise than it is.
pub(super) fn find(probe: &Probe<'_>) -> Result<Option<Conflict>, ProbeError> {
    if let Some(conflict) = object(probe, INGRESS)?.and_then(|ingress| of_ingress(&ingress, probe.settings)) {
        return Ok(Some(conflict));
    }
    let deployment = object(probe, DEPLOYMENT)?.filter(|_| probe.settings.registry.auth.is_none());
    if let Some(found) = deployment.filter(has_login) {
        let (keep, change) = if is_our_deployment(&found) {
            (Keep::Set("registry.auth and registry.user"), REMOVE_DEPLOYMENT)
        } else {
            (Keep::LeaveOut(Component::Registry), REMOVE_OTHERS)
        };
        let (found, asked, change) = ("required".to_owned(), "none".to_owned(), change.to_owned());
        return Ok(Some(Conflict::OtherSetting { what: "login", found, asked, keep, change }));
    }
    of_login(probe)
}

/// What speaks against what a run would do to close `gap`.
pub(super) fn of_completion(gap: &Gap, probe: &Probe<'_>) -> Result<Option<Conflict>, ProbeError> {
    let is_applied_anew = matches!(gap, Gap::Objects(_) | Gap::NoLogin);
    let others = if is_applied_anew { of_others(probe)? } else { None };
    if let Some(what) = others {
        return Ok(Some(Conflict::OtherSetting {
            what,
            found: "somebody else's".to_owned(),
            asked: "its own".to_owned(),
            keep: Keep::LeaveOut(Component::Registry),
            change: REMOVE_OTHERS.to_owned(),
        }));
    }
    unknown_password(probe)
}

/// Whether the registry that is there asks for a login.
pub(super) fn is_login_required(probe: &Probe<'_>) -> Result<bool, ProbeError> {
    Ok(object(probe, DEPLOYMENT)?.is_some_and(|found| has_login(&found)))
}

/// API and kind of the objects that are called like the registry.
type ApiKind = (&'static str, &'static str);
const DEPLOYMENT: ApiKind = ("apps/v1", "Deployment");
const SERVICE: ApiKind = ("v1", "Service");
const INGRESS: ApiKind = (INGRESS_API, "Ingress");

fn object(probe: &Probe<'_>, (api, kind): ApiKind) -> Result<Option<Value>, ProbeError> {
    probe.object(&ObjectRef::namespaced(api, kind, NAMESPACE, NAME))
}

/// Which object of another installer is there, in whose place a run cannot apply its own. The API server refuses a part that
/// somebody else set otherwise, and once the first of the objects is applied, nothing serves the images any more.
fn of_others(probe: &Probe<'_>) -> Result<Option<&'static str>, ProbeError> {
    let is_our_service = |found: &Value| found.pointer("/spec/selector") == Some(&labels());
    let is_our_ingress = |found: &Value| ingress::is_served_as_by_us(found, &probe.settings.registry.host);
    let is_others = |kind, is_ours: &dyn Fn(&Value) -> bool| {
        Ok::<bool, ProbeError>(object(probe, kind)?.is_some_and(|found| !is_ours(&found)))
    };
    Ok(if is_others(DEPLOYMENT, &is_our_deployment)? {
        Some("deployment")
    } else if is_others(SERVICE, &is_our_service)? {
        Some("service")
    } else if is_others(INGRESS, &is_our_ingress)? {
        Some("ingress")
    } else {
        None
    })
}

/// Whether a run can apply its deployment in the place of this one. The selector of a deployment never changes, and a login
/// that is kept in another secret would be replaced.
fn is_our_deployment(deployment: &Value) -> bool {
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
        _ if !users.contains(&user.as_str()) => {
            other("user", users.join(", "), user, Keep::Set("registry.user"))
        }
        Password::Given(given) if !logins.accepts(user, given) => {
            other("password", "another one".to_owned(), "the given one", Keep::Set("registry.password_file"))
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
    let host =
        host_name::conflict(ingress, &settings.registry.host, Keep::Set("registry.host"), change.clone());
    let issuer = || {
        let annotations = ingress.pointer("/metadata/annotations")?;
        let (found, asked) = (annotations.get(ingress::ISSUER)?.as_str()?, settings.tls.issuer().as_str());
        // An issuer of the operator's own has a name that no input can say.
        let can_be_asked_for = Issuer::ALL.iter().any(|issuer| issuer.as_str() == found);
        (found != asked).then(|| Conflict::OtherSetting {
            what: "issuer of certificates",
            found: found.to_owned(),
            asked: asked.to_owned(),
            keep: if can_be_asked_for {
                Keep::Set("tls.mode and tls.letsencrypt_environment")
            } else {
                Keep::LeaveOut(Component::Registry)
            },
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
