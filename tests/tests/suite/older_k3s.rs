//! A k3s that works and is older than the requested one: it is kept as it is, and the operator is told how to upgrade it.

use tests::{Sandbox, can_have_a_machine, on_a_machine_with_k3s};

#[test]
fn an_older_k3s_that_runs_is_kept_and_the_command_that_upgrades_it_is_told() {
    const TEST: &str = "an_older_k3s_that_runs_is_kept_and_the_command_that_upgrades_it_is_told";
    if !can_have_a_machine(TEST) {
        return;
    }
    let sandbox = Sandbox::new();
    let call = sandbox.bootstrap(["run", "--mode", "server", "--yes", "--accept-warnings", "--skip", "helm"]);
    let outcome = on_a_machine_with_k3s(&sandbox, call, "v1.21.2+k3s1").run().expect(0);
    let plan = "  = k3s  v1.21.2+k3s1  /usr/local/bin/k3s, k3s.service";
    assert!(outcome.stderr.lines().any(|line| line == plan), "the version that is there: {outcome}");
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
