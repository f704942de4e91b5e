//! Settings for tests.

use std::collections::BTreeSet;
use std::path::PathBuf;

use schema::{Bounded, Mode};

use bootstrap::secret::Secret;
use bootstrap::settings::{
    Agent, Artifacts, Checksums, Longhorn, Nfs, Password, Rancher, Registry, RegistryAuth, Settings, Tls,
    Versions,
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
        },
        nfs: Some(Nfs {
            export_path: PathBuf::from("/srv/nfs/k8s-share"),
            allowed_network: "192.168.0.0/24".to_owned(),
        }),
        manage_hosts_file: true,
        trust_registry_in_docker: true,
        skipped: BTreeSet::new(),
        versions: versions(),
        checksums: Checksums::default(),
        artifacts: Artifacts::Download,
    }
}

/// The versions that the stub host can be given.
pub(crate) fn versions() -> Versions {
    Versions {
        k3s: "v1.35.5+k3s1".to_owned(),
        helm: "v3.21.0".to_owned(),
        cert_manager: "v1.19.4".to_owned(),
        longhorn: "v1.11.1".to_owned(),
        rancher: "v2.14.2".to_owned(),
        registry: "registry:2.8.3".to_owned(),
    }
}
