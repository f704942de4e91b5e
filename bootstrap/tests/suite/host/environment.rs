//! What commands see of the environment, by sudo as much as root's own.

use std::fs;

use bootstrap::host::{Command, RootAccess};

use super::{check_repeated, program};
use crate::support::stub_host::StubHost;

/// Set where a test is repeated with an environment of its own.
const REPEATED: &str = "ENVIRONMENT_REPEATED";

const NETWORK: [(&str, &str); 8] = [
    ("HTTPS_PROXY", "http://proxy.test:3128"),
    ("https_proxy", "http://alice:canary@proxy.test:3128"),
    ("HTTP_PROXY", "canary@proxy.test:3128"),
    ("ALL_PROXY", "socks5://proxy.test"),
    ("all_proxy", "socks5://other.test"),
    ("NO_PROXY", "10.0.0.0/8,.test"),
    ("SSL_CERT_FILE", "/canary/ca.pem"),
    ("SSL_CERT_DIR", "/canary/authorities"),
];

/// Repeats the test `name` with these variables, and says true, where this process is not the one that repeats it.
#[expect(clippy::disallowed_methods, reason = "it starts this test, nothing of ours")]
fn repeated_with(variables: &[(&str, &str)], name: &str) -> bool {
    if std::env::var_os(REPEATED).is_some() {
        return false;
    }
    let mut again = std::process::Command::new(std::env::current_exe().expect("this program"));
    again.args(["--exact", name]).envs(variables.iter().copied()).env(REPEATED, "");
    check_repeated(again);
    true
}

fn with_sudo() -> StubHost {
    let stub = StubHost::fresh();
    std::os::unix::fs::symlink("../optional/sudo", stub.path("stub/bin/sudo")).expect("link");
    program(&stub, "shows", "env");
    stub
}

/// Which of [`NETWORK`] the command saw, with their values.
fn seen(stub: &StubHost, access: RootAccess, command: Command) -> Vec<&'static str> {
    let told = stub.host_as(access).run(&command.withhold_output()).expect("it runs").text();
    let has = |(name, value): &(&str, &str)| told.lines().any(|line| line == format!("{name}={value}"));
    NETWORK.iter().filter(|variable| has(variable)).map(|(name, _)| *name).collect()
}

#[test]
fn the_way_to_the_network_is_told_to_every_command() {
    if repeated_with(&NETWORK, "host::environment::the_way_to_the_network_is_told_to_every_command") {
        return;
    }
    let stub = with_sudo();
    let all = NETWORK.map(|(name, _)| name);
    assert_eq!(seen(&stub, RootAccess::Sudo, Command::new("shows")), all);
    assert_eq!(seen(&stub, RootAccess::Root, Command::new("shows").as_root()), all);
    // sudo resets the environment, and its arguments are open to every user: no login comes along.
    let by_sudo = Command::new("shows").env("K", "v").as_root();
    assert_eq!(seen(&stub, RootAccess::Sudo, by_sudo), ["HTTPS_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY"]);
    assert!(!stub.calls().concat().contains("canary"), "{:?}", stub.calls());
    assert!(!stub.log().contains("proxy.test"), "{}", stub.log());
    assert_eq!(stub.host_as(RootAccess::Sudo).withheld_proxies(), ["https_proxy", "HTTP_PROXY"]);
    assert!(stub.host_as(RootAccess::Root).withheld_proxies().is_empty(), "root's own commands have them");
}

/// Where a key of the agent or a ticket stands for the password, each call that lacks it is refused.
#[test]
fn sudo_finds_what_stands_for_a_password_at_each_call() {
    let variables = [("SSH_AUTH_SOCK", "/run/agent"), ("KRB5CCNAME", "/run/ticket")];
    if repeated_with(&variables, "host::environment::sudo_finds_what_stands_for_a_password_at_each_call") {
        return;
    }
    let stub = with_sudo();
    let sudo = r#"[ "$SSH_AUTH_SOCK$KRB5CCNAME" = /run/agent/run/ticket ] || { echo refused >&2; exit 1; }
        echo "$*" >> "${0%/bin/*}/agreed"; shift; [ "$1" = -- ] && shift; exec env -i PATH="$PATH" "$@""#;
    fs::remove_file(stub.path("stub/bin/sudo")).expect("the link");
    program(&stub, "sudo", sudo);
    let mut host = stub.host_as(RootAccess::Plain);
    host.acquire_root(false).expect("the agent has the key");
    let told = host.run(&Command::new("shows").as_root()).expect("and has it still").text();
    assert_eq!(stub.text("stub/agreed").lines().count(), 2);
    assert!(!told.contains("/run/agent"), "it is for sudo alone: {told}");
    let told = host.run(&Command::new("shows")).expect("runs").text();
    assert!(!told.contains("/run/agent"), "it is for sudo alone: {told}");
}
