//! A k3s that works and is older than the requested one: it is kept as it is, and the operator is told how to upgrade it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tests::{Sandbox, can_have_a_machine, on_a_machine};

/// A foreign server that works, exactly as a run would have installed it.
const SCENE: &str = r#"
    echo '[Service]' >/run/systemd/system/k3s.service
    /bin/mkdir -p /var/lib/rancher/k3s/agent
    # The common name of its subject is system:node:node.
    echo '-----BEGIN CERTIFICATE-----
BgNVBAMMEHN5c3RlbTpub2RlOm5vZGU=
-----END CERTIFICATE-----' >/var/lib/rancher/k3s/agent/client-kubelet.crt
    /bin/cp "$K3S" /usr/local/bin/k3s
    exec "$@""#;

const SYSTEMCTL: &str = r#"#!/bin/sh
case "$*" in
*show*k3s)
    echo 'ActiveState=active
SubState=running
UnitFileState=enabled
ExecStart={ path=/usr/local/bin/k3s ; argv[]=/usr/local/bin/k3s server ; ignore_errors=no ; pid=1 ; status=0/0 }
ActiveEnterTimestamp=Wed 2026-11-25 18:06:29 UTC
ExecMainStartTimestamp=Wed 2026-11-25 18:06:20 UTC'
    ;;
'is-active k3s') echo active ;;
*) echo inactive; exit 3 ;;
esac
"#;

/// Its node is on the loopback of the test, and has just renewed its lease.
const K3S: &str = r#"#!/bin/sh
case "$*" in
--version) echo 'k3s version v1.21.2+k3s1 (stand-in)' ;;
*/healthz*) printf ok ;;
*/leases/node) echo '{"spec":{"renewTime":"2999-01-01T00:00:00.000000Z"}}' ;;
*/nodes/node) echo '{"metadata":{"name":"node"},"status":{"addresses":[{"type":"InternalIP","address":"127.0.0.1"}],
    "conditions":[{"type":"Ready","status":"True","lastHeartbeatTime":"2999-01-01T00:00:00Z"}]}}' ;;
*) echo 'Error from server (NotFound): the server could not find the requested resource' >&2; exit 1 ;;
esac
"#;

#[test]
fn an_older_k3s_that_runs_is_kept_and_the_command_that_upgrades_it_is_told() {
    const TEST: &str = "an_older_k3s_that_runs_is_kept_and_the_command_that_upgrades_it_is_told";
    if !can_have_a_machine(TEST) {
        return;
    }
    let sandbox = Sandbox::new();
    let program = |name: &str, text: &str| {
        let path = sandbox.root().join(name);
        fs::write(&path, text).expect("ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("ours");
        path
    };
    program("bin/systemctl", SYSTEMCTL);
    let k3s = program("k3s", K3S);
    program("bin/k3s", K3S);
    let call = sandbox.bootstrap(["run", "--mode", "server", "--yes", "--accept-warnings", "--skip", "helm"]);
    let call = call.env("K3S", &k3s).through(["/bin/sh", "-euc", SCENE, "sh"]);
    let outcome = on_a_machine(call).run().expect(0);
    let said = outcome.output().split_whitespace().collect::<Vec<_>>().join(" ");
    let upgrade = "k3s v1.21.2+k3s1 is installed, not v1.35.5+k3s1; to upgrade it: \
                   curl -sfL https://get.k3s.io | sudo env INSTALL_K3S_VERSION=v1.35.5+k3s1 sh -";
    assert_eq!(said.matches(upgrade).count(), 1, "{outcome}");
    let run = sandbox.only_run();
    assert_eq!(run.manifest()["components"]["k3s"]["result"], "reused", "{outcome}");
    assert_eq!(
        run.context()["local"]["versions"]["k3s"],
        "v1.21.2+k3s1",
        "what is installed, not what was asked for"
    );
}
