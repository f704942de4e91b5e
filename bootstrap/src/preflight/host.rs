//! The host itself: system, architecture, service manager, privilege, commands, and whether its role suits the settings.
//!
//! What could not be found out is a warning and not a failure: the run finds out, or fails where it matters.

use std::path::Path;

use schema::{Arch, Mode, Platform, Support};

use crate::component::{Finding, Spec, selected};
use crate::host::{Host, RootAccess};
use crate::platform::SUPPORTED;
use crate::settings::{Artifacts, Settings};

/// The text that tells what system this is, see os-release(5). Empty if there is none.
pub fn os_release(host: &Host) -> String {
    let read = |path| host.read_text(Path::new(path)).ok().flatten();
    ["/etc/os-release", "/usr/lib/os-release"].into_iter().find_map(read).unwrap_or_default()
}

pub(super) fn operating_system(platform: &Platform) -> Finding {
    let found = format!("{} {}", platform.os_id, platform.os_version);
    if SUPPORTED.contains(&(platform.os_id, platform.os_version.as_str())) {
        return Finding::pass("os", found);
    }
    // A warning, because untested versions mostly work; the operator decides.
    let known: Vec<String> = SUPPORTED.iter().map(|(id, version)| format!("{id} {version}")).collect();
    Finding::warning("os", format!("{found} is not supported; supported are {}", known.join(", ")))
}

pub(super) fn architecture(platform: &Platform) -> Finding {
    match (platform.arch, platform.support) {
        (Arch::Other, Support::Supported | Support::Unsupported) => {
            Finding::failure("arch", "amd64 or arm64 is required; there are no releases for others")
        }
        (arch, _) => Finding::pass("arch", arch.as_str()),
    }
}

/// systemd makes this directory when it is PID 1, see `sd_booted(3)`.
pub(super) fn init_system(host: &Host) -> Finding {
    match host.exists(Path::new("/run/systemd/system")) {
        Ok(true) => Finding::pass("systemd", "PID 1"),
        Ok(false) => Finding::failure("systemd", "not PID 1; k3s requires systemd"),
        Err(error) => {
            Finding::warning("systemd", format!("cannot determine whether systemd is running: {error}"))
        }
    }
}

pub(super) fn privilege(host: &Host) -> Finding {
    match host.root_access() {
        RootAccess::Root => Finding::pass("privilege", "running as root"),
        RootAccess::Sudo => Finding::pass("privilege", "sudo works"),
        // sudo is not tried here: it could ask for a password, and a preflight only looks.
        RootAccess::Plain if host.program("sudo").is_some() => {
            Finding::pass("privilege", "not root; sudo is used for changes alone")
        }
        RootAccess::Plain => Finding::failure("privilege", "root is required, and there is no sudo")
            .help("run as root, or: apt-get install sudo"),
    }
}

/// Programs that the steps of a run call; each missing one is its own finding.
pub(super) fn commands(host: &Host, settings: &Settings) -> Vec<Finding> {
    // A stack is put on a cluster that runs already, so no service is installed.
    let is_online = settings.artifacts == Artifacts::Download || settings.mode == Mode::Agent;
    let of_every_run = [("systemctl", settings.mode != Mode::Stack), ("curl", is_online)];
    let wanted = selected(settings).filter(|spec| spec.wanted(settings));
    let of_components = wanted.flat_map(Spec::programs).map(|program| (*program, true));
    let needed: Vec<(&str, bool)> = of_every_run.into_iter().chain(of_components).collect();
    let missing: Vec<Finding> = needed
        .iter()
        .filter(|(program, needed)| *needed && host.program(program).is_none())
        .map(|(program, _)| {
            Finding::failure("commands", format!("{program} is required and not in PATH"))
                .help(format!("apt-get install {}", package_of(program)))
        })
        .collect();
    if missing.is_empty() {
        vec![Finding::pass("commands", "all required commands are found")]
    } else {
        missing
    }
}

/// The package that has a program, where it is called otherwise.
fn package_of(program: &str) -> &str {
    match program {
        "apt-get" => "apt",
        "dpkg-query" => "dpkg",
        "systemctl" => "systemd",
        program => program,
    }
}

/// The role that the mode gives the host.
pub(super) fn role(host: &Host, settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    match settings.mode {
        Mode::Agent => findings.push(not_here(host, "server", "k3s")),
        // The stack builds on what `--mode server` leaves behind, and installs neither itself.
        Mode::Stack => findings.extend([server_here(host), helm_here(host)]),
        Mode::Server | Mode::SingleNode => findings.push(not_here(host, "agent", "k3s-agent")),
    }
    findings
}

fn not_here(host: &Host, role: &str, service: &str) -> Finding {
    let evidence = match host.service_active(service) {
        Ok(false) => return Finding::pass("role", format!("no k3s {role} runs here")),
        Ok(true) => format!("a k3s {role} runs here; a host is a server or an agent, not both"),
        Err(error) => {
            let evidence = format!("cannot determine whether a k3s {role} runs here: {error}");
            return Finding::warning("role", evidence);
        }
    };
    let fix = format!("run on another host; or remove the {role}: /usr/local/bin/{service}-uninstall.sh");
    Finding::failure("role", evidence).help(fix)
}

fn server_here(host: &Host) -> Finding {
    match host.service_active("k3s") {
        Ok(true) => Finding::pass("role", "a k3s server runs here"),
        Ok(false) => Finding::failure("role", "a k3s server is required, and none runs here")
            .help("bootstrap run --mode server"),
        Err(error) => {
            Finding::warning("role", format!("cannot determine whether a k3s server runs here: {error}"))
        }
    }
}

fn helm_here(host: &Host) -> Finding {
    match host.program("helm") {
        Some(_) => Finding::pass("helm", "found"),
        None => {
            Finding::failure("helm", "helm is required and not in PATH").help("bootstrap run --mode server")
        }
    }
}
