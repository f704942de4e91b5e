//! Objects of the cluster.

use std::fmt;
use std::path::Path;

use manifest::Undo;
use schema::Component;
use serde_json::Value;

use super::command::{FIELD_MANAGER, apply_object, default_class_patch, delete_object};
use super::document::Document;
use super::error::StepError;
use super::executor::{Change, Effect, Executor, Look, StepEvent, StepOutcome};
use super::kube::{Kube, ObjectRef, STORAGE_CLASSES, StatusReason, default_classes, text};
use super::retry::OnConflict;
use super::yaml;
use crate::host::{CommandError, ProbeError, Stdin};
use crate::secret::Secret;

impl Executor<'_> {
    pub(super) fn apply_document(
        &mut self,
        component: Component,
        title: &str,
        document: &Document,
    ) -> Result<Effect, StepError> {
        let object = document.resolved(|source| self.resolve_secret(component, source))?;
        let text = object.to_string();
        let input =
            if document.has_secrets() { Stdin::Secret(Secret::new(text)) } else { Stdin::Public(text) };
        self.apply_one(component, title, &object, input)
    }

    /// Objects of which a cluster has one, and which others may need for something of their own.
    pub(super) fn offer_document(
        &mut self,
        component: Component,
        title: &str,
        document: &Document,
    ) -> Result<Effect, StepError> {
        let Some(reference) = document.reference() else {
            return Err(StepError::NoObject { title: title.to_owned() });
        };
        match self.query(|this| Kube(this.host).get(&reference))? {
            Some(found) if !is_applied_by_us(&found) => Ok(Effect::Unchanged),
            _ => self.apply_document(component, title, document),
        }
    }

    /// Each object of the file has a record of its own, with the UID by which rollback knows it again.
    pub(super) fn apply_file(&mut self, component: Component, file: &Path) -> Result<Effect, StepError> {
        let text = self.host.read_staged(file)?;
        let objects = yaml::documents(&text)
            .map_err(|source| StepError::Yaml { path: file.to_owned(), source: Box::new(source) })?;
        for object in &objects {
            self.safe_point()?;
            let title = ObjectRef::of(object).map_or_else(String::new, |reference| reference.to_string());
            self.report(StepEvent::Waiting(&title));
            self.apply_one(component, &title, object, Stdin::Public(object.to_string()))?;
        }
        Ok(Effect::Changed)
    }

    fn apply_one(
        &mut self,
        component: Component,
        title: &str,
        object: &Value,
        input: Stdin,
    ) -> Result<Effect, StepError> {
        let reference =
            ObjectRef::of(object).ok_or_else(|| StepError::NoObject { title: title.to_owned() })?;
        let found = self.query(|this| Kube(this.host).get(&reference)).map_err(|error| match error {
            StepError::Probe { error, .. } => {
                StepError::Probe { subject: Some(reference.to_string()), error }
            }
            error => error,
        })?;
        let created = found.is_none();
        let change = match found {
            Some(found) => Change::of_present(component, title, uid(&found), Undo::None),
            None => Change::of_absent(component, title, undo(&reference, None)),
        };
        self.change(change, |this| {
            let output = this.request(&apply_object(input), OnConflict::Retry)?;
            let applied: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let undo = created.then(|| undo(&reference, uid(&applied)));
            Ok(StepOutcome { wrote: Some(reference.to_string()), undo })
        })
    }

    /// The new class is marked before the marks of the others are taken away: a crash in between leaves two defaults, of
    /// which Kubernetes takes the newer one, and never none.
    pub(super) fn make_default_class(
        &mut self,
        component: Component,
        title: &str,
        class: &str,
    ) -> Result<Effect, StepError> {
        let list = self.query(|this| Kube(this.host).get_path(STORAGE_CLASSES))?.unwrap_or_default();
        let defaults = default_classes(&list);
        let others: Vec<String> = defaults.iter().filter(|name| *name != class).cloned().collect();
        if others.is_empty() && defaults.len() == 1 {
            return Ok(Effect::Unchanged);
        }
        let undo = Undo::DefaultStorageClass { from: others.first().cloned(), to: class.to_owned() };
        let change = Change::of_present(component, title, Some(defaults.join(", ")), undo);
        self.change(change, |this| {
            this.request(&default_class_patch(class, true), OnConflict::Retry)?;
            for other in &others {
                this.request(&default_class_patch(other, false), OnConflict::Retry)?;
            }
            Ok(StepOutcome::wrote(class))
        })
    }

    /// That it is gone, or another has its name, is as good.
    pub(super) fn delete_object(&mut self, object: &ObjectRef, uid: &str) -> Result<(), StepError> {
        match self.request(&delete_object(&object.path(), uid), OnConflict::Fail) {
            Err(StepError::Command(CommandError::Failed { tail, .. }))
                if StatusReason::of(&tail).is_some() =>
            {
                Ok(())
            }
            other => other.map(drop),
        }
    }

    pub(super) fn await_absent(&mut self, object: &ObjectRef, wanted: &str) -> Result<(), StepError> {
        let timeout = self.removal_timeout();
        let look = |this: &mut Self| {
            Ok(match Kube(this.host).get(object) {
                Ok(Some(found)) if uid(&found).as_deref() == Some(wanted) => {
                    Look::NotYet(Stays::There(object.clone()))
                }
                Ok(_) => Look::Ready(()),
                Err(error) => Look::NotYet(Stays::Unknown(error)),
            })
        };
        match self.wait_until(timeout, look)? {
            Look::Ready(()) => Ok(()),
            Look::NotYet(Stays::Unknown(error)) => Err(error.into()),
            Look::NotYet(Stays::There(object)) => {
                Err(StepError::Stays { what: object.to_string(), seconds: timeout.as_secs() })
            }
        }
    }

    /// As in a run: two defaults for a moment are better than none.
    pub(super) fn restore_default_class(&mut self, from: Option<&str>, to: &str) -> Result<(), StepError> {
        if let Some(from) = from {
            self.request(&default_class_patch(from, true), OnConflict::Retry)?;
        }
        self.request(&default_class_patch(to, false), OnConflict::Retry)?;
        Ok(())
    }
}

/// Why the absence of something that was deleted is not certain yet.
enum Stays {
    There(ObjectRef),
    Unknown(ProbeError),
}

impl fmt::Display for Stays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::There(object) => write!(f, "{object} to go"),
            Self::Unknown(error) => error.fmt(f),
        }
    }
}

fn undo(reference: &ObjectRef, uid: Option<String>) -> Undo {
    Undo::Object {
        api_version: reference.api_version.clone(),
        object_kind: reference.kind.clone(),
        namespace: reference.namespace.clone(),
        name: reference.name.clone(),
        uid,
    }
}

fn is_applied_by_us(object: &Value) -> bool {
    let fields = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    fields.is_some_and(|all| all.iter().any(|entry| text(entry, "/manager") == Some(FIELD_MANAGER)))
}

fn uid(object: &Value) -> Option<String> {
    object.pointer("/metadata/uid").and_then(Value::as_str).map(str::to_owned)
}
