//! What the objects of the registry are called.

use serde_json::{Value, json};

use crate::step::ObjectRef;

pub(super) const NAMESPACE: &str = "registry";
pub(super) const INGRESS_API: &str = "networking.k8s.io/v1";
pub(super) const NAME: &str = "registry";
/// The secret with the users and their passwords.
pub(super) const LOGINS: &str = "registry-htpasswd";
/// The secret that cert-manager keeps the registry's certificate in.
pub(super) const CERTIFICATE: &str = "registry-tls";

/// The secret that holds the certificate that the registry is served with.
pub(in crate::component) fn certificate_secret() -> ObjectRef {
    ObjectRef::namespaced("v1", "Secret", NAMESPACE, CERTIFICATE)
}

/// The labels by which its objects find each other.
pub(super) fn labels() -> Value {
    json!({ "app.kubernetes.io/name": NAME })
}

/// The metadata of an object of the registry.
pub(super) fn metadata(name: &str) -> Value {
    json!({ "name": name, "namespace": NAMESPACE, "labels": labels() })
}
