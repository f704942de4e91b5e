//! What the program has to know of a component.

use std::path::Path;

use manifest::{StepRecord, Undo};
use schema::{Component, Mode};
use serde::Serialize;

use super::{ComponentPlan, Dependent, Detection, Finding, KubernetesMinors, PlanContext, Probe};
use crate::host::{Host, ProbeError};
use crate::settings::Settings;
use crate::step::{ObjectRef, Step};

/// One component. What most components do not have is absent by default, so that each file tells what is special of it.
pub trait Spec: Sync {
    /// Its name in the contract.
    fn id(&self) -> Component;

    /// What it is, in a few words: help of the input that leaves it out.
    fn title(&self) -> &'static str;

    /// What it makes on the host or in the cluster, the most telling first: where it is served, which files, which namespace.
    fn makes(&self, settings: &Settings) -> Vec<String>;

    /// The modes that have it.
    fn modes(&self) -> &'static [Mode];

    /// The version that is installed unless the operator chooses another.
    fn pin(&self) -> Option<Pin> {
        None
    }

    /// The version that a run installs: what the operator chose, or the pin. Empty for what has no version.
    fn version<'a>(&self, settings: &'a Settings) -> &'a str {
        let chosen = settings.versions.get(&self.id()).map(String::as_str);
        chosen.or_else(|| self.pin().map(|pin| pin.default)).unwrap_or_default()
    }

    /// The version that is installed, as the component itself tells; `None` for what does not tell one.
    ///
    /// # Errors
    /// It could not be found out.
    fn installed_version(&self, probe: &Probe<'_>) -> Result<Option<String>, ProbeError> {
        let _ = probe;
        Ok(None)
    }

    /// The command with which the operator brings it to the version of the settings. The program itself upgrades nothing.
    fn upgrade(&self, settings: &Settings) -> Option<String> {
        let _ = settings;
        None
    }

    /// The checksums that an operator can pin for its artifacts.
    fn checksums(&self) -> &'static [ChecksumInput] {
        &[]
    }

    /// The namespace that it has to itself.
    fn namespace(&self) -> Option<&'static str> {
        None
    }

    /// The host name that it is served under.
    fn host_name<'a>(&self, settings: &'a Settings) -> Option<&'a str> {
        let _ = settings;
        None
    }

    /// Where it answers by HTTPS, if it does.
    fn endpoint<'a>(&self, settings: &'a Settings) -> Option<HttpsEndpoint<'a>> {
        let _ = settings;
        None
    }

    /// Programs of the host that its steps call, beside those of every run.
    fn programs(&self) -> &'static [&'static str] {
        &[]
    }

    /// The components that it does not work without. A rollback does not undo these while this one stays.
    fn requires(&self) -> &'static [Component] {
        &[]
    }

    /// How careful a rollback has to be with it.
    fn rollback_class(&self) -> RollbackClass;

    /// The same of what one step made, where that is another matter than the rest of the component.
    fn class_of(&self, record: &StepRecord) -> RollbackClass {
        let _ = record;
        self.rollback_class()
    }

    /// Whether the settings ask for it; leaving it out by name is another matter.
    fn wanted(&self, settings: &Settings) -> bool {
        let _ = settings;
        true
    }

    /// What speaks for or against it before anything is changed.
    fn preflight(&self, probe: &Probe<'_>) -> Vec<Finding> {
        let _ = probe;
        Vec::new()
    }

    /// Whether a step of it could have made what `undo` names. A record says what a run did; this says what a run can do.
    /// Whatever the record says, nothing else is looked at or taken back.
    fn could_make(&self, undo: &Undo) -> bool;

    /// How a step of it is taken back, where that takes more than what the record names. `None` leaves it to the general
    /// rule.
    ///
    /// # Errors
    /// What the steps depend on could not be found out.
    fn undo(&self, record: &StepRecord, host: &Host) -> Result<Option<Vec<Step>>, ProbeError> {
        let _ = (record, host);
        Ok(None)
    }

    /// The data that is lost for good when a step of it is undone: the end of a sentence that begins with `deletes`.
    fn deletes(&self, record: &StepRecord) -> Option<String> {
        let _ = record;
        None
    }

    /// How the operator takes back a step that the program does not, and what stays then, where there is more to say than
    /// the general rule does.
    fn by_hand(&self, record: &StepRecord) -> Option<String> {
        let _ = record;
        None
    }

    /// What stays when a step of it is undone, because the component itself leaves it.
    fn remains(&self, record: &StepRecord) -> &'static [Remainder] {
        let _ = record;
        &[]
    }

    /// What is built on a step of it, beyond what is in it: undoing the step would destroy or break these.
    ///
    /// # Errors
    /// It could not be found out; then the step is not undone.
    fn dependents(&self, record: &StepRecord, host: &Host) -> Result<Vec<Dependent>, ProbeError> {
        let _ = (record, host);
        Ok(Vec::new())
    }

    /// What is there of it. Nothing is changed, and nobody is asked for a password.
    ///
    /// # Errors
    /// It could not be found out, which says nothing about the component.
    fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError>;

    /// What the settings say and a component that is there does not take any more, as a warning; `None` where there is nothing.
    ///
    /// # Errors
    /// It could not be found out.
    fn ignored(&self, probe: &Probe<'_>) -> Result<Option<String>, ProbeError> {
        let _ = probe;
        Ok(None)
    }

    /// What brings it about and what must be so afterwards, given what was found of it.
    fn plan(&self, detection: &Detection, context: &PlanContext<'_>) -> ComponentPlan;
}

/// Something that stays after a component was removed, and how it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Remainder {
    /// What it is.
    pub what: &'static str,
    /// The command that removes it.
    pub command: &'static str,
}

/// Whether `path` lies from `first` to `last`, so that a run that made the last directory may have made it too.
pub(super) fn is_on_the_way(path: &Path, first: &str, last: &str) -> bool {
    path.starts_with(first) && Path::new(last).starts_with(path)
}

/// Where a component answers by HTTPS when it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpsEndpoint<'a> {
    /// The host name that it is served under.
    pub host: &'a str,
    /// A path that is answered without a login.
    pub path: &'static str,
    /// Status codes of an answer that shows that it works.
    pub answers: &'static [u16],
    /// The secret that holds the certificate that it is served with.
    pub certificate: ObjectRef,
}

/// The version of a component that the program was tested with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The version.
    pub default: &'static str,
    /// How versions of this component are written.
    pub form: PinForm,
    /// What the version is of: help of the input that overrides it.
    pub help: &'static str,
    /// The versions of Kubernetes that the default is made for, where its release says so.
    pub kubernetes: Option<KubernetesMinors>,
}

/// How a version is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinForm {
    /// The name of a release: `v3.21.0`.
    Release,
    /// The name of a release of k3s: `v1.35.5+k3s1`.
    K3sRelease,
    /// A container image with its tag: `registry:2.8.3`.
    Image,
}

impl Pin {
    /// A release.
    pub(super) const fn release(default: &'static str, help: &'static str) -> Self {
        Self { default, form: PinForm::Release, help, kubernetes: None }
    }

    /// The same for these minor versions of Kubernetes 1 alone.
    pub(super) const fn for_kubernetes(self, from: u32, to: u32) -> Self {
        Self { kubernetes: Some(KubernetesMinors { from, to }), ..self }
    }

    /// A release of k3s.
    pub(super) const fn k3s_release(default: &'static str, help: &'static str) -> Self {
        Self { default, form: PinForm::K3sRelease, help, kubernetes: None }
    }

    /// An image.
    pub(super) const fn image(default: &'static str, help: &'static str) -> Self {
        Self { default, form: PinForm::Image, help, kubernetes: None }
    }
}

/// A checksum that an operator can pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChecksumInput {
    /// Name of the artifact, the last part of the input's key: `k3s_script` of `checksums.k3s_script`.
    pub artifact: &'static str,
    /// What the checksum is of.
    pub help: &'static str,
}

/// How careful one has to be with taking something back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackClass {
    /// Undone by default.
    Safe,
    /// Undone with `--include moderate`: others may have come to rely on it.
    Moderate,
    /// Never undone by the program.
    Manual,
}

impl RollbackClass {
    /// The word of the table and of the document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Moderate => "moderate",
            Self::Manual => "manual",
        }
    }
}
