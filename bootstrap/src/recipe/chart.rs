//! What components that are helm charts share.

use serde_json::Value;

use super::{Context, Detection, Probe, artifacts};
use crate::step::{Action, Artifact, Document, Found, HelmRelease, ObjectRef, Step};

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
    /// Present when its release is deployed, or when the deployment is there without a release. A release that never got
    /// that far is incomplete.
    ///
    /// Helm keeps a secret for each revision. Asking for their labels needs no helm on the host, and no secret is read.
    pub(super) fn detect(&self, probe: &Probe<'_>) -> Detection {
        let query = format!("labelSelector=owner%3Dhelm%2Cname%3D{}", self.name);
        let releases = match probe.path(&format!("/api/v1/namespaces/{}/secrets?{query}", self.namespace)) {
            Found::Object(list) => states(&list),
            Found::NotFound => Vec::new(),
            Found::Unknown(reason) => return Detection::Unknown(reason),
        };
        if releases.iter().any(|state| state == "deployed") {
            return Detection::Present;
        }
        if let Some(state) = releases.last() {
            return Detection::Incomplete(format!("its helm release is {state}"));
        }
        probe.objects(&[ObjectRef::namespaced("apps/v1", "Deployment", self.namespace, self.deployment)])
    }

    /// The steps that fetch the chart and bring the release up to date.
    pub(super) fn steps(&self, context: &Context<'_>, chart: Artifact, values: Document) -> [Step; 2] {
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

fn states(list: &Value) -> Vec<String> {
    let items = list.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let state =
        |item: &Value| item.pointer("/metadata/labels/status").and_then(Value::as_str).map(str::to_owned);
    items.iter().filter_map(state).collect()
}
