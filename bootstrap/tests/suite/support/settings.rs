//! Settings for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schema::{Bounded, Mode};

use bootstrap::secret::Secret;
use bootstrap::settings::{
    Agent, Artifacts, Longhorn, Nfs, Password, Rancher, Registry, RegistryAuth, Settings, Tls,
};

/// The secrets in [`settings`]: passwords of Rancher and the registry, and the join token.
pub(crate) const SECRETS: [&str; 3] = ["rancher-canary", "registry-canary", "K10token-canary"];

/// The defaults, with everything given that can be given.
pub(crate) fn settings(mode: Mode) -> Settings {
    let given = |secret: &str| Password::Given(Secret::new(secret));
    Settings {
        mode,
        agent: (mode == Mode::Agent).then(|| Agent {
            server_url: "https://server.example.local:6443".to_owned(),
            token: Secret::new(SECRETS[2]),
        }),
        tls: Tls::SelfSigned,
        rancher: Rancher { host: "rancher.example.local".to_owned(), password: given(SECRETS[0]) },
        registry: Registry {
            host: "registry.example.local".to_owned(),
            pvc_size_gib: Bounded::clamped(20),
            storage_class: None,
            auth: Some(RegistryAuth { user: "pusher".to_owned(), password: given(SECRETS[1]) }),
        },
        longhorn: Longhorn {
            data_path: PathBuf::from("/data"),
            replica_count: Bounded::clamped(1),
            minimal_available_percentage: Bounded::clamped(10),
            make_default: true,
            node: false,
        },
        nfs: Some(Nfs {
            export_path: PathBuf::from("/srv/nfs/k8s-share"),
            allowed_network: "192.168.0.0/24".to_owned(),
            no_root_squash: false,
        }),
        manage_hosts_file: true,
        trust_registry_in_docker: true,
        user_kubeconfig: false,
        skipped: BTreeSet::new(),
        versions: BTreeMap::new(),
        checksums: BTreeMap::new(),
        artifacts: Artifacts::Download,
    }
}
