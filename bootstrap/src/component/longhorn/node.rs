//! What Longhorn needs of each host that it runs on: an iSCSI initiator for its volumes, an NFS client for volumes that
//! several pods share, and nobody else who takes its devices.

use std::path::Path;

use super::super::{Detection, Finding, Gap};
use crate::host::{Command, Host, ProbeError};
use crate::step::{Action, Check, Condition, Step};

pub(super) const PACKAGES: [&str; 2] = ["open-iscsi", "nfs-common"];
pub(super) const SERVICE: &str = "iscsid";
const MULTIPATH: &str = "/etc/multipath.conf";
/// From Longhorn's documentation (Troubleshooting: MountVolume.SetUp failed because of multipathd): its volumes are SCSI
/// disks, which multipathd claims for itself.
const BLACKLIST: &str = "blacklist { devnode \"^sd[a-z0-9]+\" }";

/// The steps that bring it about.
pub(super) fn steps() -> [Step; 2] {
    [
        Step::new(
            "iSCSI initiator and NFS client",
            Action::EnsurePackages(PACKAGES.map(str::to_owned).to_vec()),
        ),
        Step::new("iSCSI service", Action::EnsureService(SERVICE.to_owned())),
    ]
}

/// What shows that it is so.
pub(super) fn runs() -> Check {
    Check::within(30, Condition::Succeeds(Command::new("systemctl").args(["is-active", SERVICE])))
}

/// Whether the host has it. A host without the service has certainly not all of it, and dpkg is not asked.
pub(super) fn detect(host: &Host) -> Result<Detection, ProbeError> {
    if !host.has_unit(SERVICE) {
        return Ok(Detection::Missing);
    }
    let mut missing = Vec::new();
    for package in PACKAGES {
        if !host.package_installed(package)? {
            missing.push(package);
        }
    }
    Ok(match missing.as_slice() {
        [] if host.service_active(SERVICE)? => Detection::Present,
        [] => Detection::Incomplete(Gap::ServiceState { service: SERVICE, state: "inactive".to_owned() }),
        [package, ..] => Detection::Incomplete(Gap::Package(package)),
    })
}

/// multipathd takes the devices of Longhorn's volumes, and pods cannot mount them then.
pub(super) fn multipath(host: &Host) -> Option<Finding> {
    const CHECK: &str = "multipath";
    if host.service_active("multipathd") != Ok(true) {
        return None;
    }
    let config = host.read_text(Path::new(MULTIPATH)).ok().flatten().unwrap_or_default();
    let lines = config.lines().map(|line| line.split('#').next().unwrap_or_default());
    let blacklisted = lines.filter(|line| line.contains("devnode")).any(|line| line.contains("^sd["));
    Some(if blacklisted {
        Finding::pass(CHECK, "multipathd leaves SCSI disks alone")
    } else {
        let evidence = "multipathd is active and takes the devices of Longhorn's volumes";
        let fix = format!("add to {MULTIPATH}, then systemctl restart multipathd: {BLACKLIST}");
        Finding::warning(CHECK, evidence).help(fix)
    })
}
