//! What the cluster lacks: nodes that run pods, and cert-manager. Both are played on the objects themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

use super::api::Api;

/// Plays until it goes.
pub(crate) struct Simulation {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Simulation {
    /// Begins to play.
    pub(crate) fn start(api: Api) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                // What fails now, because the server is being stopped or an object goes away, is tried again.
                let _ = run_pods(&api);
                let _ = make_issuers_ready(&api);
                let _ = issue_certificates(&api);
                // Watching needs a client that can; asking again is quick enough for waits of seconds.
                thread::sleep(Duration::from_millis(200));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

/// The node that all pods are put on.
pub(crate) const NODE: &str = "e2e";

/// Each pod is put on the node, is as a kubelet reports it when all its containers run, and goes when it is to go.
fn run_pods(api: &Api) -> anyhow::Result<()> {
    let status = json!({ "status": {
        "phase": "Running",
        "podIP": "10.42.0.7",
        "podIPs": [{ "ip": "10.42.0.7" }],
        "conditions": [
            { "type": "Initialized", "status": "True" },
            { "type": "Ready", "status": "True" },
            { "type": "ContainersReady", "status": "True" },
        ],
    }});
    for pod in api.list("/api/v1/pods")? {
        let path = format!("/api/v1/namespaces/{}/pods/{}", word(&pod, "namespace"), word(&pod, "name"));
        // Only a kubelet confirms a deletion; without it a namespace with pods never goes away.
        if !pod["metadata"]["deletionTimestamp"].is_null() {
            api.delete(&format!("{path}?gracePeriodSeconds=0"))?;
            continue;
        }
        if pod["spec"]["nodeName"].is_null() {
            let target = json!({ "apiVersion": "v1", "kind": "Node", "name": NODE });
            // Through the binding as a scheduler does it: the server refuses a node name in an update of the pod.
            let binding = json!({ "apiVersion": "v1", "kind": "Binding", "metadata": { "name": word(&pod, "name") },
                "target": target });
            api.create(&format!("{path}/binding"), &binding)?;
        }
        if pod["status"]["phase"] != "Running" {
            api.merge(&format!("{path}/status"), &status)?;
        }
    }
    Ok(())
}

fn make_issuers_ready(api: &Api) -> anyhow::Result<()> {
    for issuer in api.list(ISSUERS)? {
        if issuer["status"].is_null() {
            let status = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
            api.merge(&format!("{ISSUERS}/{}/status", word(&issuer, "name")), &status)?;
        }
    }
    Ok(())
}

/// Of each ingress with the annotation, cert-manager makes a certificate that the ingress owns, and of each certificate a
/// secret that nobody owns.
fn issue_certificates(api: &Api) -> anyhow::Result<()> {
    for ingress in api.list("/apis/networking.k8s.io/v1/ingresses")? {
        let issuer = &ingress["metadata"]["annotations"]["cert-manager.io/cluster-issuer"];
        let Some(issuer) = issuer.as_str() else { continue };
        let namespace = word(&ingress, "namespace");
        for tls in ingress["spec"]["tls"].as_array().into_iter().flatten() {
            let name = tls["secretName"].as_str().unwrap_or_default();
            let certificates = format!("/apis/cert-manager.io/v1/namespaces/{namespace}/certificates");
            if !api.has(&format!("{certificates}/{name}"))? {
                let owner = json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": word(&ingress, "name"),
                    "uid": word(&ingress, "uid"), "controller": true, "blockOwnerDeletion": true });
                let certificate = json!({ "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
                    "metadata": { "name": name, "ownerReferences": [owner] },
                    "spec": { "secretName": name, "issuerRef": { "kind": "ClusterIssuer", "name": issuer } } });
                api.create(&certificates, &certificate)?;
            }
        }
    }
    for certificate in api.list("/apis/cert-manager.io/v1/certificates")? {
        let (namespace, name) = (word(&certificate, "namespace"), word(&certificate, "name"));
        let secrets = format!("/api/v1/namespaces/{namespace}/secrets");
        let leaving = !certificate["metadata"]["deletionTimestamp"].is_null();
        if !leaving && !api.has(&format!("{secrets}/{name}"))? {
            let pem =
                format!("-----BEGIN CERTIFICATE-----\ne2e {namespace} {name}\n-----END CERTIFICATE-----\n");
            let secret = json!({ "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
                "metadata": { "name": name, "annotations": { "cert-manager.io/certificate-name": name } },
                "stringData": { "tls.crt": pem, "tls.key": "none", "ca.crt": pem } });
            api.create(&secrets, &secret)?;
        }
    }
    Ok(())
}

const ISSUERS: &str = "/apis/cert-manager.io/v1/clusterissuers";

fn word<'a>(object: &'a Value, key: &str) -> &'a str {
    object["metadata"][key].as_str().unwrap_or_default()
}
