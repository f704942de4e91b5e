//! Settings that do not fit the host.

use std::path::Path;

use schema::{Component, Mode};

use super::Finding;
use crate::host::{Answer, Host};
use crate::settings::{Artifacts, Settings};

pub(super) fn check(host: &Host, settings: &Settings) -> Vec<Finding> {
    let has = |component| !settings.skipped.contains(&component);
    let platform = matches!(settings.mode, Mode::SingleNode | Mode::Stack);
    let mut findings = Vec::new();
    match settings.mode {
        Mode::Agent => findings.push(no_server_here(host)),
        Mode::Stack => findings.extend([server_here(host), helm_here(host)]),
        Mode::Server | Mode::SingleNode => {}
    }
    if let Artifacts::Local(folder) = &settings.artifacts {
        findings.push(artifacts(folder));
    }
    if platform && has(Component::Longhorn) {
        findings.push(data_path(host, &settings.longhorn.data_path));
    }
    if let Some(nfs) = &settings.nfs
        && has(Component::Nfs)
    {
        findings.extend(foreign_export(host, &nfs.export_path));
    }
    findings
}

fn no_server_here(host: &Host) -> Finding {
    match host.service_active("k3s") {
        Answer::No => Finding::pass("role", "no k3s server runs here"),
        Answer::Yes => {
            Finding::failure("role", "a k3s server runs here; a host is a server or an agent, not both")
        }
        Answer::Unknown(reason) => {
            Finding::warning("role", format!("cannot tell whether a k3s server runs here: {reason}"))
        }
    }
}

fn server_here(host: &Host) -> Finding {
    match host.service_active("k3s") {
        Answer::Yes => Finding::pass("role", "a k3s server runs here"),
        Answer::No => {
            Finding::failure("role", "no k3s server runs here; `bootstrap run --mode server` installs one")
        }
        Answer::Unknown(reason) => {
            Finding::warning("role", format!("cannot tell whether a k3s server runs here: {reason}"))
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

/// Volumes on the root file system fill the disk that the system itself needs.
fn data_path(host: &Host, path: &Path) -> Finding {
    const CHECK: &str = "longhorn_data";
    let shown = path.display();
    match host.read_text(Path::new("/proc/self/mountinfo")) {
        Ok(Some(mounts)) if is_mount_point(&mounts, path) => {
            Finding::pass(CHECK, format!("{shown} is a mount point"))
        }
        Ok(_) => Finding::warning(
            CHECK,
            format!("{shown} is not a mount point; volumes will fill the disk it is on"),
        ),
        Err(error) => {
            Finding::warning(CHECK, format!("cannot tell whether {shown} is a mount point: {error}"))
        }
    }
}

/// The fifth field of a line is the mount point, see `proc_pid_mountinfo(5)`.
fn is_mount_point(mounts: &str, path: &Path) -> bool {
    mounts.lines().filter_map(|line| line.split(' ').nth(4)).any(|point| Path::new(point) == path)
}

/// An export of the same folder by somebody else is kept, and the operator should know.
fn foreign_export(host: &Host, path: &Path) -> Option<Finding> {
    const CHECK: &str = "nfs_export";
    let exports = match host.read_text(Path::new("/etc/exports")) {
        Ok(exports) => exports.unwrap_or_default(),
        Err(error) => return Some(Finding::warning(CHECK, format!("cannot read /etc/exports: {error}"))),
    };
    let listed = exports
        .lines()
        .any(|line| line.split_whitespace().next().is_some_and(|first| Path::new(first) == path));
    listed.then(|| Finding::warning(CHECK, format!("{} is listed in /etc/exports already", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_whole_paths() {
        let mounts = "23 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 23 8:2 / /data rw - ext4 /dev/sdb1 rw\n";
        assert!(is_mount_point(mounts, Path::new("/data")));
        assert!(is_mount_point(mounts, Path::new("/data/")));
        assert!(!is_mount_point(mounts, Path::new("/data/longhorn")));
        assert!(!is_mount_point(mounts, Path::new("/dat")));
    }
}
