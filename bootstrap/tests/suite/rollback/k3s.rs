//! What is said of k3s, which is removed by its own script alone, and what is put back of its service.

use manifest::PreviousFile;

use super::*;
use crate::support::stub_host::UNIT;

const ENV: &str = "etc/systemd/system/k3s-agent.service.env";

fn installed(name: &str) -> Undo {
    Undo::ServiceUnit {
        name: name.to_owned(),
        sha256: Some(manifest::sha256_hex(UNIT.as_bytes())),
        unit: PreviousFile::Absent,
        environment: PreviousFile::Absent,
        enabled: false,
    }
}

/// A run that wrote the same unit and another environment than was there.
fn repaired(environment: PreviousFile) -> Undo {
    let unit = PreviousFile::Text { content: UNIT.to_owned(), mode: 0o644 };
    let sha256 = Some(manifest::sha256_hex(UNIT.as_bytes()));
    Undo::ServiceUnit { name: "k3s-agent".to_owned(), sha256, unit, environment, enabled: false }
}

fn reason(name: &str) -> String {
    let stub = StubHost::fresh();
    stub.put(&format!("etc/systemd/system/{name}.service"), UNIT);
    let plan = planned(&stub, &record_of([(Component::K3s, installed(name))]), Include::Moderate);
    assert_eq!(only(&plan).state, ItemState::Manual);
    assert_eq!(only(&plan).inspect, format!("systemctl status {name}"));
    only(&plan).reason.to_string()
}

#[test]
fn what_remains_after_the_uninstall_script_is_said_in_full() {
    for name in ["k3s", "k3s-agent"] {
        let reason = reason(name);
        for remains in [
            "/var/lib/rancher",
            "/etc/rancher with node/password, to be kept",
            "/etc/cni/net.d",
            "iptables rules of flannel",
            "/var/log/pods and /var/log/containers",
            "kubepods",
            "net.ipv4.ip_forward=1",
            "k3s kubectl delete node NAME",
            "NAME.node-password.k3s",
        ] {
            assert!(reason.contains(remains), "{remains} is not in: {reason}");
        }
    }
}

#[test]
fn an_agent_is_offered_its_own_script_and_its_cluster_is_not_threatened() {
    let (server, agent) = (reason("k3s"), reason("k3s-agent"));
    assert!(agent.contains("k3s-agent-uninstall.sh") && !agent.contains("k3s-uninstall.sh"), "{agent}");
    assert!(
        agent.contains("The cluster and its data stay") && !agent.contains("removes its cluster"),
        "{agent}"
    );
    assert!(server.contains("k3s-uninstall.sh") && !server.contains("k3s-agent-uninstall.sh"), "{server}");
    assert!(server.contains("removes its cluster"), "{server}");
}

#[test]
fn folders_that_the_script_leaves_are_not_said_to_go_with_it() {
    let stub = StubHost::fresh();
    let folders = ["/etc/rancher", "/etc/rancher/k3s"].map(PathBuf::from);
    for path in &folders {
        std::fs::create_dir_all(stub.path(&path.to_string_lossy())).expect("folder");
    }
    let steps = folders.map(|path| (Component::K3s, Undo::Directory { path }));
    let plan = planned(&stub, &record_of(steps), Include::Moderate);
    let reasons: Vec<String> = plan.items.iter().rev().map(|item| item.reason.to_string()).collect();
    assert!(reasons[0].contains("leaves it") || reasons[0].contains("it holds"), "{reasons:?}");
    assert!(reasons[1].contains("the uninstall script of k3s removes it"), "{reasons:?}");
}

#[test]
fn the_unit_the_environment_and_the_enablement_of_before_are_put_back() {
    let stub = StubHost::fresh();
    stub.put("etc/systemd/system/k3s-agent.service", UNIT);
    stub.put("stub/services/k3s-agent.enabled", "");
    stub.put(ENV, "K3S_URL='https://second:6443'\n");
    let former = PreviousFile::Text { content: "K3S_URL='https://first:6443'\n".to_owned(), mode: 0o600 };
    let context = record_of([(Component::K3s, repaired(former))]);
    let plan = planned(&stub, &context, Include::Safe);
    assert_eq!(only(&plan).state, ItemState::Excluded, "others may rely on what runs now");
    let (_, results) = roll_back(&stub, &context);
    assert_eq!(results[&1], UndoResult::Undone);
    assert_eq!(stub.text(ENV), "K3S_URL='https://first:6443'\n");
    assert!(!stub.path("stub/services/k3s-agent.enabled").exists());
    assert!(stub.calls().iter().any(|call| call == "systemctl [daemon-reload]"));
    assert!(stub.calls().iter().all(|call| !call.contains("[restart]")), "what runs goes on running");
    assert_eq!(only(&planned(&stub, &context, Include::Moderate)).state, ItemState::Gone);
}

#[test]
fn a_unit_that_is_somebody_elses_by_now_or_whose_former_self_was_not_kept_is_left() {
    let former = PreviousFile::Text { content: "K3S_URL=first\n".to_owned(), mode: 0o600 };
    let unkept = PreviousFile::NotKept { sha256: manifest::sha256_hex(b"K3S_TOKEN=x\n") };
    for (unit, former) in [(UNIT.replace("server", "server --debug"), former), (UNIT.to_owned(), unkept)] {
        let stub = StubHost::fresh();
        stub.put("etc/systemd/system/k3s-agent.service", &unit);
        stub.put(ENV, "K3S_URL=second\n");
        let before = tree(&stub);
        let (plan, results) = roll_back(&stub, &record_of([(Component::K3s, repaired(former))]));
        assert_eq!(only(&plan).state, ItemState::Manual);
        assert!(results.is_empty());
        unchanged(&stub, &before);
    }
}
