//! What components that are helm charts share.

use super::{Detection, Gap, PlanContext, Probe, artifacts, image};
use crate::host::ProbeError;
use crate::step::{Action, Artifact, Document, HelmRelease, KUBECONFIG, ObjectRef, Revision, Step};

/// A chart and the release that it becomes.
pub(super) struct Chart {
    /// Name of the chart and of the release.
    pub(super) name: &'static str,
    /// Namespace of the release.
    pub(super) namespace: &'static str,
    /// `https` URL of the repository.
    pub(super) repository: &'static str,
    /// The deployment that shows that the component is there, however it was installed.
    pub(super) deployment: &'static str,
}

impl Chart {
    /// Whether a release of this name is that of the chart.
    pub(super) fn is_of(&self, release: &str, namespace: &str) -> bool {
        (release, namespace) == (self.name, self.namespace)
    }

    /// Present when its release is deployed, or when the deployment is there without a release. A release that never got
    /// that far is incomplete.
    pub(super) fn detect(&self, probe: &Probe<'_>) -> Result<Detection, ProbeError> {
        match self.revisions(probe)?.pop() {
            Some(last) if last.state == "deployed" => Ok(Detection::Present),
            Some(last) => Ok(Detection::Incomplete(Gap::Release(last.state))),
            None => {
                let namespace = self.namespace;
                probe.objects(&[ObjectRef::namespaced("apps/v1", "Deployment", namespace, self.deployment)])
            }
        }
    }

    /// Whether a revision got as far as being deployed, whatever came after it.
    pub(super) fn was_deployed(&self, probe: &Probe<'_>) -> Result<bool, ProbeError> {
        let revisions = self.revisions(probe)?;
        Ok(revisions.iter().any(|revision| ["deployed", "superseded"].contains(&revision.state.as_str())))
    }

    /// The revisions of its release, the oldest first.
    fn revisions(&self, probe: &Probe<'_>) -> Result<Vec<Revision>, ProbeError> {
        let list = probe.path(&Revision::path(self.namespace, self.name))?;
        Ok(list.as_ref().map(Revision::all).unwrap_or_default())
    }

    /// The release that runs. Each of these charts has the version of the program that it installs.
    pub(super) fn installed_version(&self, probe: &Probe<'_>) -> Result<Option<String>, ProbeError> {
        image::release_of_deployment(probe, self.namespace, self.deployment)
    }

    /// How the operator sets one value of what is there, of which `pinned` is the version unless it tells another. helm by
    /// itself looks for a cluster of the caller, and upgrades nothing that is no release.
    pub(super) fn set_by_hand(
        &self,
        probe: &Probe<'_>,
        pinned: &str,
        value: &str,
    ) -> Result<String, ProbeError> {
        let Self { name, namespace, repository, .. } = self;
        if self.revisions(probe)?.is_empty() {
            return Ok(format!(
                "a change of the manifests that {name} was applied from, because it is no helm release"
            ));
        }
        let installed = self.installed_version(probe)?;
        let version = installed.as_deref().unwrap_or(pinned);
        Ok(format!(
            "helm -n {namespace} --kubeconfig {KUBECONFIG} upgrade {name} {name} --repo {repository} --version {version} \
             --reuse-values --set {value}"
        ))
    }

    /// The steps that fetch the chart and bring the release up to date.
    pub(super) fn steps(&self, context: &PlanContext<'_>, chart: Artifact, values: Document) -> [Step; 2] {
        let staged = artifacts::staged(context, &chart);
        let release = HelmRelease {
            release: self.name.to_owned(),
            namespace: self.namespace.to_owned(),
            chart: staged,
            values,
        };
        [
            artifacts::fetch(context, &format!("{} chart", self.name), chart),
            Step::new(format!("{} release", self.name), Action::Helm(release)),
        ]
    }
}
