//! The operating system and the architecture, as coarse as is useful.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OsVersion;

vocabulary! {
    /// Whether the platform is one that the bootstrap supports.
    pub enum Support {
        /// Distribution, version and architecture are tested.
        Supported => "supported",
        /// The run continues at the operator's risk.
        Unsupported => "unsupported",
    }
}

// Closed lists with `other`: a rare distribution would identify a host, and its name is free text.
vocabulary! {
    /// Family of the distribution.
    pub enum OsFamily {
        /// Debian and its derivatives.
        Debian => "debian",
        /// Red Hat and its derivatives.
        Rhel => "rhel",
        /// SUSE and openSUSE.
        Suse => "suse",
        /// Alpine.
        Alpine => "alpine",
        /// Arch and its derivatives.
        Arch => "arch",
        /// Any other family.
        Other => "other",
    }
}

vocabulary! {
    /// The distribution, from the `ID` of `/etc/os-release`; what is not listed is `other`.
    pub enum OsId {
        /// Ubuntu.
        Ubuntu => "ubuntu",
        /// Debian.
        Debian => "debian",
        /// Raspberry Pi OS.
        Raspbian => "raspbian",
        /// Linux Mint.
        Linuxmint => "linuxmint",
        /// Red Hat Enterprise Linux.
        Rhel => "rhel",
        /// `CentOS`.
        Centos => "centos",
        /// Rocky Linux.
        Rocky => "rocky",
        /// `AlmaLinux`.
        Almalinux => "almalinux",
        /// Fedora.
        Fedora => "fedora",
        /// Oracle Linux.
        Ol => "ol",
        /// Amazon Linux.
        Amzn => "amzn",
        /// SUSE Linux Enterprise Server.
        Sles => "sles",
        /// openSUSE Leap.
        OpensuseLeap => "opensuse-leap",
        /// openSUSE Tumbleweed.
        OpensuseTumbleweed => "opensuse-tumbleweed",
        /// Alpine Linux.
        Alpine => "alpine",
        /// Arch Linux.
        Arch => "arch",
        /// Any other distribution.
        Other => "other",
    }
}

vocabulary! {
    /// Processor architecture.
    pub enum Arch {
        /// 64-bit x86.
        Amd64 => "amd64",
        /// 64-bit ARM.
        Arm64 => "arm64",
        /// Any other architecture.
        Other => "other",
    }
}

/// The platform of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Platform")]
pub struct Platform {
    /// Whether the platform is supported. Purpose: to distinguish faults from unsupported use.
    pub support: Support,
    /// Family of the distribution. Purpose: to decide which families to support.
    pub os_family: OsFamily,
    /// The distribution. Purpose: to decide which distributions to test on.
    pub os_id: OsId,
    /// Version of the distribution. Purpose: to decide which versions to test on.
    pub os_version: OsVersion,
    /// Processor architecture. Purpose: to decide which builds to offer.
    pub arch: Arch,
}
