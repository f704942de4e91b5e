//! Images of containers, which say which version of a component runs: its projects tag them with the release.

use serde_json::Value;

use super::Probe;
use crate::host::ProbeError;
use crate::step::{ObjectRef, text};

/// The image that a deployment runs; `None` if there is no such deployment. A container beside the first one, such as that
/// of an audit log, is not the component.
pub(super) fn of_deployment(
    probe: &Probe<'_>,
    namespace: &str,
    name: &str,
) -> Result<Option<String>, ProbeError> {
    let found = probe.object(&ObjectRef::namespaced("apps/v1", "Deployment", namespace, name))?;
    let image =
        |deployment: Value| text(&deployment, "/spec/template/spec/containers/0/image").map(str::to_owned);
    Ok(found.and_then(image))
}

/// The release that a deployment runs: the tag of its image.
pub(super) fn release_of_deployment(
    probe: &Probe<'_>,
    namespace: &str,
    name: &str,
) -> Result<Option<String>, ProbeError> {
    let image = of_deployment(probe, namespace, name)?;
    Ok(image.as_deref().and_then(tag).map(str::to_owned))
}

/// The tag of an image. The port of a registry is none, nor is the digest behind it.
pub(super) fn tag(image: &str) -> Option<&str> {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    name.rsplit_once(':').map(|(_, tag)| tag).filter(|tag| !tag.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::tag;

    #[test]
    fn only_a_tag_is_one() {
        for (image, expected) in [
            ("registry:2.8.3", Some("2.8.3")),
            ("mirror.example:5000/rancher/rancher:v2.14.4@sha256:0f", Some("v2.14.4")),
            ("mirror.example:5000/rancher/rancher", None),
            ("registry@sha256:0f", None),
        ] {
            assert_eq!(tag(image), expected, "{image}");
        }
    }
}
