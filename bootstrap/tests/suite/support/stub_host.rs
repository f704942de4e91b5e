//! A folder that stands for a machine: small programs that record how they are called and keep state, with system paths
//! under a temporary root. It needs no root and reaches no network.

#![expect(clippy::disallowed_methods, reason = "it sets a scene, nothing of ours")]

use std::cell::{Cell, RefCell};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use manifest::PrivateContext;
use rcgen::{CertificateParams, DnType, Issuer, KeyPair, date_time_ymd};
use schema::Component;
use tempfile::TempDir;

use bootstrap::component::{RunHistory, spec_of};
use bootstrap::host::{Host, RootAccess, RunLog, STAGING};
use bootstrap::step::Timing;

use super::PATIENT;

pub(crate) const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/support/stub");

/// Real programs that the stand-ins, and we, need.
const TOOLS: [&str; 32] = [
    "sh",
    "date",
    "tar",
    "gzip",
    "env",
    "cat",
    "cp",
    "cut",
    "grep",
    "head",
    "ls",
    "mkdir",
    "rm",
    "sed",
    "sleep",
    "tr",
    "ln",
    "install",
    "mv",
    "sync",
    "kill",
    "true",
    "dd",
    "rmdir",
    "sort",
    "sha256sum",
    "test",
    "mountpoint",
    "chmod",
    "readlink",
    "wc",
    "base64",
];

/// A machine made of a folder, removed at the end of the test.
pub(crate) struct StubHost {
    folder: TempDir,
    log: PathBuf,
    runs: RefCell<Vec<PrivateContext>>,
    timing: Cell<Timing>,
}

impl StubHost {
    /// A fresh Debian host with systemd and nothing else; every release can be downloaded.
    pub(crate) fn fresh() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (log, runs) = (folder.path().join("stub/log"), RefCell::default());
        let host = Self { folder, log, runs, timing: Cell::new(PATIENT) };
        for made in [
            "etc/systemd/system",
            "usr/local/bin",
            "var/lib",
            "var/tmp",
            "stub/bin",
            "stub/tools",
            "stub/services",
            "stub/packages",
            "stub/input",
            "stub/web",
            "stub/api",
        ] {
            fs::create_dir_all(host.path(made)).expect("folder");
        }
        symlink(format!("{SCRIPTS}/record.sh"), host.path("stub/record.sh")).expect("link");
        symlink(format!("{SCRIPTS}/https.sh"), host.path("stub/https.sh")).expect("link");
        symlink(format!("{SCRIPTS}/optional"), host.path("stub/optional")).expect("link");
        for script in fs::read_dir(format!("{SCRIPTS}/bin")).expect("scripts") {
            let script = script.expect("script");
            symlink(script.path(), host.path("stub/bin").join(script.file_name())).expect("link");
        }
        for tool in TOOLS {
            let real = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(tool));
            let real =
                real.into_iter().find(|path| path.exists()).unwrap_or_else(|| panic!("no {tool} here"));
            symlink(real, host.path("stub/tools").join(tool)).expect("link");
        }
        host.put("stub/count", "0\n");
        host.put("stub/calls", "");
        host.put("stub/environments", "");
        host.put("etc/hosts", "127.0.0.1 localhost\n");
        host.put("etc/machine-id", "this-machine\n");
        host.put("proc/net/fib_trie", "     |-- 10.0.0.5\n        /32 host LOCAL\n");
        host.put("stub/kubelet.crt", kubelet_certificate());
        host.put("stub/local-path.json", LOCAL_PATH);
        host.put("stub/certificate.json", CERTIFICATE_SECRET);
        host.publish();
        host
    }

    /// Another host in the same state. Much faster than bringing it into that state again.
    pub(crate) fn copied(&self) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (log, runs) = (folder.path().join("stub/log"), self.runs.clone());
        let host = Self { folder, log, runs, timing: self.timing.clone() };
        let from = self.folder.path().join(".");
        let copy = Command::new("cp").arg("-a").arg(from).arg(host.folder.path()).status();
        assert!(copy.expect("cp").success());
        host
    }

    /// The host as root would see it.
    pub(crate) fn host(&self) -> Host {
        self.host_as(RootAccess::Root)
    }

    /// The host as somebody with this root access would see it.
    pub(crate) fn host_as(&self, root_access: RootAccess) -> Host {
        let log = fs::OpenOptions::new().create(true).append(true).open(&self.log).expect("log");
        let search = ["stub/bin", "usr/local/bin", "stub/tools"].map(|folder| self.path(folder)).to_vec();
        Host::stand_in(self.folder.path(), search, root_access, RunLog::to(log))
    }

    /// How long runs wait for what this host brings about.
    pub(crate) fn timing(&self) -> Timing {
        self.timing.get()
    }

    /// Lets them wait so long from now on.
    pub(crate) fn set_timing(&self, timing: Timing) {
        self.timing.set(timing);
    }

    /// Keeps the record of a run, as the runs folder does.
    pub(crate) fn remember(&self, context: &PrivateContext) {
        self.runs.borrow_mut().push(context.clone());
    }

    /// What the runs on this host did so far.
    pub(crate) fn history(&self) -> RunHistory {
        RunHistory::new(self.runs.borrow().clone())
    }

    /// A path under the root.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.trim_start_matches('/'))
    }

    /// Where a run keeps what it fetched.
    pub(crate) fn staging(&self) -> PathBuf {
        self.path(STAGING).join(crate::support::RUN)
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn put(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        fs::write(path, content).expect("file");
    }

    /// Gives a file permission bits.
    pub(crate) fn set_mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).expect("a mode");
    }

    /// The permission bits of a file.
    pub(crate) fn mode(&self, path: &str) -> u32 {
        fs::metadata(self.path(path)).expect("it is there").permissions().mode() & 0o7777
    }

    /// A file's text; empty if it is not there.
    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    /// Every call so far, a line each: the program, and each argument in brackets.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.text("stub/calls").lines().map(str::to_owned).collect()
    }

    /// Forgets the calls so far.
    pub(crate) fn forget_calls(&self) {
        self.put("stub/calls", "");
        self.put("stub/count", "0\n");
        let _ = fs::remove_file(self.path("stub/fail-at"));
    }

    /// Lets the call with this number fail, counted from the last [`Self::forget_calls`].
    pub(crate) fn fail_at(&self, number: usize) {
        self.put("stub/fail-at", format!("{number}\n"));
    }

    /// The log of the run.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Makes the program k3s present.
    pub(crate) fn with_program(self) -> Self {
        symlink(format!("{SCRIPTS}/optional/k3s"), self.path("usr/local/bin/k3s")).expect("link");
        self
    }

    /// Makes k3s present and active with helm beside it, as a finished server run leaves it.
    pub(crate) fn with_server(self) -> Self {
        for program in ["k3s", "helm"] {
            symlink(format!("{SCRIPTS}/optional/{program}"), self.path("usr/local/bin").join(program))
                .expect("link");
        }
        self.put("etc/systemd/system/k3s.service", UNIT);
        self.put("etc/rancher/k3s/k3s.yaml", "");
        self.put("var/lib/rancher/k3s/server/manifests/local-storage.yaml", "");
        let traefik = fs::read(format!("{SCRIPTS}/optional/traefik.json")).expect("deployment");
        self.put("stub/api/apis/apps/v1/namespaces/kube-system/deployments/traefik.json", traefik);
        self.put("stub/services/k3s.enabled", "");
        self.joined("k3s");
        self
    }

    /// Adds the kinds of cert-manager, without which the API server takes no object of them.
    pub(crate) fn with_kinds_of_cert_manager(self) -> Self {
        let names = CERT_MANAGER.lines().filter_map(|line| line.strip_prefix("metadata: {name: "));
        for name in
            names.filter_map(|name| name.strip_suffix('}')).filter(|name| name.ends_with("cert-manager.io"))
        {
            let path = "stub/api/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
            self.put(&format!("{path}/{name}.json"), "{}");
        }
        self
    }

    /// Lets the k3s of `unit` come up, as it does when nothing is wrong with it.
    pub(crate) fn joined(&self, unit: &str) {
        let script = r#"state=$stub/services/$unit; . "$stub/optional/k3s-joined""#;
        let mut sh = Command::new("sh");
        sh.args(["-c", script]).env("stub", self.path("stub")).env("unit", unit);
        assert!(sh.status().expect("sh").success());
    }

    /// Serves `content` at `url`, which is `https`.
    pub(crate) fn serve(&self, url: &str, content: impl AsRef<[u8]>) {
        self.put(&format!("stub/web/{}", url_file(url)), content);
    }

    /// Stops serving `url`.
    pub(crate) fn withdraw(&self, url: &str) {
        fs::remove_file(self.path(&format!("stub/web/{}", url_file(url)))).expect("was served");
    }

    /// Moves everything that a release publishes to a folder, as an operator without network would.
    pub(crate) fn artifacts_folder(&self) -> PathBuf {
        let folder = self.path("artifacts");
        fs::create_dir_all(&folder).expect("folder");
        for images in IMAGES {
            self.serve(&format!("https://elsewhere.test/{images}"), images);
        }
        let mut sums = String::new();
        for file in fs::read_dir(self.path("stub/web")).expect("web") {
            let path = file.expect("file").path();
            let name = path.to_string_lossy().rsplit('=').next().unwrap_or_default().to_owned();
            let content = fs::read(&path).expect("content");
            sums += &sum_lines(&[(&name, &content)]);
            fs::write(folder.join(name), content).expect("copy");
            fs::remove_file(path).expect("withdraw");
        }
        fs::write(folder.join("SHA256SUMS"), sums).expect("sums");
        folder
    }
}

/// Lines as `sha256sum` writes them.
pub(crate) fn sum_lines<C: AsRef<[u8]>>(files: &[(&str, C)]) -> String {
    let line = |(name, content): &(&str, C)| format!("{}  {name}\n", manifest::sha256_hex(content.as_ref()));
    files.iter().map(line).collect::<Vec<_>>().concat()
}

fn url_file(url: &str) -> String {
    url.strip_prefix("https://").expect("https").replace('/', "=")
}

/// Archives of images that somebody made for a host without network.
pub(crate) const IMAGES: [&str; 5] = [
    "k3s-airgap-images-amd64.tar.zst",
    "cert_manager-images-v1.20.3-amd64.tar.zst",
    "longhorn-images-v1.11.3-amd64.tar.zst",
    "rancher-images-v2.14.4-amd64.tar.zst",
    "registry-images-2.8.3-amd64.tar.zst",
];

/// The unit that the install script writes.
pub(crate) const UNIT: &str = "[Service]\nType=notify\nEnvironmentFile=-/etc/default/%N\n\
    EnvironmentFile=-/etc/systemd/system/k3s.service.env\nExecStart=/usr/local/bin/k3s \\\n    server\n\n";

const LOCAL_PATH: &str = r#"{"metadata":{"name":"local-path","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}}}"#;

/// The certificate is `certificate\n` in base64.
const CERTIFICATE_SECRET: &str =
    r#"{"metadata":{"name":"registry-tls"},"data":{"ca.crt":"","tls.crt":"Y2VydGlmaWNhdGUK"}}"#;

impl StubHost {
    /// Serves every release at its own URL.
    fn publish(&self) {
        let script = |name| fs::read_to_string(format!("{SCRIPTS}/optional/{name}")).expect("script");
        let k3s = script("k3s");
        let release = "https://github.com/k3s-io/k3s/releases/download/v1.35.5%2Bk3s1";
        self.serve(&format!("{release}/k3s"), &k3s);
        self.serve(
            &format!("{release}/sha256sum-amd64.txt"),
            sum_lines(&[("k3s", k3s.as_str()), ("other", "x")]),
        );
        let source = "https://raw.githubusercontent.com/k3s-io/k3s/v1.35.5%2Bk3s1";
        let installer = format!("stub={}\n{}", self.path("stub").display(), script("install.sh"));
        self.serve(&format!("{source}/install.sh"), &installer);
        self.serve(&format!("{source}/install.sh.sha256sum"), sum_lines(&[("install.sh", &installer)]));
        let helm = helm_archive(&script("helm"));
        let name = format!("helm-{}-linux-amd64.tar.gz", pin(Component::Helm));
        self.serve(&format!("https://get.helm.sh/{name}.sha256sum"), sum_lines(&[(&name, helm)]));
        self.serve(&format!("https://get.helm.sh/{name}"), helm);
        let digest = manifest::sha256_hex(CERT_MANAGER.as_bytes());
        let asset = "cert-manager.yaml";
        let tag = "https://api.github.com/repos/cert-manager/cert-manager/releases/tags/v1.20.3";
        self.serve(tag, format!(r#"{{"assets":[{{"name":"{asset}","digest":"sha256:{digest}"}}]}}"#));
        let cert_manager = "https://github.com/cert-manager/cert-manager/releases/download/v1.20.3";
        self.serve(&format!("{cert_manager}/{asset}"), CERT_MANAGER);
        self.publish_chart(
            "https://charts.longhorn.io",
            "longhorn",
            "1.11.3",
            "https://elsewhere.test/longhorn-1.11.3.tgz",
        );
        let rancher = "https://releases.rancher.com/server-charts/stable";
        self.publish_chart(rancher, "rancher", "2.14.4", "rancher-2.14.4.tgz");
    }

    fn publish_chart(&self, repository: &str, chart: &str, version: &str, url: &str) {
        let content = format!("chart {chart}");
        let digest = manifest::sha256_hex(content.as_bytes());
        let entry = format!("  - version: {version}\n    digest: {digest}\n    urls: [{url}]\n");
        let older = "  - version: 0.1.0\n    urls: [old.tgz]\n";
        self.serve(&format!("{repository}/index.yaml"), format!("entries:\n  {chart}:\n{older}{entry}"));
        let full = if url.contains("://") { url.to_owned() } else { format!("{repository}/{url}") };
        self.serve(&full, content);
    }
}

/// What a server signs for the kubelet of the node `node`, made once.
fn kubelet_certificate() -> &'static str {
    static CERTIFICATE: OnceLock<String> = OnceLock::new();
    CERTIFICATE.get_or_init(|| {
        let (mut authority, mut kubelet) = (CertificateParams::default(), CertificateParams::default());
        authority.distinguished_name.push(DnType::CommonName, "k3s-client-ca@1795629989");
        kubelet.distinguished_name.push(DnType::OrganizationName, "system:nodes");
        kubelet.distinguished_name.push(DnType::CommonName, "system:node:node");
        kubelet.not_after = date_time_ymd(2999, 1, 1);
        let [signer, key] = [(); 2].map(|()| KeyPair::generate().expect("a key"));
        kubelet.signed_by(&key, &Issuer::new(authority, signer)).expect("a certificate").pem()
    })
}

/// The archive of helm's release, made once.
fn helm_archive(program: &str) -> &'static [u8] {
    static ARCHIVE: OnceLock<Vec<u8>> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("temporary folder");
        fs::create_dir(folder.path().join("linux-amd64")).expect("folder");
        fs::write(folder.path().join("linux-amd64/helm"), program).expect("program");
        let tar =
            Command::new("tar").args(["-czf", "-", "-C"]).arg(folder.path()).arg("linux-amd64").output();
        let tar = tar.expect("tar");
        assert!(tar.status.success());
        tar.stdout
    })
}

/// As much of cert-manager's manifest as detection and verification look at.
const CERT_MANAGER: &str = include_str!("stub/cert-manager.yaml");

fn pin(component: Component) -> &'static str {
    spec_of(component).pin().expect("it has a version").default
}
