//! k3s, as a server or as an agent.
//!
//! It counts as present only when its service runs, with the program there and the flags that a run would give it, and the
//! node of this host works; that is looked at in [`detect`] and verified at the end of every run. What a run of this
//! program installed is repaired where it falls short of that. What nobody knows of is started at most, and only if it
//! would run exactly what a run would write: anything else would put an empty cluster in the place of somebody's.

mod detect;
mod install;
mod launch;
mod layout;
mod release;
mod removal;
mod user_copy;

use manifest::{StepRecord, Undo};
use schema::{Component, Mode};

use super::{ChecksumInput, ComponentPlan, Detection, Pin, PlanContext, Probe, RollbackClass, Spec};
use crate::host::{Host, ProbeError};
use crate::settings::Settings;
use crate::step::{Action, Step, UndoAction, may_be_user_kubeconfig, version_of};

pub(super) struct K3sSpec;

impl Spec for K3sSpec {
    fn id(&self) -> Component {
        Component::K3s
    }

    fn title(&self) -> &'static str {
        "The k3s server or agent"
    }

    fn makes(&self, settings: &Settings) -> Vec<String> {
        let service = format!("{}.service", layout::service(settings.mode));
        let joins = settings.agent.iter().filter(|agent| !agent.server_url.is_empty());
        let joins = joins.map(|agent| format!("joins {}", agent.server_url));
        let copy = settings.user_kubeconfig.then(|| "~/.kube/k3s.yaml".to_owned());
        [layout::BINARY.to_owned(), service].into_iter().chain(joins).chain(copy).collect()
    }

    fn modes(&self) -> &'static [Mode] {
        &[Mode::Server, Mode::Agent, Mode::SingleNode]
    }

    fn pin(&self) -> Option<Pin> {
        Some(Pin::k3s_release("v1.35.5+k3s1", "Release of k3s"))
    }

    fn checksums(&self) -> &'static [ChecksumInput] {
        &[
            ChecksumInput { artifact: "k3s", help: "SHA-256 of the k3s program" },
            ChecksumInput { artifact: "k3s_script", help: "SHA-256 of the install script of k3s" },
        ]
    }

    fn could_make(&self, undo: &Undo) -> bool {
        removal::could_make(undo) || may_be_user_kubeconfig(undo)
    }

    fn rollback_class(&self) -> RollbackClass {
        RollbackClass::Manual
    }

    /// The copy of the credentials is the caller's and no part of the cluster: it is removed like any other file.
    fn class_of(&self, record: &StepRecord) -> RollbackClass {
        if may_be_user_kubeconfig(&record.undo) { RollbackClass::Safe } else { self.rollback_class() }
    }

    fn undo(&self, record: &StepRecord, _: &Host) -> Result<Option<Vec<Step>>, ProbeError> {
        let Undo::File { path, sha256, .. } = &record.undo else { return Ok(None) };
        if !may_be_user_kubeconfig(&record.undo) {
            return Ok(None);
        }
        let remove = UndoAction::RemoveOfCaller { path: path.clone(), sha256: sha256.clone() };
        Ok(Some(vec![Step::new("copy of the credentials", Action::Undo(remove))]))
    }

    fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError> {
        user_copy::with_copy(probe, detect::detect(probe)?)
    }

    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan {
        install::plan(detection, context, self.version(context.settings))
    }

    fn installed_version(&self, probe: &Probe<'_>) -> Result<Option<String>, ProbeError> {
        version_of(probe.host, layout::BINARY.as_ref()).map(Some)
    }

    fn upgrade(&self, settings: &Settings) -> Option<String> {
        Some(install::upgrade(settings, self.version(settings)))
    }

    fn by_hand(&self, record: &StepRecord) -> Option<String> {
        removal::by_hand(record)
    }
}
