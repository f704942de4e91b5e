//! A cluster that belongs to others too, and API servers that do not answer.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use serde_json::json;
use tests::eventually;

use super::cluster::kubeconfig_of;
use super::fixtures::deployment;
use super::setup::{ApiSetup, PATHS, RUN};
use crate::transcript::{Transcript, all, contains, equal, holds};

const NAMESPACE: &str = "/api/v1/namespaces/registry";

/// Components that are looked up on the API server.
const IN_CLUSTER: [&str; 6] =
    ["cert_manager", "clusterissuer", "longhorn", "rancher", "registry", "docker_registry_trust"];

/// Somebody else's workload where ours is to go is a warning, and without consent nothing happens.
pub(crate) fn foreign_workload(setup: &ApiSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("Somebody else's workload in the namespace of the registry");
    let api = setup.api();
    api.create(
        "/api/v1/namespaces",
        &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "registry" } }),
    )?;
    api.create("/apis/apps/v1/namespaces/registry/deployments", &deployment("registry", "theirs"))?;
    let before = setup.settled()?;
    let run = setup.call(&[&RUN[..], &["--yes"]].concat())?;
    transcript.check(
        "without --accept-warnings: exit code 3, and it is named",
        all([
            equal(&run.code, &3),
            contains(&run.text(), &["namespace registry holds workloads that are not of registry"]),
        ]),
    );
    transcript.check("and nothing was created or changed", equal(&api.versions(&PATHS)?, &before));
    api.delete(NAMESPACE)?;
    anyhow::ensure!(
        eventually(Duration::from_mins(1), || matches!(api.has(NAMESPACE), Ok(false))),
        "the namespace stays"
    );
    Ok(())
}

/// No answer is not the answer that there is nothing.
pub(crate) fn no_answer(setup: &ApiSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("API servers that do not answer");
    let before = setup.settled()?;
    // Errors of code 500 come back at once and are what etcd in trouble gives; the frozen etcd below is the other kind.
    let failing = TcpListener::bind(("127.0.0.1", 0))?;
    let url = format!("http://127.0.0.1:{}", failing.local_addr()?.port());
    // It ends with this process.
    thread::spawn(move || answer_all(&failing));
    setup.machine.write("/etc/rancher/k3s/k3s.yaml", &kubeconfig_of(&url), 0o600)?;
    let dry = setup.call(&[&RUN[..], &["--dry-run", "--json"]].concat())?;
    let plan = dry.document()["plan"].as_array().cloned().unwrap_or_default();
    let planned = |name: &str| plan.iter().find(|planned| planned["component"] == name).cloned();
    let words = IN_CLUSTER.map(|name| planned(name).unwrap_or_default()["detected_before"].clone());
    transcript.check(
        "code 500: a dry run says unknown of all that is in the cluster",
        equal(&words.to_vec(), &vec![json!("unknown"); words.len()]),
    );
    let run = setup.run(&[])?;
    transcript.check(
        &format!("code 500: the run refuses with exit code 1 ({})", run.seconds()),
        all([equal(&run.code, &1), contains(&run.text(), &["cannot be planned", "nothing was changed"])]),
    );
    setup.machine.write("/etc/rancher/k3s/k3s.yaml", &kubeconfig_of(&setup.api().url()), 0o600)?;
    setup.cluster.freeze(true)?;
    let run = setup.run(&[]);
    setup.cluster.freeze(false)?;
    let run = run?;
    let patient = holds(run.took < Duration::from_mins(2), "dozens of questions waited for their answer");
    transcript
        .check("a frozen etcd: a question that gets no answer is not followed by dozens of others", patient);
    transcript.check(
        &format!("a frozen etcd: the run refuses with exit code 1 ({})", run.seconds()),
        all([equal(&run.code, &1), contains(&run.text(), &["cannot be planned"])]),
    );
    anyhow::ensure!(
        eventually(Duration::from_mins(1), || matches!(setup.api().has("/readyz"), Ok(true))),
        "the server stays down"
    );
    transcript.check("no object has changed", equal(&setup.api().versions(&PATHS)?, &before));
    transcript.check("with the server back the run reuses all", holds(setup.run(&[])?.code == 0, ""));
    Ok(())
}

/// Answers every request as an API server in trouble does.
fn answer_all(listener: &TcpListener) {
    let body = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 500,
        "reason": "InternalError", "message": "Internal error occurred: etcdserver: request timed out" })
    .to_string();
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
        let _ = stream.read(&mut [0; 4096]);
        let _ = write!(
            stream,
            "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
    }
}
