//! A single node after a run, and what can be broken of it.

use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use serde_json::{Value, json};

use crate::executor::run;
use crate::support::settings::{SECRETS, settings};
use crate::support::stub_host::StubHost;
use bootstrap::settings::Settings;
use bootstrap::step::Sha256Sum;
use schema::Mode;

pub(super) const SERVING: &str = "var/lib/rancher/k3s/server/tls/serving-kube-apiserver.crt";
pub(super) const PING: &str = "GET https://rancher.example.local/ping";
pub(super) const V2: &str = "GET https://registry.example.local/v2/";
pub(super) const UPLOADS: &str = "https://registry.example.local/v2/productive-k3s-verify/blobs/uploads/";
pub(super) const BLOB: &str = "A blob that bootstrap verify pushes, pulls and deletes.\n";

pub(super) fn certificate(from: i32, until: i32) -> String {
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
    params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate").pem()
}

/// The certificate of the kubelet, of which the record of the stub host is only the name.
fn kubelet() -> String {
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2999, 1, 2));
    params.distinguished_name.push(DnType::OrganizationName, "system:nodes");
    params.distinguished_name.push(DnType::CommonName, "system:node:node");
    params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate").pem()
}

/// The request that a blob is uploaded by, and those that it is read and deleted by.
pub(super) fn blob_requests() -> [String; 3] {
    let digest = format!("sha256:{}", Sha256Sum::of(BLOB.as_bytes()));
    let blob = format!("https://registry.example.local/v2/productive-k3s-verify/blobs/{digest}");
    [format!("PUT {UPLOADS}7?_state=a&digest={digest}"), format!("GET {blob}"), format!("DELETE {blob}")]
}

pub(super) fn upload_at(stub: &StubHost, location: &str) {
    stub.answer(&format!("POST {UPLOADS}"), 202, &format!("Location: {location}\r\n"), "");
}

pub(super) fn object(stub: &StubHost, path: &str, object: &Value) {
    stub.put(&format!("stub/api{path}.json"), object.to_string());
}

pub(super) fn volume(stub: &StubHost, state: &str, robustness: &str) {
    let volume = json!({ "metadata": { "name": "pvc-1", "namespace": "longhorn-system" },
        "status": { "state": state, "robustness": robustness } });
    object(stub, "/apis/longhorn.io/v1beta2/namespaces/longhorn-system/volumes/pvc-1", &volume);
}

pub(super) fn claim(stub: &StubHost, status: &str, annotations: &Value) {
    let claim = json!({ "metadata": { "name": "registry-data", "namespace": "registry", "annotations": annotations },
        "spec": { "storageClassName": "lazy" }, "status": { "phase": status } });
    object(stub, "/api/v1/namespaces/registry/persistentvolumeclaims/registry-data", &claim);
}

pub(super) fn issued(stub: &StubHost, status: &Value) {
    let certificate =
        json!({ "metadata": { "name": "registry-tls", "namespace": "registry" }, "status": status });
    object(stub, "/apis/cert-manager.io/v1/namespaces/registry/certificates/registry-tls", &certificate);
}

pub(super) fn pod(stub: &StubHost, namespace: &str, ready: &str) {
    let pod = json!({ "metadata": { "name": "pod" }, "status": { "conditions": [{ "type": "Ready", "status": ready }] } });
    object(stub, &format!("/api/v1/namespaces/{namespace}/pods/pod"), &pod);
}

pub(super) fn class(stub: &StubHost, name: &str, default: bool, binding: &str) {
    let mark = json!({ "storageclass.kubernetes.io/is-default-class": default.to_string() });
    let class = json!({ "metadata": { "name": name, "annotations": mark }, "volumeBindingMode": binding });
    object(stub, &format!("/apis/storage.k8s.io/v1/storageclasses/{name}"), &class);
}

/// No replica of the deployment is available.
pub(super) fn stopped(stub: &StubHost, namespace: &str, deployment: &str) {
    let file = format!("stub/api/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}.json");
    stub.put(&file, stub.text(&file).replace(r#""availableReplicas":1"#, r#""availableReplicas":0"#));
}

/// A single node after a run, what the stand-ins do not make of themselves.
pub(super) fn install() -> (StubHost, Settings) {
    let (stub, settings) = (StubHost::fresh(), settings(Mode::SingleNode));
    run(&stub, &settings).results();
    object(&stub, "/version", &json!({ "gitVersion": "v1.35.5+k3s1" }));
    pod(&stub, "kube-system", "True");
    class(&stub, "lazy", false, "WaitForFirstConsumer");
    claim(&stub, "Bound", &json!({}));
    volume(&stub, "attached", "healthy");
    issued(&stub, &json!({ "notAfter": "2999-01-01T00:00:00Z" }));
    stub.put("var/lib/rancher/k3s/agent/client-kubelet.crt", kubelet());
    stub.put(SERVING, certificate(2020, 2999));
    let secret = stub.text("stub/certificate.json");
    stub.put("stub/api/api/v1/namespaces/cattle-system/secrets/tls-rancher-ingress.json", secret);
    stub.put("stub/https.ca", "certificate\n");
    stub.answer(PING, 200, "", "pong");
    stub.answer(V2, 401, "Www-Authenticate: Basic realm=\"registry\"\r\n", "");
    upload_at(&stub, &format!("{UPLOADS}7?_state=a"));
    let [push, pull, delete] = blob_requests();
    stub.answer(&push, 201, "", "");
    stub.answer(&pull, 200, "", BLOB);
    stub.answer(&delete, 202, "", "");
    for request in [format!("POST {UPLOADS}"), push, pull, delete] {
        stub.beside_answer(&request, "login", &format!("user = \"pusher:{}\"\n", SECRETS[1]));
    }
    (stub, settings)
}
