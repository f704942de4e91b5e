//! What of the cluster a run would collide with.

use schema::{Component, Mode};

use crate::support::settings::settings;
use crate::support::stub_host::StubHost;
use bootstrap::platform::platform;
use bootstrap::preflight::check;
use bootstrap::settings::Settings;

const DEPLOYMENT: &str = r#"{"kind":"Deployment","metadata":{"name":"shop","namespace":"registry"}}"#;
const INGRESS: &str = r#"{"kind":"Ingress","metadata":{"name":"shop","namespace":"shop"},
    "spec":{"rules":[{"host":"registry.example.local"}]}}"#;

fn findings(stub: &StubHost, settings: &Settings) -> Vec<&'static str> {
    const OF_THE_CLUSTER: [&str; 3] = ["namespace", "ingress", "storage_class"];
    let report = check(&stub.host(), &platform("", "x86_64"), settings);
    let mut found: Vec<&str> = report.findings.iter().map(|finding| finding.check).collect();
    found.retain(|check| OF_THE_CLUSTER.contains(check));
    found.sort_by_key(|check| OF_THE_CLUSTER.iter().position(|known| known == check));
    found
}

#[test]
fn a_clean_cluster_and_no_cluster_raise_nothing() {
    let wanted = settings(Mode::Stack);
    assert!(findings(&StubHost::fresh().with_server(), &wanted).is_empty());
    let none = StubHost::fresh();
    assert!(findings(&none, &wanted).is_empty());
    assert!(
        none.calls().iter().all(|call| !call.starts_with("k3s")),
        "a cluster that is not there is not asked"
    );
}

#[test]
fn collisions_are_named() {
    let stub = StubHost::fresh().with_server();
    let mut wanted = settings(Mode::Stack);
    stub.put("stub/api/apis/apps/v1/namespaces/registry/deployments/shop.json", DEPLOYMENT);
    assert_eq!(findings(&stub, &wanted), ["namespace"]);
    stub.put("stub/api/apis/networking.k8s.io/v1/namespaces/shop/ingresses/shop.json", INGRESS);
    assert_eq!(findings(&stub, &wanted), ["namespace", "ingress"]);
    wanted.registry.storage_class = Some("fast".to_owned());
    assert_eq!(findings(&stub, &wanted), ["namespace", "ingress", "storage_class"]);
    wanted.registry.storage_class = Some("local-path".to_owned());
    wanted.skipped.insert(Component::Registry);
    assert!(findings(&stub, &wanted).is_empty(), "what is left out collides with nothing");
}
