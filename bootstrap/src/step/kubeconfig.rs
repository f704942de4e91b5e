//! The copy of the cluster's credentials that the user who called asks for.
//!
//! It is the administrator's access to the whole cluster, so it is made only where it is asked for, for that user alone,
//! and never over credentials of another cluster.

use std::path::{Path, PathBuf};

use manifest::{PreviousFile, PriorState, Undo};
use schema::Component;
use serde_json::Value;

use super::error::StepError;
use super::executor::{Change, Effect, Executor, StepOutcome};
use super::kube::KUBECONFIG;
use super::unmet::Unmet;
use crate::host::{Host, ProbeError};

/// Where the copy is, below the home directory.
const DIRECTORY: &str = ".kube";
const FILE: &str = "k3s.yaml";

/// What a step that makes the copy may find in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormerCopy {
    /// Nothing, or what the user has from elsewhere.
    NotOurs,
    /// What a former run wrote.
    Ours,
}

/// The path of the copy: `~/.kube/k3s.yaml` of the user who called, as the shell core has it.
///
/// # Errors
/// The user has no home directory.
pub fn user_kubeconfig(host: &Host) -> Result<PathBuf, ProbeError> {
    Ok(host.caller_home()?.join(DIRECTORY).join(FILE))
}

/// Whether a run could have made the copy, or its directory, at this path.
pub fn may_be_user_kubeconfig(undo: &Undo) -> bool {
    let is_plain = |path: &Path| path.is_absolute() && path.components().all(|part| part.as_os_str() != "..");
    match undo {
        Undo::File { path, previous, .. } => {
            let is_ours = matches!(previous, PreviousFile::Absent | PreviousFile::NotKept { .. });
            is_ours && is_plain(path) && path.ends_with(Path::new(DIRECTORY).join(FILE))
        }
        Undo::Directory { path } => is_plain(path) && path.ends_with(DIRECTORY),
        _ => false,
    }
}

/// The certificate authority of the cluster of a context, or else of the current one, as it is written in a kubeconfig. A
/// cluster is told from others by it: addresses of one are many, and `127.0.0.1` is that of every host.
pub fn cluster_authority(kubeconfig: &str, context: Option<&str>) -> Option<String> {
    let tree: Value = serde_saphyr::from_str(kubeconfig).ok()?;
    let named =
        |list: &str, name: &str| tree[list].as_array()?.iter().find(|entry| entry["name"] == name).cloned();
    let context = context.or_else(|| tree["current-context"].as_str())?;
    let cluster = named("contexts", context)?["context"]["cluster"].as_str()?.to_owned();
    let authority =
        named("clusters", &cluster)?["cluster"]["certificate-authority-data"].as_str()?.to_owned();
    Some(authority.split_whitespace().collect())
}

/// Whether two kubeconfigs are for the same cluster.
pub fn are_of_one_cluster(one: &[u8], other: &[u8]) -> bool {
    let authority = |bytes: &[u8]| cluster_authority(&String::from_utf8_lossy(bytes), None);
    authority(one).is_some_and(|found| authority(other) == Some(found))
}

/// Whether the copy is that of the credentials of now.
pub(super) fn observe_copy(host: &Host) -> Result<(), Unmet> {
    let path = user_kubeconfig(host)?;
    let copy = host.read_of_caller(&path)?;
    if copy.is_some() && copy == host.read(Path::new(KUBECONFIG))? && host.is_private(&path)? {
        return Ok(());
    }
    Err(Unmet::NoKubeconfigCopy(path))
}

impl Executor<'_> {
    pub(super) fn copy_kubeconfig(
        &mut self,
        component: Component,
        title: &str,
        former: FormerCopy,
    ) -> Result<Effect, StepError> {
        let source = Path::new(KUBECONFIG);
        let missing = || ProbeError::from(Unmet::FileAbsent(source.to_owned()));
        let bytes = self.host.read(source)?.ok_or_else(missing)?;
        let path = user_kubeconfig(self.host)?;
        let found = self.host.read_of_caller(&path)?;
        if found.as_ref() == Some(&bytes) && self.host.is_private(&path)? {
            return Ok(Effect::Unchanged);
        }
        if found.as_ref().is_some_and(|found| *found != bytes && !are_of_one_cluster(found, &bytes)) {
            return Err(StepError::ForeignKubeconfig(path));
        }
        self.make_kube_directory(component, title, &path)?;
        let (before, previous) = match (&found, former) {
            (None, _) => (PriorState::Absent, PreviousFile::Absent),
            // What a former run made goes with it: it would be of no use to anybody.
            (Some(_), FormerCopy::Ours) => (present("the copy of a former run"), PreviousFile::Absent),
            (Some(found), FormerCopy::NotOurs) => (
                PriorState::Present { what: None },
                PreviousFile::NotKept { sha256: manifest::sha256_hex(found) },
            ),
        };
        let undo = Undo::File { path: path.clone(), sha256: manifest::sha256_hex(&bytes), previous };
        let change = Change { component, action: title.to_owned(), before, undo };
        self.change(change, |this| {
            this.host.write_of_caller(&path, &bytes)?;
            Ok(StepOutcome::wrote(path.display().to_string()))
        })
    }

    /// The directory of the copy, which has a record of its own: kubectl keeps files in it too.
    fn make_kube_directory(
        &mut self,
        component: Component,
        title: &str,
        copy: &Path,
    ) -> Result<(), StepError> {
        let Some(directory) = copy.parent() else { return Ok(()) };
        if self.host.exists(directory)? {
            return Ok(());
        }
        let change = Change::of_absent(component, title, Undo::Directory { path: directory.to_owned() });
        self.change(change, |this| {
            this.host.make_directory_of_caller(directory)?;
            Ok(StepOutcome::wrote(directory.display().to_string()))
        })?;
        Ok(())
    }
}

fn present(what: &str) -> PriorState {
    PriorState::Present { what: Some(what.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_may_name_the_copy_and_nothing_beside_it() {
        let file = |path: &str, previous| Undo::File { path: path.into(), sha256: String::new(), previous };
        let directory = |path: &str| Undo::Directory { path: path.into() };
        assert!(may_be_user_kubeconfig(&file("/home/a/.kube/k3s.yaml", PreviousFile::Absent)));
        assert!(may_be_user_kubeconfig(&directory("/root/.kube")));
        let kept = PreviousFile::Text { content: String::new(), mode: 0o600 };
        for undo in [
            file("/etc/rancher/k3s/k3s.yaml", PreviousFile::Absent),
            file("/home/a/.kube/config", PreviousFile::Absent),
            file("home/a/.kube/k3s.yaml", PreviousFile::Absent),
            file("/home/a/../../.kube/k3s.yaml", PreviousFile::Absent),
            file("/home/a/x.kube/k3s.yaml", PreviousFile::Absent),
            file("/home/a/.kube/k3s.yaml", kept),
            directory("/home/a"),
            directory("/home/a/.kube/cache"),
            Undo::None,
        ] {
            assert!(!may_be_user_kubeconfig(&undo));
        }
    }
}
