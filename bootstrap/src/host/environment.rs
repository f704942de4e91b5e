//! What child processes see of our environment: an allowlist, because the inputs of a run, passwords among them, are there.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use nix::unistd::{Uid, User};
use privacy::disk::Owner;

/// Which proxies there are, and for which hosts none is used: what curl reads, and what the install script of k3s keeps for
/// its service.
const PROXIES: [&str; 8] = [
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

/// Which authorities are trusted.
const AUTHORITIES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// What sudo needs to ask for a password.
const OF_SUDO: [&str; 6] = ["PATH", "TERM", "LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES"];

/// What sudo may take in the place of a password: a key of the agent, a ticket of Kerberos.
const CREDENTIALS: [&str; 2] = ["SSH_AUTH_SOCK", "KRB5CCNAME"];

type Variables = Vec<(&'static str, OsString)>;

/// Whether the variable `name` says how to reach the network, so that whatever does so needs it.
pub fn is_of_network(name: &str) -> bool {
    PROXIES.contains(&name) || AUTHORITIES.contains(&name)
}

/// The variables of a command. Under sudo, HOME may be the caller's: what kubectl and helm keep there would be root's, in a
/// directory of the caller. Root's own is told then.
pub(super) fn of_commands() -> Variables {
    let mut variables = present(&["HOME"]);
    if matches!(Owner::from_env(), Owner::Invoker { .. }) {
        let root = User::from_uid(Uid::from_raw(0)).ok().flatten();
        let home = root.map_or_else(|| "/root".into(), |root| root.dir.into_os_string());
        variables = vec![("HOME", home)];
    }
    variables.extend(of_network());
    variables
}

/// The variables of sudo where it is asked for itself.
pub(super) fn of_sudo() -> Variables {
    let mut variables = present(&["HOME"]);
    variables.extend(of_network());
    variables.extend(present(&OF_SUDO));
    variables.extend(credentials_of_sudo());
    variables
}

/// What sudo may take in the place of a password, wherever it is called.
pub(super) fn credentials_of_sudo() -> Variables {
    present(&CREDENTIALS)
}

/// The proxies as words of env(1), for a command that sudo runs: root's own commands have them too. Those with a login are
/// left out, see [`proxies_with_login`]. The authorities are left out as well: of what root runs, nothing uses them.
pub(super) fn proxy_words() -> impl Iterator<Item = OsString> {
    present(&PROXIES).into_iter().filter(|(_, value)| !has_login(value)).map(|(name, value)| {
        let mut word = OsString::from(name);
        word.push("=");
        word.push(value);
        word
    })
}

/// Names of proxies that may not be words: arguments are open to every user of the machine.
pub(super) fn proxies_with_login() -> Vec<&'static str> {
    present(&PROXIES).into_iter().filter(|(_, value)| has_login(value)).map(|(name, _)| name).collect()
}

fn of_network() -> Variables {
    let mut variables = present(&PROXIES);
    variables.extend(present(&AUTHORITIES));
    variables
}

/// Whether the URL of a proxy, which may lack its scheme, has a user, with or without a password.
pub fn has_login(proxy: &OsStr) -> bool {
    proxy.as_bytes().contains(&b'@')
}

fn present(names: &[&'static str]) -> Variables {
    names.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))).collect()
}
