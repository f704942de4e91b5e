//! The copy of the credentials in the caller's home, where it is asked for.

use std::path::Path;

use super::super::{Conflict, Detection, Gap, Probe};
use crate::host::ProbeError;
use crate::step::{FormerCopy, KUBECONFIG, are_of_one_cluster, user_kubeconfig};

/// What was found of k3s, with what is found of the copy. What is for another cluster is nobody's to replace; what is not
/// the copy of now is made anew, and whose it was is what the records of this host say.
pub(super) fn with_copy(probe: &Probe<'_>, found: Detection) -> Result<Detection, ProbeError> {
    if !probe.settings.user_kubeconfig || matches!(found, Detection::Conflict(_)) {
        return Ok(found);
    }
    let incomplete = |former| match found {
        Detection::Present => Detection::Incomplete(Gap::UserKubeconfig(former)),
        ref found => found.clone(),
    };
    let path = user_kubeconfig(probe.host)?;
    let Some(copy) = probe.host.read_of_caller(&path)? else { return Ok(incomplete(FormerCopy::NotOurs)) };
    match probe.host.read(Path::new(KUBECONFIG))? {
        Some(own) if own == copy && probe.host.is_private(&path)? => Ok(found),
        Some(own) if own == copy || are_of_one_cluster(&own, &copy) => {
            let is_ours = probe.history().wrote_file(&path, &manifest::sha256_hex(&copy));
            Ok(incomplete(if is_ours { FormerCopy::Ours } else { FormerCopy::NotOurs }))
        }
        _ => Ok(Detection::Conflict(Conflict::ForeignKubeconfig(path))),
    }
}
