//! Taking back one step, and making sure of it.

use std::path::Path;
use std::time::{Duration, Instant};

use manifest::{PrivateContext, StepRecord, Undo};
use serde_json::Value;

use super::error::UndoError;
use super::look::{look, object};
use super::sight::Sight;
use super::{cluster, files, words};
use crate::host::{Command, CommandError, Host};
use crate::step::{
    Condition, Found, ObjectRef, Verdict, default_class_patch, delete_object, helm_uninstall,
    longhorn_setting,
};

/// Longhorn refuses its own removal until this setting says true.
const LONGHORN_FLAG: &str = "deleting-confirmation-flag";
const EXPORTS: &str = "/etc/exports";

/// What takes steps back.
pub(super) struct Undoing<'a> {
    /// The machine.
    pub(super) host: &'a Host,
    /// Whether to stop waiting.
    pub(super) stop: &'a dyn Fn() -> bool,
    /// Something that was deleted has this long to go away.
    pub(super) patience: Duration,
    /// How often it is looked for.
    pub(super) poll: Duration,
}

impl Undoing<'_> {
    /// Takes `step` back and waits until it is gone. `sight` is what was found of it right before.
    pub(super) fn undo(
        &self,
        context: &PrivateContext,
        step: &StepRecord,
        sight: &Sight,
    ) -> Result<(), UndoError> {
        match &step.undo {
            // A rollback that died may have taken the line out and not told the kernel.
            Undo::Line { path, line } => self.line(path, line)?,
            _ if *sight == Sight::Gone => {}
            Undo::File { path, previous, .. } => files::undo_file(self.host, path, previous)?,
            Undo::Directory { path } => files::undo_folder(self.host, path)?,
            Undo::LineBlock { path, marker, previous, .. } => {
                files::undo_block(self.host, path, marker, previous.as_deref())?;
            }
            Undo::Object { uid: Some(uid), .. } => {
                if let Some(reference) = object(&step.undo) {
                    self.object(step, &reference, uid)?;
                }
            }
            Undo::HelmRelease { release, namespace, .. } => self.release(namespace, release)?,
            Undo::DefaultStorageClass { from, to } => {
                // As in the run: two defaults for a moment are better than none.
                if let Some(from) = from {
                    self.host.run(&default_class_patch(from, true))?;
                }
                self.host.run(&default_class_patch(to, false))?;
            }
            _ => return Err(UndoError::State("nothing is known of how to undo it".to_owned())),
        }
        self.until_gone(&words::subject(step), || look(self.host, context, step))
    }

    /// Waits until `look` no longer finds what was deleted. Another object of the same name is not what was deleted.
    pub(super) fn until_gone(&self, what: &str, look: impl Fn() -> Sight) -> Result<(), UndoError> {
        let begun = Instant::now();
        loop {
            let late = begun.elapsed() >= self.patience;
            match look() {
                Sight::Gone | Sight::Changed(_) => return Ok(()),
                Sight::Unknown(reason) if late => return Err(UndoError::State(reason)),
                _ if late => {
                    let seconds = self.patience.as_secs();
                    return Err(UndoError::Stays { what: what.to_owned(), seconds });
                }
                _ => self.pause()?,
            }
        }
    }

    /// Lets some time pass, unless the rollback is asked to stop.
    pub(super) fn pause(&self) -> Result<(), UndoError> {
        if (self.stop)() {
            return Err(UndoError::Stopped);
        }
        std::thread::sleep(self.poll);
        Ok(())
    }

    fn line(&self, path: &Path, line: &str) -> Result<(), UndoError> {
        files::undo_line(self.host, path, line)?;
        if path != Path::new(EXPORTS) || self.host.program("exportfs").is_none() {
            return Ok(());
        }
        self.host.run(&Command::new("exportfs").args(["-ra"]).as_root().timeout(Duration::from_mins(1)))?;
        let [Some(folder), Some(client)] = files::export(line) else { return Ok(()) };
        let left = self.host.read_text(path)?.unwrap_or_default();
        // Somebody else may export the same folder to the same client.
        let others = |line: &str| {
            line.split_whitespace().next() == Some(folder) && files::mentions(line, Some(client))
        };
        let exported = Condition::Exported { path: folder.into(), network: client.to_owned() };
        if !left.lines().any(others) && exported.look(self.host) == Verdict::Met {
            return Err(UndoError::State("exportfs still lists the export".to_owned()));
        }
        Ok(())
    }

    fn object(&self, step: &StepRecord, reference: &ObjectRef, uid: &str) -> Result<(), UndoError> {
        let issued =
            if reference.kind == "Ingress" { self.issued(step, reference, uid)? } else { Vec::new() };
        self.delete(&reference.path(), uid)?;
        for Issued { certificate, certificate_uid, secret, secret_uid } in issued {
            // Before its certificate is gone, cert-manager would make the secret anew.
            self.until_gone(&certificate.to_string(), || self.there(&certificate, &certificate_uid))?;
            self.delete(&secret.path(), &secret_uid)?;
        }
        Ok(())
    }

    fn there(&self, reference: &ObjectRef, uid: &str) -> Sight {
        match cluster::fetch(self.host, &reference.path()) {
            Found::Object(object) if cluster::text(&object, "/metadata/uid") == Some(uid) => Sight::Ours,
            Found::Object(_) | Found::NotFound => Sight::Gone,
            Found::Unknown(reason) => Sight::Unknown(reason),
        }
    }

    /// The secrets of the certificates that cert-manager issued for an ingress of the run. A secret is older than the
    /// step if somebody else made it, and cert-manager took it over.
    fn issued(&self, step: &StepRecord, ingress: &ObjectRef, uid: &str) -> Result<Vec<Issued>, UndoError> {
        const API: &str = "cert-manager.io/v1";
        let Some(namespace) = &ingress.namespace else { return Ok(Vec::new()) };
        let path = format!("/apis/{API}/namespaces/{namespace}/certificates");
        let mut issued = Vec::new();
        for certificate in cluster::items(self.host, &path).map_err(UndoError::State)? {
            let word = |pointer| cluster::text(&certificate, pointer).map(str::to_owned);
            let (Some(name), Some(certificate_uid), Some(secret)) =
                (word("/metadata/name"), word("/metadata/uid"), word("/spec/secretName"))
            else {
                continue;
            };
            let secret = ObjectRef::namespaced("v1", "Secret", namespace, &secret);
            if !is_owned_by(&certificate, uid) {
                continue;
            }
            let found = match cluster::fetch(self.host, &secret.path()) {
                Found::Object(found) => found,
                Found::NotFound => continue,
                Found::Unknown(reason) => return Err(UndoError::State(reason)),
            };
            let made = cluster::text(&found, "/metadata/creationTimestamp");
            let made = made.and_then(|at| schema::UtcSeconds::parse(at).ok());
            let of = cluster::text(&found, "/metadata/annotations/cert-manager.io~1certificate-name");
            if let (true, true, Some(secret_uid)) =
                (of == Some(&name), made >= Some(step.at), cluster::text(&found, "/metadata/uid"))
            {
                let certificate = ObjectRef::namespaced(API, "Certificate", namespace, &name);
                issued.push(Issued {
                    certificate,
                    certificate_uid,
                    secret,
                    secret_uid: secret_uid.to_owned(),
                });
            }
        }
        Ok(issued)
    }

    /// Deletes the object at `path` if it has this UID. That it is gone, or another, is as good.
    fn delete(&self, path: &str, uid: &str) -> Result<(), UndoError> {
        let answered = |tail: &[String]| {
            tail.iter().any(|line| line.contains("(NotFound)") || line.contains("(Conflict)"))
        };
        match self.host.run(&delete_object(path, uid)) {
            Err(CommandError::Failed { tail, .. }) if answered(&tail) => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }

    fn release(&self, namespace: &str, release: &str) -> Result<(), UndoError> {
        let uninstall = || self.host.run(&helm_uninstall(namespace, release)).map(drop);
        if release != "longhorn" {
            return Ok(uninstall()?);
        }
        let setting = ObjectRef::namespaced("longhorn.io/v1beta2", "Setting", namespace, LONGHORN_FLAG);
        let flagged = match cluster::fetch(self.host, &setting.path()) {
            Found::Object(_) => true,
            // It never got as far as having settings.
            Found::NotFound => false,
            Found::Unknown(reason) => return Err(UndoError::State(reason)),
        };
        if flagged {
            self.host.run(&longhorn_setting(namespace, LONGHORN_FLAG, "true"))?;
        }
        uninstall().map_err(|error| {
            if flagged {
                // It guards against others, too.
                let _ = self.host.run(&longhorn_setting(namespace, LONGHORN_FLAG, "false"));
            }
            error.into()
        })
    }
}

/// A certificate and the secret that it is kept in.
struct Issued {
    certificate: ObjectRef,
    certificate_uid: String,
    secret: ObjectRef,
    secret_uid: String,
}

fn is_owned_by(object: &Value, uid: &str) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.is_some_and(|owners| owners.iter().any(|owner| cluster::text(owner, "/uid") == Some(uid)))
}
