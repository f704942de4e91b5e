//! Usage errors: exit 2, one clear message that names the key, and nothing written.

use tests::{Invocation, Sandbox};

/// Runs `call` and passes if it is refused as a usage error that leaves no trace; its message is a snapshot.
fn refused(sandbox: &Sandbox, name: &str, call: &Invocation) {
    let before = sandbox.files_outside_runs();
    let outcome = call.run().expect(2);
    assert_eq!(outcome.stdout, "", "{name}");
    sandbox.snapshot(&format!("usage_{name}"), &outcome);
    assert_eq!(sandbox.files_outside_runs(), before, "{name}");
    assert!(!sandbox.runs_dir().exists(), "{name}: nothing is written");
    // A usage error is reported before the host is touched, even by a query.
    assert!(sandbox.calls_made().is_empty(), "{name}: no program is called");
}

#[test]
fn on_the_command_line() {
    let sandbox = Sandbox::new();
    let agent = "run --dry-run --mode agent";
    let table = [
        ("no_command", ""),
        ("unknown_command", "rum --mode server"),
        ("unknown_mode", "run --dry-run --mode serve"),
        ("unknown_flag", "run --dry-run --moed server"),
        ("unknown_component", "run --dry-run --skip longhron"),
        ("plain_http", &format!("{agent} --agent-server-url http://k3s.example.local:6443")),
        ("url_with_password", &format!("{agent} --agent-server-url https://me:hunter2@k3s.example.local")),
        ("network_without_length", "run --dry-run --nfs-allowed-network 10.0.0.0"),
        ("network_with_host_bits", "run --dry-run --nfs-allowed-network 10.0.0.1/24"),
        ("network_too_long", "run --dry-run --nfs-allowed-network 10.0.0.0/33"),
        ("replicas_too_few", "run --dry-run --longhorn-replica-count 0"),
        ("replicas_too_many", "run --dry-run --longhorn-replica-count 10"),
        ("percentage_too_large", "run --dry-run --longhorn-minimal-available-percentage 101"),
        ("size_too_large", "run --dry-run --registry-pvc-size-gib 65537"),
        ("number_is_a_word", "run --dry-run --registry-pvc-size-gib many"),
        ("switch_is_a_word", "run --dry-run --nfs-manage perhaps"),
        ("relative_path", "run --dry-run --longhorn-data-path data"),
        (
            "same_hosts",
            "run --dry-run --mode stack --rancher-host a.example.local --registry-host a.example.local",
        ),
        ("system_directory", "run --dry-run --nfs-export-path /etc"),
        ("negative_number", "run --dry-run --longhorn-replica-count -1"),
        ("unknown_tls", "run --dry-run --tls letsencript"),
        ("quiet_and_verbose", "run --dry-run -q -v"),
        ("missing_server_url", agent),
        ("missing_token", &format!("{agent} --agent-server-url https://k3s.example.local:6443")),
        ("missing_email", "run --dry-run --mode stack --tls letsencrypt"),
        (
            "missing_token_file",
            &format!("{agent} --agent-server-url https://k3s.example.local --agent-token-file nowhere"),
        ),
        ("unused_in_server", "run --dry-run --rancher-host rancher.example.local"),
        ("unused_in_agent", &format!("{agent} --nfs-manage false")),
        ("unknown_shell", "completions tcsh"),
        ("show_no_id", "telemetry show not-an-id"),
        ("send_no_file", "telemetry send nowhere.json"),
        ("purge_unasked", "telemetry purge"),
    ];
    for (name, line) in table {
        refused(&sandbox, name, &sandbox.bootstrap(line.split_whitespace()));
    }
}

#[test]
fn in_the_config_file() {
    let sandbox = Sandbox::new();
    let table = [
        ("unknown_key", "moed: server\n"),
        ("unknown_nested_key", "agent:\n  server_ulr: https://k3s.example.local:6443\n"),
        ("unknown_word", "tls:\n  mode: letsencript\n"),
        ("out_of_range", "longhorn:\n  replica_count: 12\n"),
        ("no_yaml", "mode: [server\n"),
        ("twice", "mode: server\nmode: agent\n"),
        ("a_list", "- mode\n- server\n"),
        ("unquoted_version", "versions:\n  k3s: 1.10\n"),
        ("secret_in_place_of_key", "hunter2 is my password: yes\n"),
        ("unused", "nfs:\n  export_path: /srv/nfs\n"),
    ];
    for (name, content) in table {
        sandbox.file("config.yaml", content, 0o600);
        let call = sandbox.dry_run("server").args(["--config", "config.yaml"]);
        refused(&sandbox, &format!("config_{name}"), &call);
    }
}

#[test]
fn a_config_file_that_cannot_be_read() {
    let sandbox = Sandbox::unprivileged();
    sandbox.file("closed.yaml", "mode: server\n", 0o000);
    for (name, path) in [("missing", "nowhere.yaml"), ("a_directory", "."), ("closed", "closed.yaml")] {
        let call = sandbox.dry_run("server").args(["--config", path]);
        refused(&sandbox, &format!("config_is_{name}"), &call);
    }
    sandbox.file("large.yaml", &"# a comment\n".repeat(30_000), 0o600);
    refused(&sandbox, "config_is_large", &sandbox.dry_run("server").args(["--config", "large.yaml"]));
    std::fs::write(sandbox.cwd().join("binary.yaml"), b"mode: \xff\xfe\n").expect("the directory is ours");
    refused(&sandbox, "config_is_binary", &sandbox.dry_run("server").args(["--config", "binary.yaml"]));
}

#[test]
fn in_the_environment() {
    let sandbox = Sandbox::new();
    let table = [
        ("mode", "PRODUCTIVE_K3S_MODE", "sever"),
        ("network", "PRODUCTIVE_K3S_NFS_ALLOWED_NETWORK", "300.0.0.0/8"),
        ("version", "PRODUCTIVE_K3S_K3S_VERSION", "$(id)"),
        ("newline", "PRODUCTIVE_K3S_DOMAIN", "example.local\nhunter2"),
        ("unknown", "PRODUCTIVE_K3S_AGENT_SERVER_ULR", "https://hunter2.example.local"),
        ("other_prefix", "BOOTSTRAP_MODE", "agent"),
        ("unused_secret", "PRODUCTIVE_K3S_AGENT_TOKEN", "hunter2"),
    ];
    for (name, variable, value) in table {
        let call = sandbox.bootstrap(["run", "--dry-run"]).env(variable, value);
        refused(&sandbox, &format!("environment_{name}"), &call);
    }
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_config_file() {
    let sandbox = Sandbox::new();
    sandbox.file("config.yaml", "mode: stack\n", 0o600);
    let mode = |call: &Invocation| call.run().expect(0).json()["mode"].as_str().expect("a word").to_owned();
    let call = sandbox.bootstrap(["run", "--dry-run", "--json"]);
    assert_eq!(mode(&call), "server");
    let call = call.args(["--config", "config.yaml"]);
    assert_eq!(mode(&call), "stack");
    let call = call.env("PRODUCTIVE_K3S_MODE", "single-node");
    assert_eq!(mode(&call), "single-node");
    assert_eq!(mode(&call.args(["--mode", "server"])), "server");
}

#[test]
fn applying_without_a_terminal_needs_a_yes() {
    let sandbox = Sandbox::new();
    let before = sandbox.files_outside_runs();
    let outcome = sandbox.bootstrap(["run", "--mode", "server"]).run().expect(2);
    assert!(outcome.stderr.contains("--yes") || outcome.stderr.contains("--dry-run"), "{outcome}");
    assert_eq!((outcome.stdout.as_str(), sandbox.files_outside_runs()), ("", before));
    assert!(!sandbox.runs_dir().exists());
}
