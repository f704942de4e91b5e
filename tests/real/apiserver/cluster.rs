//! etcd, kube-apiserver and kube-controller-manager on ports of loopback that the kernel chooses.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use super::api::{Api, TOKEN};
use super::build::program;
use crate::cache::{Cache, Scratch};
use crate::process::{self, Daemon};

/// A cluster without nodes that is up until this value goes. Fields are dropped in their order: the server goes before
/// the store that it needs.
pub(crate) struct Cluster {
    _controllers: Daemon,
    _server: Daemon,
    etcd: Daemon,
    /// Its API server.
    pub(crate) api: Api,
}

impl Cluster {
    /// Starts it with empty data, and waits until it is ready.
    pub(crate) fn start(cache: &Cache, scratch: &Scratch) -> anyhow::Result<Self> {
        let directory = scratch.directory("cluster")?;
        // Another process may take a port between here and the start; etcd and the server then end, and the tier says so.
        let [client, peer, secure, controllers] = free_ports()?;
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let path = |name: &str| directory.join(name).display().to_string();
        let log = |name: &str| directory.join(format!("{name}.log"));
        let store = [
            format!("--data-dir={}", path("etcd")),
            format!("--listen-client-urls={}", url(client)),
            format!("--advertise-client-urls={}", url(client)),
            format!("--listen-peer-urls={}", url(peer)),
            format!("--initial-advertise-peer-urls={}", url(peer)),
            format!("--initial-cluster=default={}", url(peer)),
            // Nothing here has to outlive a power cut.
            "--unsafe-no-fsync".to_owned(),
        ];
        let etcd = start(&program(cache, "etcd"), &store, &log("etcd"))?;
        let key = path("service-account.key");
        process::output(Command::new("openssl").args(["genrsa", "-out", &key, "2048"]))?;
        fs::write(directory.join("tokens"), format!("{TOKEN},admin,1,\"system:masters\"\n"))?;
        let server = [
            format!("--etcd-servers={}", url(client)),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={secure}"),
            format!("--cert-dir={}", path("certificates")),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            "--service-account-issuer=https://e2e.invalid".to_owned(),
            format!("--service-account-signing-key-file={key}"),
            format!("--service-account-key-file={key}"),
            format!("--token-auth-file={}", path("tokens")),
            "--authorization-mode=AlwaysAllow".to_owned(),
            // Pods are only played, so that no token has to be mounted into them.
            "--disable-admission-plugins=ServiceAccount".to_owned(),
        ];
        let mut server = start(&program(cache, "kube-apiserver"), &server, &log("kube-apiserver"))?;
        let api = Api { port: secure };
        server.until(90, || api.has("/readyz").unwrap_or(false))?;
        let kubeconfig = directory.join("kubeconfig");
        fs::write(&kubeconfig, kubeconfig_of(&api.url()))?;
        let manager = [
            format!("--kubeconfig={}", kubeconfig.display()),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={controllers}"),
            "--port=0".to_owned(),
            format!("--cert-dir={}", path("certificates")),
            "--leader-elect=false".to_owned(),
            // A node that is only played sends no signs of life; today's clusters make no tokens for accounts.
            "--controllers=*,-nodelifecycle,-serviceaccount-token".to_owned(),
        ];
        let mut manager =
            start(&program(cache, "kube-controller-manager"), &manager, &log("kube-controller-manager"))?;
        let signs = ["serviceaccounts/default", "configmaps/kube-root-ca.crt"];
        let seen = |sign: &&str| api.has(&format!("/api/v1/namespaces/default/{sign}")).unwrap_or(false);
        manager.until(60, || signs.iter().all(&seen))?;
        Ok(Self { _controllers: manager, _server: server, etcd, api })
    }

    /// Stops etcd in the middle of whatever it does, so that the API server gets no answer; or lets it go on.
    pub(crate) fn freeze(&self, frozen: bool) -> anyhow::Result<()> {
        process::signal(if frozen { "STOP" } else { "CONT" }, self.etcd.pid())
    }
}

/// Credentials of the administrator for the server at `url`.
pub(crate) fn kubeconfig_of(url: &str) -> String {
    serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "e2e",
        "clusters": [{ "name": "e2e", "cluster": { "server": url, "insecure-skip-tls-verify": true } }],
        "users": [{ "name": "e2e", "user": { "token": TOKEN } }],
        "contexts": [{ "name": "e2e", "context": { "cluster": "e2e", "user": "e2e" } }],
    })
    .to_string()
}

fn start(program: &Path, arguments: &[String], log: &Path) -> anyhow::Result<Daemon> {
    let prepare = |command: &mut Command| {
        command.args(arguments);
    };
    Daemon::start(program, prepare, log)
}

/// Ports that nobody listens on at this moment.
fn free_ports<const COUNT: usize>() -> anyhow::Result<[u16; COUNT]> {
    let mut ports = [0; COUNT];
    let mut held = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}
