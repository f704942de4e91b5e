use super::*;
use Severity::{Failed, Warning};

/// All addresses, and loopback, as a kernel on a little-endian machine writes them.
const ANY: &str = "00000000";
const ANY_V6: &str = "00000000000000000000000000000000";
const LOOPBACK: &str = "0100007F";

const PORTS: &[Case] = &[
    (
        Mode::Server,
        |stub| stub.listen("tcp6", ANY_V6, 6443, 77),
        "ports",
        Failed,
        "6443/tcp (API server) is in use by nginx of service nginx",
        "systemctl disable --now nginx",
    ),
    (Mode::Server, |stub| stub.listen("tcp", ANY, 10250, 77), "ports", Failed, "10250/tcp", "nginx"),
    (Mode::Server, |stub| stub.listen("tcp", LOOPBACK, 10248, 77), "ports", Failed, "10248/tcp", "nginx"),
    (Mode::Server, |stub| stub.listen("udp", ANY, 8472, 77), "ports", Failed, "8472/udp", "nginx"),
    (
        Mode::Server,
        |stub| stub.interface_listens("vxlan.calico"),
        "ports",
        Warning,
        "VXLAN interface of another network",
        "ip -details link",
    ),
    (
        Mode::Server,
        |stub| {
            stub.listen_unseen("udp", ANY, 8472);
        },
        "ports",
        Failed,
        "8472/udp (flannel) is in use by a process of user id 0",
        "ss -lnup 'sport = :8472'",
    ),
    (Mode::Server, |stub| stub.listen("tcp", ANY, 80, 77), "ports", Warning, "80/tcp", "nginx"),
    (Mode::SingleNode, |stub| stub.listen("tcp", ANY, 443, 77), "ports", Failed, "443/tcp", "nginx"),
    (Mode::Agent, |stub| stub.listen("tcp", LOOPBACK, 6444, 77), "ports", Failed, "6444/tcp", "nginx"),
    (
        Mode::Agent,
        |stub| {
            stub.listen("tcp", ANY, 10250, 77);
            stub.process(77, "python3", "0::/user.slice/user-1000.slice/session-1.scope\n");
        },
        "ports",
        Failed,
        "in use by python3, process 77",
        "kill 77",
    ),
    (
        Mode::Server,
        |stub| {
            stub.listen("tcp", ANY, 6443, 77);
            std::fs::remove_dir_all(stub.path("proc/77")).expect("was there");
        },
        "ports",
        Failed,
        "a process of user id 0",
        "ss -lntp 'sport = :6443'",
    ),
    (
        Mode::Server,
        |stub| stub.put("proc/net/route", "Iface\tDestination\n"),
        "default_route",
        Failed,
        "k3s does not start without one",
        "flannel-iface",
    ),
];

#[test]
fn each_port_fails_in_turn() {
    each_fails_in_turn(PORTS);
}

/// Ports of other roles, of other addresses, and ports at the other end of a connection.
#[test]
fn what_is_not_in_the_way_is_not_told() {
    let stub = fit_for(Mode::Server);
    stub.listen("tcp", LOOPBACK, 6444, 77);
    stub.listen("tcp", "0A0200C0", 10248, 78);
    stub.listen("udp", ANY, 6443, 79);
    assert_eq!(problems(&stub, &settings(Mode::Server)), []);
    let stub = fit_for(Mode::Agent);
    stub.listen("tcp", ANY, 80, 77);
    assert_eq!(problems(&stub, &settings(Mode::Agent)), []);
}

/// A k3s that runs here holds its own ports, and its interface outlives it.
#[test]
fn a_rerun_does_not_warn_of_its_own_work() {
    for mode in [Mode::Server, Mode::Agent] {
        let stub = fit_for(mode);
        let unit = if mode == Mode::Agent { "k3s-agent" } else { "k3s" };
        stub.put(&format!("etc/systemd/system/{unit}.service"), "");
        stub.put(&format!("stub/services/{unit}"), "active\n");
        for (address, port) in [(ANY, 6443), (ANY, 10250), (LOOPBACK, 10248), (LOOPBACK, 6444)] {
            stub.listen("tcp", address, port, 99);
        }
        stub.process(99, &format!("{unit}-main"), &format!("0::/system.slice/{unit}.service\n"));
        stub.interface_listens("flannel.1");
        assert_eq!(problems(&stub, &settings(mode)), [], "{mode}");
        // Somebody who is not root does not see who holds a port; that k3s runs is explanation enough.
        std::fs::remove_dir_all(stub.path("proc/99")).expect("was there");
        assert_eq!(problems(&stub, &settings(mode)), [], "{mode}");
        // Nor does root, while the process is ending.
        stub.put(&format!("stub/services/{unit}"), "deactivating\n");
        assert_eq!(problems(&stub, &settings(mode)), [], "{mode}");
        stub.put(&format!("stub/services/{unit}"), "inactive\n");
        assert_eq!(report(&stub, &settings(mode)).worst(), Failed, "{mode}: they are somebody else's");
    }
}

/// `systemctl stop k3s` leaves flannel's interface, and with it the port: what was stopped can be started again.
#[test]
fn a_stopped_k3s_is_not_kept_from_its_start_by_the_interface_that_it_left() {
    for (mode, unit) in [(Mode::Server, "k3s"), (Mode::Agent, "k3s-agent")] {
        let stub = fit_for(mode);
        stub.put(&format!("etc/systemd/system/{unit}.service"), "");
        stub.put(&format!("stub/services/{unit}"), "inactive\n");
        stub.interface_listens("flannel.1");
        assert_eq!(problems(&stub, &settings(mode)), [], "{mode}");
    }
}

/// The names of the node's address may stand in k3s' own configuration, and IPv6 has routes of its own.
#[test]
fn a_host_without_a_default_route_needs_to_be_told_its_address() {
    let v6 = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
              fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n";
    let rejects = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
                   00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";
    for (routes, config, worst) in [
        ("", "", Failed),
        (rejects, "", Failed),
        (v6, "", Severity::Ok),
        ("", "flannel-iface: eth1\n", Severity::Ok),
        ("", "node-ip: 192.0.2.7\n", Severity::Ok),
        ("", "- not a mapping\n", Warning),
    ] {
        let stub = fit_for(Mode::Server);
        stub.put("proc/net/route", "Iface\tDestination\n");
        stub.put("proc/net/ipv6_route", routes);
        stub.put("etc/rancher/k3s/config.yaml", config);
        assert_eq!(report(&stub, &settings(Mode::Server)).worst(), worst, "{routes:?} {config:?}");
    }
}

#[test]
fn an_active_ufw_without_the_rules_is_told_with_the_rules_to_add() {
    let stub = fit_for(Mode::Agent);
    stub.put("etc/ufw/ufw.conf", "ENABLED=no\n");
    stub.put("etc/ufw/user.rules", "");
    assert_eq!(problems(&stub, &settings(Mode::Agent)), []);
    stub.put("etc/ufw/ufw.conf", "# comment\nENABLED=yes\nLOGLEVEL=low\n");
    let found = problems(&stub, &settings(Mode::Agent));
    let fix = "ufw allow 10250/tcp && ufw allow 8472/udp && ufw allow from 10.42.0.0/16 && ufw allow from 10.43.0.0/16";
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].check, found[0].severity, found[0].help.as_deref()),
        ("firewall", Warning, Some(fix))
    );
    let rules = "*filter\n### tuple ### allow tcp 10250 0.0.0.0/0 any 0.0.0.0/0 in\n\
        ### tuple ### allow udp 8472 0.0.0.0/0 any 0.0.0.0/0 in\n\
        ### tuple ### allow any any 0.0.0.0/0 any 10.42.0.0/16 in\n\
        ### tuple ### allow any any 0.0.0.0/0 any 10.43.0.0/16 in\n";
    stub.put("etc/ufw/user.rules", rules);
    assert_eq!(problems(&stub, &settings(Mode::Agent)), [], "whoever added them is not warned again");
    // Other networks of the cluster need other rules.
    stub.put("etc/rancher/k3s/config.yaml", "cluster-cidr: 10.60.0.0/16\n");
    let found = problems(&stub, &settings(Mode::Agent));
    assert_eq!(found[0].help.as_deref(), Some("ufw allow from 10.60.0.0/16"));
}

#[test]
fn an_active_firewalld_without_the_rules_is_told_with_the_rules_to_add() {
    let stub = fit_for(Mode::Agent);
    stub.put("etc/systemd/system/firewalld.service", "");
    assert_eq!(problems(&stub, &settings(Mode::Agent)), []);
    stub.put("stub/services/firewalld", "active\n");
    stub.put("stub/firewalld", "port=10250/tcp\nsource=10.42.0.0/16\nsource=10.43.0.0/16\n");
    let found = problems(&stub, &settings(Mode::Agent));
    let fix = "firewall-cmd --permanent --add-port=8472/udp && firewall-cmd --reload";
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].check, found[0].severity, found[0].help.as_deref()),
        ("firewall", Warning, Some(fix))
    );
    stub.put("stub/firewalld", stub.text("stub/firewalld") + "port=8472/udp\n");
    assert_eq!(problems(&stub, &settings(Mode::Agent)), []);
    // Somebody who may not ask is told every rule.
    stub.put("stub/no-polkit", "");
    let found = problems(&stub, &settings(Mode::Agent));
    assert_eq!(found[0].help.as_ref().expect("rules").matches("--permanent").count(), 4);
}
