//! Firewalls of the host that would stop what nodes and pods say to each other.
//!
//! A run adds no rule: which network the nodes share is the operator's knowledge. It names the rules that are missing.

use std::path::Path;
use std::time::Duration;

use schema::Mode;

use super::k3s_config::K3sConfig;
use crate::component::Finding;
use crate::host::{Command, Host, ProbeError};
use crate::settings::Settings;

const CHECK: &str = "firewall";

/// firewalld answers by D-Bus.
const QUESTION: Duration = Duration::from_secs(5);

/// What must get through.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// A port of the host, such as `6443/tcp`.
    Port(u16, &'static str),
    /// Everything from a network of the cluster.
    From(String),
}

/// What each active firewall stops.
pub(super) fn check(
    host: &Host,
    settings: &Settings,
    config: &Result<K3sConfig, ProbeError>,
) -> Vec<Finding> {
    let needed = needed(settings.mode, config);
    let findings: Vec<Finding> =
        [ufw(host, &needed), firewalld(host, &needed)].into_iter().flatten().collect();
    if findings.is_empty() {
        return vec![Finding::pass(CHECK, "neither ufw nor firewalld stops the traffic of the cluster")];
    }
    findings
}

/// See "Inbound Rules for K3s Nodes" in the requirements of k3s.
fn needed(mode: Mode, config: &Result<K3sConfig, ProbeError>) -> Vec<Rule> {
    let network = |key, default: &str| {
        let configured = config.as_ref().ok().and_then(|config| config.text(key));
        // With two families the networks are separated by a comma.
        configured
            .unwrap_or(default)
            .split(',')
            .map(|one| Rule::From(one.trim().to_owned()))
            .collect::<Vec<_>>()
    };
    let mut rules = match mode {
        Mode::Agent => Vec::new(),
        _ => vec![Rule::Port(6443, "tcp"), Rule::Port(80, "tcp"), Rule::Port(443, "tcp")],
    };
    rules.extend([Rule::Port(10250, "tcp"), Rule::Port(8472, "udp")]);
    rules.extend(network("cluster-cidr", "10.42.0.0/16"));
    rules.extend(network("service-cidr", "10.43.0.0/16"));
    rules
}

fn warning(name: &str, missing: &str, fix: &[String]) -> Finding {
    Finding::warning(CHECK, format!("{name} is active and {missing}")).help(fix.join(" && "))
}

/// ufw says only to root what it does, but its files say it: `ufw.conf` to everybody, `user.rules` to root.
fn ufw(host: &Host, needed: &[Rule]) -> Option<Finding> {
    let is_on = |line: &str| {
        line.trim().strip_prefix("ENABLED=").is_some_and(|value| value.trim_matches(['"', '\'']) == "yes")
    };
    let text = host.read_text(Path::new("/etc/ufw/ufw.conf")).ok().flatten()?;
    if !text.lines().any(is_on) {
        return None;
    }
    let command = |rule: &Rule| match rule {
        Rule::Port(port, transport) => format!("ufw allow {port}/{transport}"),
        Rule::From(network) => format!("ufw allow from {network}"),
    };
    let Ok(Some(rules)) = host.read_text(Path::new("/etc/ufw/user.rules")) else {
        return Some(warning(
            "ufw",
            "root alone can see its rules",
            &needed.iter().map(command).collect::<Vec<_>>(),
        ));
    };
    let missing: Vec<String> =
        needed.iter().filter(|rule| !rules.lines().any(|line| allows(line, rule))).map(command).collect();
    (!missing.is_empty()).then(|| warning("ufw", "stops traffic of the cluster", &missing))
}

/// ufw keeps each rule as a comment `### tuple ### ACTION PROTOCOL DPORT DESTINATION SPORT SOURCE [APPS] DIRECTION`.
fn allows(line: &str, rule: &Rule) -> bool {
    let Some(tuple) = line.strip_prefix("### tuple ### ") else { return false };
    let fields: Vec<&str> = tuple.split_whitespace().collect();
    let ["allow" | "limit", transport, ports, _, _, source, ..] = fields.as_slice() else { return false };
    if !fields.last().is_some_and(|direction| direction.starts_with("in")) {
        return false;
    }
    match rule {
        Rule::Port(port, wanted) => [*wanted, "any"].contains(transport) && lists_port(ports, *port),
        Rule::From(network) => source == network && *ports == "any" && *transport == "any",
    }
}

/// Ports are a number, a range `6000:7000`, a list of both, or `any`.
fn lists_port(ports: &str, port: u16) -> bool {
    ports == "any"
        || ports.split(',').any(|part| {
            let (from, to) = part.split_once(':').unwrap_or((part, part));
            from.parse().is_ok_and(|from: u16| from <= port) && to.parse().is_ok_and(|to: u16| port <= to)
        })
}

fn firewalld(host: &Host, needed: &[Rule]) -> Option<Finding> {
    match host.service_active("firewalld") {
        Ok(false) => return None,
        Ok(true) => {}
        Err(error) => {
            return Some(Finding::warning(
                CHECK,
                format!("cannot determine whether firewalld is active: {error}"),
            ));
        }
    }
    let words = |rule: &Rule, verb: &str| match rule {
        Rule::Port(port, transport) => vec![format!("--{verb}-port={port}/{transport}")],
        Rule::From(network) => vec!["--zone=trusted".to_owned(), format!("--{verb}-source={network}")],
    };
    // Somebody who may not ask learns nothing, and every rule counts as missing.
    let is_missing = |rule: &&Rule| {
        let question = Command::new("firewall-cmd").args(words(rule, "query")).timeout(QUESTION);
        !host.ask(&question).is_ok_and(|output| output.succeeded())
    };
    let mut fix: Vec<String> = needed
        .iter()
        .filter(is_missing)
        .map(|rule| format!("firewall-cmd --permanent {}", words(rule, "add").join(" ")))
        .collect();
    if fix.is_empty() {
        return None;
    }
    fix.push("firewall-cmd --reload".to_owned());
    Some(warning("firewalld", "stops traffic of the cluster", &fix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_ufw_are_read_as_it_writes_them() {
        let (api, kubelet) = (Rule::Port(6443, "tcp"), Rule::Port(10250, "tcp"));
        let pods = Rule::From("10.42.0.0/16".to_owned());
        for (line, rule, allowed) in [
            ("### tuple ### allow tcp 6443 0.0.0.0/0 any 0.0.0.0/0 in", &api, true),
            ("### tuple ### allow any 6443 0.0.0.0/0 any 10.0.0.0/8 in_eth0", &api, true),
            ("### tuple ### limit tcp 22,6000:7000 0.0.0.0/0 any 0.0.0.0/0 in", &api, true),
            ("### tuple ### deny tcp 6443 0.0.0.0/0 any 0.0.0.0/0 in", &api, false),
            ("### tuple ### allow udp 6443 0.0.0.0/0 any 0.0.0.0/0 in", &api, false),
            ("### tuple ### allow tcp 6443 0.0.0.0/0 any 0.0.0.0/0 out", &api, false),
            ("### tuple ### allow tcp 6443 0.0.0.0/0 any 0.0.0.0/0 in", &kubelet, false),
            ("### tuple ### allow any any 0.0.0.0/0 any 10.42.0.0/16 in", &pods, true),
            ("### tuple ### allow any any 0.0.0.0/0 any 0.0.0.0/0 in", &pods, false),
            ("-A ufw-user-input -p tcp --dport 6443 -j ACCEPT", &api, false),
        ] {
            assert_eq!(allows(line, rule), allowed, "{line}");
        }
    }
}
