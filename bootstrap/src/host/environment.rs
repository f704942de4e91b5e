//! What child processes see of our environment: an allowlist, because the inputs of a run, passwords among them, are there.

use std::ffi::OsString;

use nix::unistd::{Uid, User};
use privacy::disk::Owner;

/// What every child sees: how to reach the network, and where its own files are.
const OF_COMMANDS: [&str; 8] = [
    "HOME",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
];

/// What sudo needs besides to ask for a password, or for something in the place of one: a key of the agent, a ticket of
/// Kerberos.
const OF_SUDO: [&str; 8] =
    ["PATH", "TERM", "LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "SSH_AUTH_SOCK", "KRB5CCNAME"];

type Variables = Vec<(&'static str, OsString)>;

/// The variables of a command. Under sudo, HOME may be the caller's: what kubectl and helm keep there would be root's, in a
/// directory of the caller. Root's own is told then.
pub(super) fn of_commands() -> Variables {
    let mut variables = present(&OF_COMMANDS);
    if matches!(Owner::from_env(), Owner::Invoker { .. }) {
        let root = User::from_uid(Uid::from_raw(0)).ok().flatten();
        let home = root.map_or_else(|| "/root".into(), |root| root.dir.into_os_string());
        variables.retain(|(name, _)| *name != "HOME");
        variables.push(("HOME", home));
    }
    variables
}

/// The variables of sudo where it is asked for itself.
pub(super) fn of_sudo() -> Variables {
    let mut variables = present(&OF_COMMANDS);
    variables.extend(present(&OF_SUDO));
    variables
}

fn present(names: &[&'static str]) -> Variables {
    names.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))).collect()
}
