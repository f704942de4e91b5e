//! What a run changes on the host itself, on hosts as they are: links, locks, no Docker.

use super::faults::{only, prepared};
use super::*;
use bootstrap::step::node_address;

#[test]
fn packages_wait_for_the_lock_that_unattended_upgrades_hold() {
    let stub = StubHost::fresh();
    stub.put("stub/dpkg-lock", "");
    run(&stub, &only(Component::Nfs)).results();
}

/// apt does not wait for its own locks. Without its lists, every package would be unknown to it.
#[test]
fn packages_wait_for_the_locks_that_apt_does_not_wait_for() {
    for lock in ["lists", "archives"] {
        let stub = StubHost::fresh();
        stub.put(&format!("stub/{lock}-lock"), "3\n");
        let ran = run(&stub, &only(Component::Nfs));
        let told = ran.waited.iter().find(|what| what.starts_with("the lock /var/")).expect("it is told");
        assert!(told.contains(lock) && told.contains("process 4711"), "{told}");
        ran.results();
    }
}

#[test]
fn a_lock_that_is_never_given_up_is_what_the_failure_is_about() {
    let stub = StubHost::fresh();
    stub.put("stub/lists-lock", "100000\n");
    let ran = run_in_vain(&stub, &only(Component::Nfs));
    let failure = ran.failure();
    assert!(failure.tail.iter().any(|line| line.contains("/var/lib/apt/lists/lock")), "{failure:?}");
    assert!(failure.hint.as_ref().is_some_and(|hint| hint.contains("holds the lock")), "{failure:?}");
}

/// `exportfs` prints what a path leads to.
#[test]
fn an_export_through_a_link_is_seen() {
    let stub = StubHost::fresh();
    std::fs::create_dir_all(stub.path("data/share")).expect("folder");
    std::fs::create_dir_all(stub.path("srv/nfs")).expect("folder");
    std::os::unix::fs::symlink(stub.path("data/share"), stub.path("srv/nfs/k8s-share")).expect("link");
    let settings = only(Component::Nfs);
    run(&stub, &settings).results();
    assert!(stub.text("var/lib/nfs/etab").contains("/data/share 192.168.0.0/24("));
    assert!(actions(&stub, &settings).contains(&PlannedAction::Reuse));
}

fn with_squash(no_root_squash: bool) -> Settings {
    let mut settings = only(Component::Nfs);
    settings.nfs.as_mut().expect("an export").no_root_squash = no_root_squash;
    settings
}

#[test]
fn root_of_a_client_is_nobody_unless_asked_for() {
    for (asked, option) in [(false, "root_squash"), (true, "no_root_squash")] {
        let stub = StubHost::fresh();
        run(&stub, &with_squash(asked)).results();
        assert!(stub.text("etc/exports").contains(&format!("(rw,sync,no_subtree_check,{option})")));
    }
}

/// The line that is there is kept, and the operator must not believe that it is the safer one.
#[test]
fn an_export_that_keeps_root_is_told_to_who_asks_for_one_that_does_not() {
    let stub = StubHost::fresh();
    let probed = |settings: &Settings| {
        let (host, spec) = (stub.host(), component::spec_of(Component::Nfs));
        let probe = component::Probe::new(&host, settings);
        (spec.ignored(&probe).expect("an answer"), spec.preflight(&probe))
    };
    run(&stub, &with_squash(true)).results();
    let (told, findings) = probed(&with_squash(false));
    assert!(told.is_some_and(|told| told.contains("has no_root_squash") && told.contains("for root_squash")));
    assert!(findings.is_empty(), "it is a line of ours: {findings:?}");
    assert_eq!(probed(&with_squash(true)).0, None);
    // What is not said is the default of exports(5).
    stub.put("etc/exports", "/srv/nfs/k8s-share 192.168.0.0/24(rw)\n");
    assert_eq!(probed(&with_squash(false)).0, None);
    assert!(probed(&with_squash(true)).0.is_some_and(|told| told.contains("asks for no_root_squash")));
}

/// Of two lines for the same directory and client `exportfs` takes the first. What is completed is asked for what it keeps.
#[test]
fn a_line_that_the_kernel_has_not_heard_of_gets_no_second_one() {
    for has_server in [true, false] {
        let stub = StubHost::fresh();
        run(&stub, &with_squash(true)).results();
        let exports = stub.text("etc/exports");
        std::fs::remove_file(stub.path("var/lib/nfs/etab")).expect("was there");
        if !has_server {
            std::fs::remove_file(stub.path("stub/packages/nfs-kernel-server")).expect("was there");
        }
        assert!(actions(&stub, &with_squash(false)).contains(&PlannedAction::Ensure), "{has_server}");
        let results = run(&stub, &with_squash(false)).results();
        assert!(results.contains(&(Component::Nfs, ComponentResult::Configured)), "{results:?}");
        assert_eq!(stub.text("etc/exports"), exports);
        assert!(stub.text("var/lib/nfs/etab").contains("no_root_squash"));
        assert!(stub.path("stub/packages/nfs-kernel-server").exists());
    }
}

/// `exportfs` tells the kernel of exports also where nobody serves them.
#[test]
fn a_server_that_was_stopped_is_started_before_an_export_counts() {
    let stub = StubHost::fresh();
    let settings = only(Component::Nfs);
    run(&stub, &settings).results();
    let exports = stub.text("etc/exports");
    for (exports, planned) in [(&*exports, PlannedAction::Ensure), ("", PlannedAction::AddExport)] {
        stub.put("etc/exports", exports);
        stub.put("stub/services/nfs-server", "inactive\n");
        // Somebody has reloaded the exports since, or it stopped with the machine.
        assert!(actions(&stub, &settings).contains(&planned), "{exports:?}");
        run(&stub, &settings).results();
        assert_eq!(stub.text("stub/services/nfs-server"), "active\n");
        assert!(actions(&stub, &settings).contains(&PlannedAction::Reuse));
    }
}

#[test]
fn a_host_without_docker_has_nothing_that_trusts_the_registry() {
    let stub = prepared(Component::DockerRegistryTrust);
    std::fs::remove_file(stub.path("stub/bin/docker")).expect("it was there");
    let settings = only(Component::DockerRegistryTrust);
    let results = run(&stub, &settings).results();
    assert!(results.contains(&(Component::DockerRegistryTrust, ComponentResult::Skipped)));
    assert!(!stub.path("etc/docker").exists());
}

/// Nobody makes the certificate that such a run would wait for.
#[test]
fn docker_is_told_of_no_registry_that_is_left_out_and_not_there() {
    let settings = only(Component::DockerRegistryTrust);
    for stub in [StubHost::fresh(), StubHost::fresh().with_server()] {
        let results = run(&stub, &settings).results();
        assert!(results.contains(&(Component::DockerRegistryTrust, ComponentResult::Skipped)), "{results:?}");
        assert!(!stub.path("etc/docker").exists());
    }
    // One that is there is trusted, whoever installed it.
    let stub = prepared(Component::DockerRegistryTrust);
    let results = run(&stub, &settings).results();
    assert!(results.contains(&(Component::DockerRegistryTrust, ComponentResult::Configured)), "{results:?}");
}

/// To Docker a name that leads to the loopback is a registry without TLS.
#[test]
fn names_lead_to_the_node_and_not_to_the_loopback() {
    let stub = prepared(Component::LocalHosts);
    let settings = only(Component::LocalHosts);
    stub.put("etc/hosts", "127.0.0.1 localhost\n");
    let mut hosts_alone = settings.clone();
    hosts_alone.skipped.remove(&Component::Registry);
    run(&stub, &hosts_alone).results();
    assert!(stub.text("etc/hosts").contains("\n10.0.0.5 registry.example.local\n"));

    // Somebody's own line above ours wins.
    let text = stub.text("etc/hosts");
    stub.put("etc/hosts", format!("127.0.1.1 registry.example.local\n{text}"));
    let failure = run_in_vain(&stub, &hosts_alone).failure().message.clone();
    assert!(failure.contains("registry.example.local resolves to 127.0.1.1"), "{failure}");
}

#[test]
fn in_a_cluster_of_several_nodes_the_address_is_that_of_this_host() {
    let stub = prepared(Component::LocalHosts);
    let node = |name: &str, address: &str| {
        format!(
            r#"{{"metadata":{{"name":"{name}"}},"status":{{"addresses":[{{"type":"InternalIP","address":"{address}"}}]}}}}"#
        )
    };
    stub.put("stub/api/api/v1/nodes/a.json", node("a", "192.0.2.1"));
    // A cloud may name the host as it likes, and a node may have a name of its own: its kubelet knows which it is.
    for name in ["A\n", "nobody\n"] {
        stub.put("etc/hostname", name);
        stub.put("etc/hosts", "127.0.0.1 localhost\n");
        run(&stub, &only(Component::LocalHosts)).results();
        assert!(stub.text("etc/hosts").contains("\n10.0.0.5 registry.example.local\n"), "{name}");
    }
    std::fs::remove_file(stub.path("var/lib/rancher/k3s/agent/client-kubelet.crt")).expect("it was there");
    stub.put("etc/hostname", "A\n");
    assert_eq!(node_address(&stub.host()).map(|address| address.to_string()), Ok("192.0.2.1".to_owned()));
}
