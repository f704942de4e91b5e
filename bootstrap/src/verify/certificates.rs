//! Certificates: valid now, and for how long.

use std::path::Path;

use chrono::{DateTime, Utc};
use schema::{Component, Mode};
use serde_json::Value;

use super::cluster::items;
use super::report::VerifiedCheck;
use crate::component::Probe;
use crate::host::{Host, ProbeError};
use crate::step::{self, text};

const OF_AGENT: &str = "/var/lib/rancher/k3s/agent";
const OF_SERVER: &str = "/var/lib/rancher/k3s/server/tls";

/// A certificate and when it is valid.
struct Dated {
    name: String,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

/// Those that k3s signs itself. They last a year, and it renews them when it starts within the last quarter of it.
pub(super) fn of_k3s(host: &Host, mode: Mode) -> VerifiedCheck {
    let (folders, service): (&[&str], _) = match mode {
        Mode::Agent => (&[OF_AGENT], "k3s-agent"),
        _ => (&[OF_SERVER, OF_AGENT], "k3s"),
    };
    let check = VerifiedCheck::new(Component::K3s, "the certificates of k3s are valid");
    check.judged(in_folders(host, folders), |check, dated| {
        judge(check, &dated, Utc::now(), &format!("systemctl restart {service}"))
    })
}

fn in_folders(host: &Host, folders: &[&str]) -> Result<Vec<Dated>, ProbeError> {
    let mut found = Vec::new();
    for folder in folders {
        let mut names = host.entries(Path::new(folder))?;
        names.retain(|name| Path::new(name).extension().is_some_and(|extension| extension == "crt"));
        names.sort();
        for name in names {
            let path = format!("{folder}/{name}");
            let text = host.read_text(Path::new(&path))?.unwrap_or_default();
            let validities = step::certificates(&text).into_iter().map(|certificate| certificate.validity());
            for validity in validities {
                let unreadable = || ProbeError::File { message: format!("{path} holds no certificate") };
                let (from, until) = validity.ok_or_else(unreadable)?;
                found.push(Dated { name: path.clone(), from, until });
            }
        }
    }
    Ok(found)
}

/// Those that cert-manager has issued and renews.
pub(super) fn of_cert_manager(probe: &Probe<'_>) -> VerifiedCheck {
    const FIX: &str = "k3s kubectl get certificates --all-namespaces";
    let check = VerifiedCheck::new(Component::CertManager, "the certificates of cert-manager are valid");
    check.judged(items(probe, "/apis/cert-manager.io/v1/certificates"), |check, all| {
        let (dated, undated): (Vec<_>, Vec<_>) =
            all.iter().map(|found| (found, dated(found))).partition(|(_, dated)| dated.is_some());
        if let Some((waiting, _)) = undated.first() {
            return check.failed(format!("{} is not issued", name(waiting))).help(FIX);
        }
        let dated: Vec<Dated> = dated.into_iter().filter_map(|(_, dated)| dated).collect();
        if dated.is_empty() {
            return check.ok("none is issued");
        }
        judge(check, &dated, Utc::now(), FIX)
    })
}

fn dated(certificate: &Value) -> Option<Dated> {
    let time = |pointer| Some(DateTime::parse_from_rfc3339(text(certificate, pointer)?).ok()?.to_utc());
    let until = time("/status/notAfter")?;
    // Older releases do not state it; a certificate is never issued for the future.
    let from = time("/status/notBefore").unwrap_or(DateTime::UNIX_EPOCH);
    Some(Dated { name: name(certificate), from, until })
}

fn name(certificate: &Value) -> String {
    let part = |pointer| text(certificate, pointer).unwrap_or("?");
    format!("{}/{}", part("/metadata/namespace"), part("/metadata/name"))
}

/// The certificate that ends first decides.
fn judge(check: VerifiedCheck, all: &[Dated], now: DateTime<Utc>, fix: &str) -> VerifiedCheck {
    let Some(first) = all.iter().min_by_key(|certificate| certificate.until) else {
        return check.failed("there are none").help(fix);
    };
    if let Some(early) = all.iter().find(|certificate| certificate.from > now) {
        let evidence = format!("{} is not valid before {}", early.name, early.from.date_naive());
        return check.failed(evidence).help("timedatectl set-ntp true");
    }
    let (until, name) = (first.until.date_naive(), &first.name);
    if first.until <= now {
        return check.failed(format!("{name} expired on {until}")).help(fix);
    }
    check.ok(format!("for {} days, until {until}", (first.until - now).num_days()))
}
