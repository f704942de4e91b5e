//! Which cluster a package is for, as the layers above say it.
//!
//! The CLI resolves the target of an installation and hands it down as `KUBECONFIG` and `PK3S_KUBE_CONTEXT`. The shell core
//! works on whatever these name. This program works on the cluster of its own host and on no other, with the credentials
//! of that host; so what is named is compared, by the certificate of its authority, and another cluster is refused. Not to
//! look would be worse than not to support it: the package would land in a cluster that nobody meant.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::host::{Host, ProbeError};
use crate::step::{KUBECONFIG, cluster_authority};

/// A kubeconfig of some clusters has a few kilobytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// The cluster that a layer or an operator names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterTarget {
    kubeconfig: Option<PathBuf>,
    context: Option<String>,
}

/// A package cannot be installed on the cluster that is named.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// `KUBECONFIG` is a list, of which kubectl makes one set of contexts.
    #[error("KUBECONFIG names several files, and a package is for one cluster")]
    SeveralFiles,
    /// The file cannot be read.
    #[error("cannot read the kubeconfig {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file does not say which cluster it is for.
    #[error("the kubeconfig {} has no such context, or its cluster no certificate-authority-data", path.display())]
    NoCluster {
        /// The file.
        path: PathBuf,
    },
    /// The credentials of this host's own cluster could not be looked at.
    #[error("whether the kubeconfig is for the cluster of this host cannot be told")]
    Unknown(#[from] ProbeError),
    /// It is another cluster than that of this host.
    #[error("the kubeconfig {} is for another cluster than the one of this host", path.display())]
    OtherCluster {
        /// The file.
        path: PathBuf,
    },
}

impl TargetError {
    /// What to do.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unknown(_) => {
                "run this as root, or unset KUBECONFIG: packages go to the cluster of this host"
            }
            Self::OtherCluster { .. } => {
                "run the bundle on a server of that cluster, as infra does, or unset KUBECONFIG for the cluster of this host"
            }
            _ => "name one kubeconfig of the cluster of this host, or none",
        }
    }
}

impl ClusterTarget {
    /// What the options say, and where they do not, what the environment says.
    pub fn new(
        kubeconfig: Option<PathBuf>,
        context: Option<String>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        let given = |name| variable(name).filter(|value| !value.is_empty());
        let kubeconfig = kubeconfig.or_else(|| given("KUBECONFIG").map(PathBuf::from));
        let context =
            context.or_else(|| given("PK3S_KUBE_CONTEXT").map(|name| name.to_string_lossy().into_owned()));
        // As the shell core: a context alone is one of the first of these that can be read.
        let of_context = || {
            let home = given("HOME").map(PathBuf::from)?;
            [".kube/k3s.yaml", ".kube/config"]
                .map(|file| home.join(file))
                .into_iter()
                .find(|file| file.is_file())
        };
        let kubeconfig = kubeconfig
            .or_else(|| context.as_ref().map(|_| of_context().unwrap_or_else(|| PathBuf::from(KUBECONFIG))));
        Self { kubeconfig, context }
    }

    /// Whether a cluster is named at all.
    pub const fn is_named(&self) -> bool {
        self.kubeconfig.is_some()
    }

    /// Passes if the cluster is that of `host`, or none is named.
    ///
    /// # Errors
    /// It is another one, or that cannot be told.
    pub fn check(&self, host: &Host) -> Result<(), TargetError> {
        let Some(path) = self.kubeconfig.clone() else { return Ok(()) };
        if path.to_string_lossy().contains(':') {
            return Err(TargetError::SeveralFiles);
        }
        let system = Path::new(KUBECONFIG);
        let Some(own) = host.read(system).map_err(ProbeError::from)? else {
            return Err(TargetError::OtherCluster { path });
        };
        let own = String::from_utf8_lossy(&own).into_owned();
        let named = if path == system { own.clone() } else { read(&path)? };
        match (cluster_authority(&named, self.context.as_deref()), cluster_authority(&own, None)) {
            (Some(named), Some(own)) if named == own => Ok(()),
            (None, _) => Err(TargetError::NoCluster { path }),
            _ => Err(TargetError::OtherCluster { path }),
        }
    }
}

fn read(path: &Path) -> Result<String, TargetError> {
    let unreadable = |source| TargetError::Unreadable { path: path.to_owned(), source };
    // A FIFO would keep the call for ever.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(unreadable(io::ErrorKind::InvalidInput.into()));
    }
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text)).map_err(unreadable)?;
    Ok(text)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "it sets a scene")]
mod tests {
    use std::fs;

    use super::*;
    use crate::host::{RootAccess, RunLog};

    fn kubeconfig(authority: &str, context: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {context}\n\
             clusters:\n- name: here\n  cluster: {{server: 'https://127.0.0.1:6443', certificate-authority-data: {authority}}}\n\
             - name: there\n  cluster: {{server: 'https://127.0.0.1:6443', certificate-authority-data: T1RIRVI=}}\n\
             contexts:\n- name: {context}\n  context: {{cluster: here, user: default}}\n\
             - name: far\n  context: {{cluster: there, user: default}}\n"
        )
    }

    /// What is said of a target on a host whose own kubeconfig is `own`.
    fn check(own: Option<&str>, named: Option<&str>, context: Option<&str>) -> Result<(), TargetError> {
        let root = tempfile::tempdir().expect("a folder");
        if let Some(own) = own {
            fs::create_dir_all(root.path().join("etc/rancher/k3s")).expect("made");
            fs::write(root.path().join("etc/rancher/k3s/k3s.yaml"), own).expect("written");
        }
        let file = root.path().join("named.yaml");
        if let Some(named) = named {
            fs::write(&file, named).expect("written");
        }
        let host = Host::stand_in(root.path(), Vec::new(), RootAccess::Root, RunLog::discard());
        let variable = |name: &str| match name {
            "KUBECONFIG" => Some(file.clone().into_os_string()),
            _ => None,
        };
        ClusterTarget::new(None, context.map(str::to_owned), variable).check(&host)
    }

    #[test]
    fn a_cluster_is_known_by_its_authority() {
        let own = kubeconfig("T1VSUw==", "default");
        // A copy has another name for its context, and may have another address.
        let copy = kubeconfig("T1VSUw==", "pk3s-local").replace("127.0.0.1:6443", "10.0.0.5:6443");
        assert!(check(Some(&own), Some(&copy), None).is_ok());
        assert!(check(Some(&own), Some(&copy), Some("pk3s-local")).is_ok());
        let other = check(Some(&own), Some(&kubeconfig("T1RIRVI=", "default")), None);
        assert!(matches!(other, Err(TargetError::OtherCluster { .. })), "{other:?}");
        let far = check(Some(&own), Some(&copy), Some("far"));
        assert!(matches!(far, Err(TargetError::OtherCluster { .. })), "{far:?}");
        let nowhere = check(None, Some(&own), None);
        assert!(matches!(nowhere, Err(TargetError::OtherCluster { .. })), "a host without a server");
    }

    #[test]
    fn what_names_no_cluster_is_refused() {
        let own = kubeconfig("T1VSUw==", "default");
        for named in ["", "a: [", "kind: Config", &own.replace("cluster: here", "cluster: nowhere")] {
            let found = check(Some(&own), Some(named), None);
            assert!(matches!(found, Err(TargetError::NoCluster { .. })), "{named}: {found:?}");
        }
        let unknown = check(Some(&own), Some(&own), Some("canary"));
        assert!(matches!(unknown, Err(TargetError::NoCluster { .. })), "{unknown:?}");
        assert!(matches!(check(Some(&own), None, None), Err(TargetError::Unreadable { .. })));
    }

    #[test]
    fn options_count_before_variables_and_a_context_alone_has_a_file() {
        let variable = |name: &str| match name {
            "KUBECONFIG" => Some(OsString::from("/a:/b")),
            _ => None,
        };
        let host = Host::stand_in(Path::new("/nowhere"), Vec::new(), RootAccess::Root, RunLog::discard());
        let several = ClusterTarget::new(None, None, variable).check(&host);
        assert!(matches!(several, Err(TargetError::SeveralFiles)), "{several:?}");
        let option = ClusterTarget::new(Some("/c".into()), None, variable);
        assert_eq!(option, ClusterTarget { kubeconfig: Some("/c".into()), context: None });
        let context = ClusterTarget::new(None, Some("default".to_owned()), |_| None);
        assert_eq!(context.kubeconfig.as_deref(), Some(Path::new(KUBECONFIG)));
        assert!(!ClusterTarget::new(None, None, |_| None).is_named());
    }
}
