use std::fs;
use std::path::PathBuf;

use super::*;
use Severity::{Failed, Warning};
use bootstrap::layers::HostPreflight;
use bootstrap::settings::Artifacts;
use schema::Component;

const SYSTEM: &[Case] = &[
    (Mode::SingleNode, |stub| remove(stub, "run/systemd"), "systemd", Failed, "k3s requires systemd", ""),
    (
        Mode::SingleNode,
        |stub| remove(stub, "stub/bin/apt-get"),
        "commands",
        Failed,
        "apt-get is required",
        "apt-get install",
    ),
    (
        Mode::SingleNode,
        |stub| stub.put("sys/devices/system/cpu/online", "0,2-3\n"),
        "cpu",
        Warning,
        "3 CPUs",
        "",
    ),
    (
        Mode::Server,
        |stub| stub.put("sys/devices/system/cpu/online", "0\n"),
        "cpu",
        Warning,
        "2 CPUs recommended",
        "",
    ),
    (
        Mode::SingleNode,
        |stub| stub.put("proc/meminfo", "MemTotal: 8000000 kB\n"),
        "memory",
        Warning,
        "at least 12 GiB",
        "",
    ),
    (
        Mode::Server,
        |stub| stub.put("proc/meminfo", "MemTotal: 1000000 kB\n"),
        "memory",
        Warning,
        "2 GiB of memory recommended",
        "",
    ),
    (
        Mode::Agent,
        |stub| stub.put("proc/meminfo", "MemTotal: 400000 kB\n"),
        "memory",
        Warning,
        "512 MiB of memory recommended",
        "",
    ),
    (
        Mode::SingleNode,
        |stub| stub.put("proc/swaps", stub.text("proc/swaps") + "/dev/sda2 partition 1000 0 -2\n"),
        "swap",
        Warning,
        "off is recommended",
        "swapoff -a",
    ),
    (
        Mode::SingleNode,
        |stub| stub.put("stub/ntp", "no\n"),
        "clock",
        Warning,
        "not synchronised",
        "timedatectl set-ntp true",
    ),
    (
        Mode::SingleNode,
        |stub| remove(stub, "etc/resolv.conf"),
        "dns",
        Warning,
        "no nameserver",
        "nameserver <address>",
    ),
    (
        Mode::SingleNode,
        |stub| stub.put("etc/resolv.conf", "nameserver 127.0.0.53\n"),
        "dns",
        Warning,
        "loopback",
        "resolv-conf:",
    ),
    (
        Mode::SingleNode,
        |stub| stub.put("proc/sys/kernel/hostname", "my_node\n"),
        "hostname",
        Failed,
        "`my_node`",
        "hostnamectl set-hostname",
    ),
    (
        Mode::Agent,
        |stub| stub.put("proc/sys/kernel/hostname", "raspberrypi\n"),
        "hostname",
        Warning,
        "many machines",
        "node-name:",
    ),
    (
        Mode::Agent,
        |stub| stub.put("proc/sys/kernel/hostname", "Server.example.local\n"),
        "hostname",
        Failed,
        "name of the server too",
        "hostnamectl",
    ),
    (
        Mode::SingleNode,
        |stub| {
            stub.lock("var/lib/dpkg/lock-frontend", 4242);
            stub.process(4242, "unattended-upgr", "0::/system.slice/apt-daily-upgrade.service\n");
        },
        "apt",
        Warning,
        "unattended-upgr holds /var/lib/dpkg/lock-frontend",
        "tail --pid=4242",
    ),
    (
        Mode::Agent,
        |stub| {
            stub.put("etc/systemd/system/k3s.service", "");
            stub.put("stub/services/k3s", "active\n");
        },
        "role",
        Failed,
        "a k3s server runs here; a host is a server or an agent, not both",
        "k3s-uninstall.sh",
    ),
    (
        Mode::Server,
        |stub| {
            stub.put("etc/systemd/system/k3s-agent.service", "");
            stub.put("stub/services/k3s-agent", "active\n");
            // Its ports are not told as well: what frees them would take a node out of its cluster.
            stub.listen("tcp", "00000000", 10250, 99);
            stub.process(99, "k3s-agent", "0::/system.slice/k3s-agent.service\n");
            stub.interface_listens("flannel.1");
        },
        "role",
        Failed,
        "a k3s agent runs here; a host is a server or an agent, not both",
        "k3s-agent-uninstall.sh",
    ),
];

#[test]
fn each_requirement_of_the_system_fails_in_turn() {
    each_fails_in_turn(SYSTEM);
}

/// The document of the entry points has the figures that the checks in it are about.
#[test]
fn the_layers_read_what_the_checks_found() {
    let stub = fit_for(Mode::SingleNode);
    stub.put("sys/devices/system/cpu/online", "0,2-3\n");
    stub.put("proc/meminfo", "MemTotal:  12582912 kB\n");
    // The place of a system without an /etc of its own.
    stub.put("usr/lib/os-release", "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n");
    let report = report(&stub, &settings(Mode::SingleNode));
    let document = HostPreflight::new(&stub.host(), &debian(), Mode::SingleNode, false, &report);
    let document = serde_json::to_value(&document).expect("JSON");
    assert_eq!(document["resources"]["cpu_count"], 3, "{document}");
    assert_eq!(document["resources"]["memory_kb"], 12_582_912, "{document}");
    assert!(document["resources"]["disk_available_bytes"].as_u64() > Some(0), "{document}");
    assert_eq!(document["platform"]["codename"], "bookworm", "{document}");
    let cpu = report.findings.iter().find(|finding| finding.check == "cpu").expect("looked at");
    assert!(cpu.evidence.starts_with("3 CPUs"), "{cpu:?}");
}

/// Every file of the plan, as its sum states it: what is missing and what is wrong are named.
#[test]
fn every_artifact_of_the_plan_is_looked_at() {
    let stub = fit_for(Mode::SingleNode);
    let folder = stub.artifacts_folder();
    let mut settings = settings(Mode::SingleNode);
    settings.artifacts = Artifacts::Local(folder.clone());
    let of_artifacts = |settings: &Settings| {
        let report = report(&stub, settings);
        report.findings.into_iter().find(|finding| finding.check == "artifacts").expect("looked at")
    };
    assert_eq!(of_artifacts(&settings).severity, Severity::Ok, "{:?}", of_artifacts(&settings));
    for name in ["install.sh", "k3s-airgap-images-amd64.tar.zst"] {
        fs::rename(folder.join(name), folder.join("aside")).expect("was there");
    }
    stub.put("artifacts/cert-manager.yaml", "another file");
    let found = of_artifacts(&settings);
    assert_eq!(found.severity, Failed);
    assert!(
        found.evidence.starts_with("missing: install.sh, k3s-airgap-images-amd64.tar.zst; "),
        "{found:?}"
    );
    assert!(found.evidence.contains("cert-manager.yaml"), "{found:?}");
    // What is left out is not missed.
    settings.skipped.extend([Component::K3s, Component::CertManager]);
    assert_eq!(of_artifacts(&settings).severity, Severity::Ok, "{:?}", of_artifacts(&settings));
    settings.artifacts = Artifacts::Local(PathBuf::from("/nonexistent"));
    assert_eq!(of_artifacts(&settings).severity, Failed);
}
