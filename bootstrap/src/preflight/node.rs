//! What other machines take the host for: its name, its resolver, its clock.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schema::Mode;

use super::k3s_config::K3sConfig;
use super::network::is_global;
use crate::component::Finding;
use crate::host::{Command, Host, ProbeError};
use crate::settings::Settings;

const NAME: &str = "hostname";
const DNS: &str = "dns";
const CLOCK: &str = "clock";

/// Names that images and installers give to every machine. Two nodes of one name keep throwing each other out.
const OF_IMAGES: [&str; 8] =
    ["localhost", "localhost.localdomain", "debian", "ubuntu", "raspberrypi", "raspberry", "armbian", "host"];

/// Longest name that the label `kubernetes.io/hostname` can hold.
const LONGEST_NAME: usize = 63;

/// Whether the name of the host can be the name of a node, of this one alone.
pub(super) fn host_name(host: &Host, settings: &Settings, config: &Result<K3sConfig, ProbeError>) -> Finding {
    const FIX: &str =
        "hostnamectl set-hostname <name>, or in /etc/rancher/k3s/config.yaml: node-name: <name>";
    let configured = config.as_ref().ok().and_then(|config| config.text("node-name")).map(str::to_owned);
    let name = match (configured, host.read_text(Path::new("/proc/sys/kernel/hostname"))) {
        (Some(name), _) => name,
        (None, Ok(Some(name))) => name.trim().to_owned(),
        (None, Ok(None)) => {
            return Finding::warning(NAME, "unknown: /proc/sys/kernel/hostname does not exist");
        }
        (None, Err(error)) => return Finding::warning(NAME, format!("unknown: {error}")),
    };
    // k3s makes it lower case by itself.
    let node = name.to_ascii_lowercase();
    if !is_node_name(&node) {
        let rule = "a node name has letters, digits, - and . only, at most 63";
        return Finding::failure(NAME, format!("`{name}` cannot be a node name: {rule}")).help(FIX);
    }
    let server = settings.agent.as_ref().map(|agent| authority(&agent.server_url).to_ascii_lowercase());
    if server.as_deref() == Some(node.as_str()) {
        return Finding::failure(
            NAME,
            format!("`{node}` is the name of the server too; each node needs a name of its own"),
        )
        .help(FIX);
    }
    if settings.mode == Mode::Agent && OF_IMAGES.contains(&node.as_str()) {
        return Finding::warning(
            NAME,
            format!("`{node}` is a name of many machines; each node needs its own"),
        )
        .help(FIX);
    }
    Finding::pass(NAME, format!("`{node}` can be a node name"))
}

/// Host of an `https` URL.
fn authority(url: &str) -> &str {
    let rest = url.strip_prefix("https://").unwrap_or(url);
    let authority = rest.split('/').next().unwrap_or_default();
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

/// A DNS subdomain (RFC 1123).
fn is_node_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= LONGEST_NAME && name.split('.').all(is_label)
}

/// A resolver that pods can use. Nothing is resolved: that takes long where there is no network, and needs none.
pub(super) fn dns(host: &Host) -> Finding {
    // k3s takes the first of these that pods can use, and a public resolver where none is.
    const FILES: [&str; 2] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];
    const FIX: &str = "echo 'nameserver <address>' >> /etc/resolv.conf, or in /etc/rancher/k3s/config.yaml: \
                       resolv-conf: <file>";
    for file in FILES {
        let text = match host.read_text(Path::new(file)) {
            Ok(text) => text.unwrap_or_default(),
            Err(error) => return Finding::warning(DNS, format!("unknown: {error}")),
        };
        let servers: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("nameserver")?.split_whitespace().next())
            .collect();
        if !servers.is_empty() && servers.iter().all(|server| is_global(server)) {
            return Finding::pass(DNS, format!("{file} has a nameserver that pods can reach"));
        }
    }
    let evidence =
        "no nameserver that pods can reach: there is none, or one on loopback; k3s gives pods 8.8.8.8";
    Finding::warning(DNS, evidence).help(FIX)
}

/// A question to timedated, which may have to be started.
const QUESTION: Duration = Duration::from_secs(5);

/// Whether the clock is set, and kept.
pub(super) fn clock(host: &Host) -> Finding {
    if let Some(finding) = long_ago(Utc::now()) {
        return finding;
    }
    // Without systemd nobody answers, and the init check says so already.
    if host.program("timedatectl").is_none() || !host.is_there("/run/systemd/system") {
        return Finding::pass(CLOCK, "set; whether it is synchronised is not known");
    }
    let question = Command::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]);
    match host.run(&question.timeout(QUESTION)) {
        Ok(output) if output.text().trim() == "yes" => Finding::pass(CLOCK, "synchronised"),
        Ok(_) => Finding::warning(CLOCK, "not synchronised; certificates depend on it")
            .help("timedatectl set-ntp true"),
        Err(error) => Finding::warning(
            CLOCK,
            format!("cannot determine whether it is synchronised: {}", ProbeError::from(error)),
        ),
    }
}

/// The day on which the releases were chosen: no clock that is right shows an earlier one.
const CHOSEN: &str = "2026-07-01T00:00:00Z";

fn long_ago(now: DateTime<Utc>) -> Option<Finding> {
    let chosen = DateTime::parse_from_rfc3339(CHOSEN).ok()?;
    (now < chosen).then(|| {
        let evidence =
            format!("it says {}, which has passed; certificates would not be valid yet", now.date_naive());
        Finding::failure(CLOCK, evidence).help("timedatectl set-ntp true, or: date --set <time>")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Severity;

    #[test]
    fn a_clock_before_the_releases_is_wrong() {
        let at = |text| DateTime::parse_from_rfc3339(text).expect("a time").to_utc();
        // What boards without a battery start with.
        assert_eq!(
            long_ago(at("1970-01-01T00:00:10Z")).map(|finding| finding.severity),
            Some(Severity::Failed)
        );
        assert_eq!(long_ago(at(CHOSEN)), None);
    }

    #[test]
    fn node_names_are_dns_names() {
        for name in ["node", "node-1.example.org", "1"] {
            assert!(is_node_name(name), "{name}");
        }
        for name in ["", "my_node", "-a", "a-", "a..b", "n\u{f6}de", &"a".repeat(64)] {
            assert!(!is_node_name(name), "{name}");
        }
        assert_eq!(authority("https://server.example.local:6443/"), "server.example.local");
        assert_eq!(authority("https://server"), "server");
    }
}
