//! Settings that do not fit the host.

use std::path::Path;

use schema::Mode;

use crate::component::Finding;
use crate::host::Host;
use crate::settings::{Artifacts, Settings};

pub(super) fn check(host: &Host, settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    match settings.mode {
        Mode::Agent => findings.push(no_server_here(host)),
        Mode::Stack => findings.extend([server_here(host), helm_here(host)]),
        Mode::Server | Mode::SingleNode => {}
    }
    if let Artifacts::Local(folder) = &settings.artifacts {
        findings.push(artifacts(folder));
    }
    findings
}

fn no_server_here(host: &Host) -> Finding {
    match host.service_active("k3s") {
        Ok(false) => Finding::pass("role", "no k3s server runs here"),
        Ok(true) => {
            Finding::failure("role", "a k3s server runs here; a host is a server or an agent, not both")
        }
        Err(error) => {
            Finding::warning("role", format!("cannot tell whether a k3s server runs here: {error}"))
        }
    }
}

fn server_here(host: &Host) -> Finding {
    match host.service_active("k3s") {
        Ok(true) => Finding::pass("role", "a k3s server runs here"),
        Ok(false) => {
            Finding::failure("role", "no k3s server runs here; `bootstrap run --mode server` installs one")
        }
        Err(error) => {
            Finding::warning("role", format!("cannot tell whether a k3s server runs here: {error}"))
        }
    }
}

fn helm_here(host: &Host) -> Finding {
    match host.program("helm") {
        Some(_) => Finding::pass("helm", "helm is there"),
        None => Finding::failure("helm", "helm is not there; `bootstrap run --mode server` installs it"),
    }
}

fn artifacts(folder: &Path) -> Finding {
    const CHECK: &str = "artifacts";
    if folder.is_dir() {
        Finding::pass(CHECK, format!("{} is there", folder.display()))
    } else {
        Finding::failure(CHECK, format!("{} is not a folder; artifacts_dir names it", folder.display()))
    }
}
