//! A backup of a stub host, and what a restore makes of it.

use std::collections::BTreeMap;
use std::path::Path;

use bootstrap::backup::{Backup, SecretsInBackup, collect};
use serde_json::Value;

use crate::support::stub_host::StubHost;

const CANARY: &str = "canary-of-a-secret";

fn host() -> StubHost {
    let stub = StubHost::fresh().with_server();
    stub.put("etc/hosts", "127.0.0.1 localhost\n10.0.0.9 printer\n");
    stub.put("etc/exports", "/srv/nfs/k8s-share 10.0.0.0/8(rw)\n");
    stub.put("etc/docker/certs.d/registry.example.local/ca.crt", "certificate\n");
    stub.put("etc/rancher/k3s/k3s.yaml", CANARY);
    stub.put("etc/systemd/system/k3s.service.env", format!("K3S_TOKEN={CANARY}\n"));
    stub.put("var/lib/rancher/k3s/server/token", CANARY);
    stub.put("var/lib/rancher/k3s/server/manifests/mine.yaml", "kind: Namespace\n");
    stub.put("var/lib/rancher/k3s/server/manifests/login.yaml", format!("kind: \"Secret\"\na: {CANARY}\n"));
    let manifests = "var/lib/rancher/k3s/server/manifests";
    stub.put(
        &format!("{manifests}/list.yaml"),
        format!("kind: List\nitems:\n- kind: Secret\n  a: {CANARY}\n"),
    );
    stub.put(&format!("{manifests}/login.json"), format!("{{\"a\":\"{CANARY}\",\"kind\": \"Secret\"}}"));
    stub.put(&format!("{manifests}/flow.yaml"), format!("{{kind: 'Secret', a: {CANARY}}}\n"));
    let key = format!("-----BEGIN EC PRIVATE KEY-----\n{CANARY}\n-----END EC PRIVATE KEY-----\n");
    stub.put("etc/docker/certs.d/registry.example.local/client.key", key);
    let object = |path: &str, text: &str| stub.put(&format!("stub/api/{path}.json"), text);
    object(
        "api/v1/namespaces/shop/configmaps/prices",
        r#"{"metadata":{"name":"prices","namespace":"shop","uid":"1","resourceVersion":"7"},"data":{"apple":"3"},"status":{}}"#,
    );
    object(
        "apis/apps/v1/namespaces/shop/deployments/made",
        r#"{"metadata":{"name":"made","namespace":"shop","ownerReferences":[{"controller":true}]}}"#,
    );
    object(
        "api/v1/namespaces/shop/secrets/login",
        &format!(r#"{{"metadata":{{"name":"login","namespace":"shop"}},"data":{{"a":"{CANARY}"}}}}"#),
    );
    for (plural, kind) in [("apples", "Apple"), ("appletokens", "AppleToken")] {
        let definition = format!(
            r#"{{"metadata":{{"name":"{plural}.shop.example"}},"spec":{{"group":"shop.example","names":{{"plural":"{plural}","kind":"{kind}"}},"versions":[{{"name":"v1alpha1","storage":false}},{{"name":"v1","storage":true}}]}}}}"#
        );
        object(
            &format!("apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.shop.example"),
            &definition,
        );
        let custom =
            format!(r#"{{"metadata":{{"name":"one","namespace":"shop"}},"spec":{{"a":"{CANARY}-{kind}"}}}}"#);
        object(&format!("apis/shop.example/v1/namespaces/shop/{plural}/one"), &custom);
    }
    stub
}

fn files(backup: &Backup) -> BTreeMap<&str, String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    backup.files.iter().map(|file| (file.path.as_str(), text(&file.bytes))).collect()
}

#[test]
fn secrets_are_left_out_and_named_unless_they_are_asked_for() {
    let stub = host();
    let without = collect(&stub.host(), SecretsInBackup::Excluded);
    assert_eq!(without.problems, [""; 0]);
    let found = files(&without);
    let holds = found.iter().filter(|(_, text)| text.contains(CANARY)).map(|(path, _)| *path);
    // What a custom object holds is not known; only those that say so by their name are taken for secrets.
    assert_eq!(holds.collect::<Vec<_>>(), ["cluster/apples.shop.example.json"]);
    for left_out in [
        "/etc/rancher/k3s",
        "/etc/systemd/system/k3s.service.env",
        "/var/lib/rancher/k3s/server/token",
        "/var/lib/rancher/k3s/server/manifests/login.yaml",
        "/var/lib/rancher/k3s/server/manifests/list.yaml",
        "/var/lib/rancher/k3s/server/manifests/login.json",
        "/var/lib/rancher/k3s/server/manifests/flow.yaml",
        "/etc/docker/certs.d/registry.example.local/client.key",
        "objects: secrets.core",
        "objects: appletokens.shop.example",
    ] {
        assert!(without.excluded.iter().any(|place| place == left_out), "{left_out}: {:?}", without.excluded);
    }
    let with = collect(&stub.host(), SecretsInBackup::Included);
    assert_eq!(with.excluded, [""; 0]);
    let all = files(&with);
    for path in [
        "host/etc/rancher/k3s/k3s.yaml",
        "cluster/secrets.core.json",
        "cluster/appletokens.shop.example.json",
    ] {
        assert!(all.get(path).is_some_and(|text| text.contains(CANARY)), "{path}");
    }
}

/// The installer of k3s puts each argument that it was given on a line of its own.
#[test]
fn a_unit_with_a_token_among_its_arguments_is_a_secret() {
    let (server, agent) = ("/etc/systemd/system/k3s.service", "/etc/systemd/system/k3s-agent.service");
    let exec = "[Service]\nExecStart=/usr/local/bin/k3s \\\n    server \\\n";
    for argument in ["--token", "-t", "--datastore-endpoint"] {
        let stub = host();
        stub.put(server, format!("{exec}\t'{argument}' \\\n\t'{CANARY}' \\\n"));
        stub.put(agent, format!("{exec}\t'--node-name' \\\n\t'worker' \\\n"));
        let backup = collect(&stub.host(), SecretsInBackup::Excluded);
        assert!(!files(&backup).contains_key(format!("host{server}").as_str()), "{argument}");
        assert!(backup.excluded.iter().any(|place| place == server), "{argument}: {:?}", backup.excluded);
        assert!(files(&backup).contains_key(format!("host{agent}").as_str()), "it holds no secret");
        let all = collect(&stub.host(), SecretsInBackup::Included);
        assert!(files(&all)[format!("host{server}").as_str()].contains(CANARY));
    }
}

#[test]
fn objects_are_in_the_form_in_which_they_can_be_applied() {
    let backup = collect(&host().host(), SecretsInBackup::Excluded);
    let found = files(&backup);
    let list = |path: &str| -> Value { serde_json::from_str(&found[path]).expect("JSON") };
    let prices = &list("cluster/configmaps.core.json")["items"][0];
    assert_eq!((&prices["apiVersion"], &prices["kind"]), (&"v1".into(), &"ConfigMap".into()));
    assert_eq!(prices["data"]["apple"], "3");
    for of_server in ["/metadata/uid", "/metadata/resourceVersion", "/status"] {
        assert_eq!(prices.pointer(of_server), None, "{of_server}");
    }
    let apple = &list("cluster/apples.shop.example.json")["items"][0];
    assert_eq!((&apple["apiVersion"], &apple["kind"]), (&"shop.example/v1".into(), &"Apple".into()));
    let made = found.get("cluster/deployments.apps.json");
    assert!(
        made.is_none_or(|text| !text.contains("\"made\"")),
        "what a controller made comes back by itself"
    );
}

#[test]
fn files_come_back_as_they_were() {
    let stub = host();
    let backup = collect(&stub.host(), SecretsInBackup::Included);
    let before: BTreeMap<&str, String> =
        files(&backup).into_iter().filter(|(path, _)| path.starts_with("host/")).collect();
    let place = |path: &str| path.strip_prefix("host").expect("a file of the host").to_owned();
    for path in before.keys() {
        std::fs::remove_file(stub.path(&place(path))).expect("it was there");
    }
    for (path, text) in &before {
        stub.put(&place(path), text);
    }
    let after = collect(&stub.host(), SecretsInBackup::Included);
    assert_eq!(files(&after), files(&backup));
    assert!(
        before.len() >= 9 && stub.text(Path::new("etc/hosts").to_str().expect("UTF-8")).contains("printer")
    );
}

#[test]
fn what_cannot_be_read_is_a_problem_and_keeps_nothing_else_back() {
    let stub = host();
    stub.put("stub/api-fault", "The connection to the server 127.0.0.1:6443 was refused\n");
    let backup = collect(&stub.host(), SecretsInBackup::Excluded);
    assert!(!backup.problems.is_empty());
    assert!(files(&backup).contains_key("host/etc/hosts"));
}
