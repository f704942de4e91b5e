//! Objects of the cluster.

use std::path::Path;

use manifest::Undo;
use schema::Component;
use serde_json::Value;

use super::change::{Change, StepOutcome};
use super::error::StepError;
use super::{Effect, Executor};
use crate::host::Stdin;
use crate::secret::Secret;
use crate::step::{
    Document, Found, Kube, ObjectRef, STORAGE_CLASSES, apply_object, default_class_patch, default_classes,
};

impl Executor<'_> {
    pub(super) fn apply_document(
        &mut self,
        component: Component,
        title: &str,
        document: &Document,
    ) -> Result<Effect, StepError> {
        let (host, passwords) = (self.host, &mut self.passwords);
        let object = document.resolved(|source| passwords.resolve(host, component, source))?;
        let text = object.to_string();
        let input =
            if document.has_secrets() { Stdin::Secret(Secret::new(text)) } else { Stdin::Public(text) };
        self.apply_one(component, title, &object, input)
    }

    /// Each object of the file has a record of its own, with the UID by which rollback knows it again.
    pub(super) fn apply_file(&mut self, component: Component, file: &Path) -> Result<Effect, StepError> {
        let text = std::fs::read_to_string(file).map_err(StepError::staging("read", file))?;
        let objects = super::sums::yaml_documents(&text)
            .map_err(|reason| StepError::State(format!("{} is not YAML: {reason}", file.display())))?;
        for object in &objects {
            if (self.stop)() {
                return Err(StepError::Stopped);
            }
            let title = ObjectRef::of(object).map_or_else(String::new, |reference| reference.to_string());
            (self.report)(super::StepEvent::Waiting(&title));
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
        let reference = ObjectRef::of(object)
            .ok_or_else(|| StepError::State(format!("{title} is not a Kubernetes object with a name")))?;
        let change = match Kube(self.host).get(&reference) {
            Found::Object(found) => Change::of_present(component, title, uid(&found), Undo::None),
            Found::NotFound => Change::of_absent(component, title, undo(&reference, None)),
            Found::Unknown(reason) => return Err(StepError::State(format!("{reference}: {reason}"))),
        };
        let created = change.is_of_absent();
        self.make(change, |this| {
            let output = this.host.run(&apply_object(input))?;
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
        let defaults = match Kube(self.host).get_path(STORAGE_CLASSES) {
            Found::Object(list) => default_classes(&list),
            Found::NotFound => Vec::new(),
            Found::Unknown(reason) => return Err(StepError::State(reason)),
        };
        let others: Vec<String> = defaults.iter().filter(|name| *name != class).cloned().collect();
        if others.is_empty() && defaults.len() == 1 {
            return Ok(Effect::Unchanged);
        }
        let undo = Undo::DefaultStorageClass { from: others.first().cloned(), to: class.to_owned() };
        let change = Change::of_present(component, title, Some(defaults.join(", ")), undo);
        self.make(change, |this| {
            this.host.run(&default_class_patch(class, true))?;
            for other in &others {
                this.host.run(&default_class_patch(other, false))?;
            }
            Ok(StepOutcome::wrote(class))
        })
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

fn uid(object: &Value) -> Option<String> {
    object.pointer("/metadata/uid").and_then(Value::as_str).map(str::to_owned)
}
