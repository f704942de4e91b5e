use super::*;
use Component::{DockerRegistryTrust, LocalHosts, Nfs, Rancher};
use bootstrap::host::RootAccess;

fn found(stub: &StubHost, mode: Mode) -> Vec<(Component, Detection)> {
    detect_all(&stub.host(), &settings(mode))
}

#[test]
fn on_a_fresh_host_everything_is_missing_and_nobody_had_to_be_asked() {
    let stub = StubHost::fresh();
    for mode in [Mode::Server, Mode::Agent, Mode::Stack, Mode::SingleNode] {
        let mut settings = settings(mode);
        settings.longhorn.node = true;
        for (component, detection) in detect_all(&stub.host(), &settings) {
            assert_eq!(detection, Detection::Missing, "{component} in {mode}");
        }
    }
    assert!(stub.calls().is_empty(), "{:?}", stub.calls());
}

#[test]
fn what_the_api_server_does_not_tell_is_unknown_and_never_missing() {
    for fault in [
        "Error from server (InternalError): an error on the server",
        "Error from server (Forbidden): deployments.apps is forbidden",
        "error: the server doesn't have a resource type \"deployments\"",
        "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?",
        "",
    ] {
        let stub = StubHost::fresh().with_server();
        stub.put("stub/api-fault", fault);
        for (component, detection) in found(&stub, Mode::Stack) {
            assert!(matches!(detection, Detection::Unknown(_)), "{component}: {detection:?} after {fault:?}");
        }
    }
}

#[test]
fn an_empty_cluster_has_nothing() {
    let stub = StubHost::fresh().with_server();
    for (component, detection) in found(&stub, Mode::Stack) {
        assert_eq!(detection, Detection::Missing, "{component}");
    }
}

#[test]
fn a_user_who_may_not_read_the_credentials_learns_nothing_and_is_not_asked_for_a_password() {
    let stub = StubHost::fresh().with_server();
    std::fs::remove_file(stub.path("etc/rancher/k3s/k3s.yaml")).expect("was there");
    let host = stub.host_as(RootAccess::Plain);
    for (component, detection) in detect_all(&host, &settings(Mode::Stack)) {
        let Detection::Unknown(error) = &detection else { panic!("{component}: {detection:?}") };
        let reason = error.to_string();
        assert!(reason.ends_with("needs root"), "{reason}");
    }
    assert!(stub.calls().iter().all(|call| !call.starts_with("sudo")));
}

#[test]
fn a_k3s_that_is_not_sure_makes_its_cluster_unknown() {
    for (state, expected) in
        [("failed", "service k3s is not active"), ("unheard-of", "systemctl is-active k3s")]
    {
        let stub = StubHost::fresh();
        stub.put("etc/systemd/system/k3s.service", "");
        stub.put("stub/services/k3s", format!("{state}\n"));
        for (component, detection) in found(&stub, Mode::Stack) {
            let Detection::Unknown(error) = &detection else { panic!("{component}: {detection:?}") };
            let reason = error.to_string();
            assert!(reason.starts_with(expected), "{reason}");
        }
    }
}

#[test]
fn half_of_a_component_is_incomplete() {
    let stub = StubHost::fresh().with_server();
    let deployment = "stub/api/apis/apps/v1/namespaces/cert-manager/deployments/cert-manager.json";
    stub.put(deployment, r#"{"metadata":{"name":"cert-manager"}}"#);
    stub.put("stub/api/api/v1/namespaces/registry/secrets/registry-htpasswd.json", "{}");
    let failed =
        r#"{"metadata":{"name":"sh.helm.release.v1.rancher.v1","labels":{"version":"1","status":"failed"}}}"#;
    stub.put("stub/api/api/v1/namespaces/cattle-system/secrets/sh.helm.release.v1.rancher.v1.json", failed);
    let stack = found(&stub, Mode::Stack);
    for component in [Component::CertManager, Component::Registry, Component::Rancher] {
        let detection = stack.iter().find(|(other, _)| *other == component).map(|(_, detection)| detection);
        assert!(matches!(detection, Some(Detection::Incomplete(_))), "{component}: {detection:?}");
    }
}

#[test]
fn a_chart_that_somebody_installed_without_helm_is_there() {
    let stub = StubHost::fresh().with_server();
    let deployments = "stub/api/apis/apps/v1/namespaces/cattle-system/deployments";
    stub.put(&format!("{deployments}/rancher.json"), r#"{"metadata":{"name":"rancher"}}"#);
    let stack = found(&stub, Mode::Stack);
    assert!(stack.contains(&(Component::Rancher, Detection::Present)));
}

#[test]
fn an_export_counts_when_file_and_kernel_have_it_for_this_network() {
    let ours = "/srv/nfs/k8s-share 192.168.0.0/24(rw)\n";
    for (exports, kernel, expected) in [
        (ours, ours, Detection::PresentWithExport),
        ("/srv/nfs/k8s-share\tother(ro) 192.168.0.0/24(rw) # ours\n", ours, Detection::PresentWithExport),
        (ours, "", Detection::Incomplete(Gap::NotExported)),
        ("", ours, Detection::PresentWithoutExport),
        ("# /srv/nfs/k8s-share 192.168.0.0/24(rw)\n", ours, Detection::PresentWithoutExport),
        ("/srv/nfs/k8s-share2 192.168.0.0/24(rw)\n", ours, Detection::PresentWithoutExport),
        ("/srv/nfs/k8s-share 192.168.0.0/16(rw)\n", ours, Detection::PresentWithoutExport),
    ] {
        let stub = StubHost::fresh();
        std::os::unix::fs::symlink("../optional/exportfs", stub.path("stub/bin/exportfs")).expect("link");
        stub.put("stub/packages/nfs-kernel-server", "");
        stub.put("etc/systemd/system/nfs-server.service", "");
        stub.put("stub/services/nfs-server", "active\n");
        stub.put("etc/exports", exports);
        stub.put("var/lib/nfs/etab", kernel);
        let detection = detect(Component::Nfs, &Probe::new(&stub.host(), &settings(Mode::SingleNode)));
        assert_eq!(detection, expected, "{exports:?} {kernel:?}");
    }
}

#[test]
fn what_the_operator_does_not_want_is_not_needed() {
    let stub = StubHost::fresh();
    let mut settings = settings(Mode::SingleNode);
    settings.nfs = None;
    settings.manage_hosts_file = false;
    settings.trust_registry_in_docker = false;
    settings.skipped.insert(Component::Rancher);
    let unneeded: Vec<Component> = detect_all(&stub.host(), &settings)
        .into_iter()
        .filter(|(_, detection)| *detection == Detection::NotNeeded)
        .map(|(component, _)| component)
        .collect();
    assert_eq!(unneeded, [Rancher, Nfs, LocalHosts, DockerRegistryTrust]);
}
