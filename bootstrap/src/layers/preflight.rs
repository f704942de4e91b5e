//! The JSON of `preflight` as the layers read it.

use std::path::Path;

use schema::{Mode, Platform, Support};
use serde::Serialize;

use crate::component::Severity;
use crate::host::Host;
use crate::platform::os_release_field;
use crate::preflight::{PreflightReport, free_bytes, memory_kib, os_release, processors};

/// The document.
#[derive(Debug, Serialize)]
pub struct HostPreflight<'a> {
    mode: Mode,
    strict: bool,
    platform: HostPlatform,
    resources: HostResources,
    summary: PreflightCounts,
    results: Vec<PreflightResult<'a>>,
}

#[derive(Debug, Serialize)]
struct HostPlatform {
    os_id: String,
    version_id: String,
    codename: String,
    pretty_name: String,
    support: Support,
    architecture: String,
    architecture_support: Support,
}

#[derive(Debug, Serialize)]
struct HostResources {
    cpu_count: u64,
    memory_kb: u64,
    disk_available_bytes: u64,
}

/// How many checks came to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PreflightCounts {
    /// As they should be.
    pub ok_count: usize,
    /// Something recommended is missing.
    pub warn_count: usize,
    /// Something required is missing.
    pub fail_count: usize,
}

#[derive(Debug, Serialize)]
struct PreflightResult<'a> {
    level: &'static str,
    check: &'a str,
    message: &'a str,
}

impl PreflightCounts {
    /// Counts what was found.
    pub fn of(report: &PreflightReport) -> Self {
        let count = |severity| report.of(severity).count();
        Self {
            ok_count: count(Severity::Ok),
            warn_count: count(Severity::Warning),
            fail_count: count(Severity::Failed),
        }
    }
}

impl<'a> HostPreflight<'a> {
    /// The document of what was found on `host`.
    pub fn new(
        host: &Host,
        platform: &Platform,
        mode: Mode,
        strict: bool,
        report: &'a PreflightReport,
    ) -> Self {
        let result = |finding: &'a crate::component::Finding| PreflightResult {
            level: match finding.severity {
                Severity::Ok => "ok",
                Severity::Warning => "warn",
                Severity::Failed => "fail",
            },
            check: finding.check,
            message: &finding.evidence,
        };
        Self {
            mode,
            strict,
            platform: HostPlatform::of(host, platform),
            resources: HostResources::of(host),
            summary: PreflightCounts::of(report),
            results: report.findings.iter().map(result).collect(),
        }
    }
}

impl HostPlatform {
    fn of(host: &Host, platform: &Platform) -> Self {
        let os_release = os_release(host);
        let field = |name| os_release_field(&os_release, name).unwrap_or_default();
        let known = platform.arch != schema::Arch::Other;
        Self {
            os_id: field("ID"),
            version_id: field("VERSION_ID"),
            codename: field("VERSION_CODENAME"),
            pretty_name: field("PRETTY_NAME"),
            support: platform.support,
            architecture: rustix::system::uname().machine().to_string_lossy().into_owned(),
            architecture_support: if known { Support::Supported } else { Support::Unsupported },
        }
    }
}

impl HostResources {
    /// What cannot be read counts as nothing: the checks say why.
    fn of(host: &Host) -> Self {
        Self {
            cpu_count: processors(host).unwrap_or_default(),
            memory_kb: memory_kib(host).unwrap_or_default(),
            disk_available_bytes: free_bytes(host, Path::new("/")).unwrap_or_default(),
        }
    }
}
