//! What the upstream releases publish, as far as a run looks at it.

#![expect(clippy::disallowed_methods, reason = "it sets a scene, nothing of ours")]

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use bootstrap::component::spec;
use schema::Component;

use super::stub_host::{SCRIPTS, StubHost, sum_lines};

impl StubHost {
    /// Serves every release at its own URL.
    pub(crate) fn publish(&self) {
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
        let tag = "https://api.github.com/repos/cert-manager/cert-manager/releases/tags/v1.19.4";
        self.serve(tag, format!(r#"{{"assets":[{{"name":"{asset}","digest":"sha256:{digest}"}}]}}"#));
        let cert_manager = "https://github.com/cert-manager/cert-manager/releases/download/v1.19.4";
        self.serve(&format!("{cert_manager}/{asset}"), CERT_MANAGER);
        self.publish_chart(
            "https://charts.longhorn.io",
            "longhorn",
            "1.11.1",
            "https://elsewhere.test/longhorn-1.11.1.tgz",
        );
        let rancher = "https://releases.rancher.com/server-charts/stable";
        self.publish_chart(rancher, "rancher", "2.14.2", "rancher-2.14.2.tgz");
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
const CERT_MANAGER: &str = "\
---
apiVersion: v1
kind: Namespace
metadata: {name: cert-manager}
---
# Nothing here.
---
apiVersion: v1
kind: Service
metadata: {name: cert-manager-webhook, namespace: cert-manager}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cert-manager-cainjector, namespace: cert-manager}
spec: {replicas: 1}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cert-manager, namespace: cert-manager}
spec: {replicas: 1}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cert-manager-webhook, namespace: cert-manager}
spec: {replicas: 1}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: cert-manager-webhook}
";

fn pin(component: Component) -> &'static str {
    spec(component).pin().expect("it has a version").default
}
