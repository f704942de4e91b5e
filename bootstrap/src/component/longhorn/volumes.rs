//! The volumes that Longhorn holds, by its own account. Its removal deletes each of them, whether or not a persistent volume
//! of Kubernetes stands for it.

use serde_json::Value;

use super::super::{Dependent, Identity};
use crate::host::{Host, ProbeError};
use crate::step::{Kube, text};

/// Every volume, leaving with the claim that it was made for, if it is claimed.
pub(super) fn held(host: &Host, namespace: &str) -> Result<Vec<Dependent>, ProbeError> {
    let volumes = Kube(host).items(&format!("/apis/longhorn.io/v1beta2/namespaces/{namespace}/volumes"))?;
    if volumes.is_empty() {
        return Ok(Vec::new());
    }
    let persistent = Kube(host).items("/api/v1/persistentvolumes")?;
    Ok(volumes.iter().map(|volume| dependent(volume, &persistent)).collect())
}

fn dependent(volume: &Value, persistent: &[Value]) -> Dependent {
    let name = text(volume, "/metadata/name").unwrap_or("?");
    let stands_for_it = |found: &&Value| {
        text(found, "/spec/csi/driver") == Some("driver.longhorn.io")
            && text(found, "/spec/csi/volumeHandle") == Some(name)
    };
    let claim = persistent.iter().find(stands_for_it).and_then(|found| {
        let claim = found.pointer("/spec/claimRef")?;
        let place = format!("{}/{}", text(claim, "/namespace")?, text(claim, "/name")?);
        Some((place, text(claim, "/uid")?.to_owned()))
    });
    let own = text(volume, "/metadata/uid").map(|uid| Identity::Uid(uid.to_owned())).into_iter().collect();
    match claim {
        Some((place, uid)) => {
            Dependent { name: format!("volume {name} of claim {place}"), own, with: vec![Identity::Uid(uid)] }
        }
        None => Dependent { name: format!("volume {name}, which nothing claims"), own, with: Vec::new() },
    }
}
