//! Certificates that cert-manager issued, and the secrets that it keeps them in.
//!
//! cert-manager leaves the secret of a certificate that is deleted, so that it can be made anew without asking the
//! authority again. What a run had issued goes with what it was issued for.

use manifest::StepRecord;
use schema::UtcSeconds;
use serde_json::Value;

use crate::host::{Host, ProbeError};
use crate::step::{Kube, ObjectRef, Step, UndoAction, text};

/// Group and version of cert-manager's objects.
pub(super) const API: &str = "cert-manager.io/v1";

/// A certificate and the secret that it is kept in.
pub(super) struct Issued {
    certificate: ObjectRef,
    certificate_uid: String,
    secret: ObjectRef,
    secret_uid: String,
}

impl Issued {
    /// The certificates of `namespace` that `wanted` picks, with secrets that were made for them since `record` began. A
    /// secret that is older was made by somebody else, and cert-manager took it over; one that names another certificate
    /// is somebody else's too.
    pub(super) fn since(
        record: &StepRecord,
        host: &Host,
        namespace: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Vec<Self>, ProbeError> {
        let mut issued = Vec::new();
        for certificate in Kube(host).items(&format!("/apis/{API}/namespaces/{namespace}/certificates"))? {
            let word = |pointer| text(&certificate, pointer);
            let (Some(name), Some(certificate_uid), Some(secret)) =
                (word("/metadata/name"), word("/metadata/uid"), word("/spec/secretName"))
            else {
                continue;
            };
            if !wanted(&certificate) {
                continue;
            }
            let secret = ObjectRef::namespaced("v1", "Secret", namespace, secret);
            let Some(found) = Kube(host).get(&secret)? else { continue };
            let made = text(&found, "/metadata/creationTimestamp").and_then(|at| UtcSeconds::parse(at).ok());
            let of = text(&found, "/metadata/annotations/cert-manager.io~1certificate-name");
            let secret_uid =
                text(&found, "/metadata/uid").filter(|_| of == Some(name) && made >= Some(record.at));
            if let Some(secret_uid) = secret_uid.map(str::to_owned) {
                let (certificate, certificate_uid) =
                    (ObjectRef::namespaced(API, "Certificate", namespace, name), certificate_uid.to_owned());
                issued.push(Self { certificate, certificate_uid, secret, secret_uid });
            }
        }
        Ok(issued)
    }

    /// What removes the secret once its certificate is gone. Before that, cert-manager would make the secret anew.
    pub(super) fn removal(self) -> [Step; 2] {
        use crate::step::Action::Undo;
        let gone = UndoAction::AwaitAbsent { object: self.certificate, uid: self.certificate_uid };
        let delete = UndoAction::DeleteObject { object: self.secret, uid: self.secret_uid };
        [Step::new("certificate is gone", Undo(gone)), Step::new("secret of the certificate", Undo(delete))]
    }
}

/// Whether the object belongs to the one with this UID.
pub(super) fn is_owned_by(object: &Value, uid: &str) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.is_some_and(|owners| owners.iter().any(|owner| text(owner, "/uid") == Some(uid)))
}
