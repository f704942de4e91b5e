//! What there is of k3s.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use schema::Mode;

use super::super::{Conflict, Detection, Deviation, Gap, Probe};
use super::install::START;
use super::launch;
use super::layout::{BINARY, service};
use crate::host::{Host, ProbeError, ServiceStatus};
use crate::settings::Settings;
use crate::step::{Condition, Unmet, is_hopeless};

/// The state of k3s. Only the unit of the wanted role is looked into; a host with the other one is none for this run,
/// whether it runs or not: both use the same program, ports and directories.
pub(super) fn detect(probe: &Probe<'_>) -> Result<Detection, ProbeError> {
    let (host, settings) = (probe.host, probe.settings);
    let (service, other) = match settings.mode {
        Mode::Agent => (service(Mode::Agent), service(Mode::Server)),
        mode => (service(mode), service(Mode::Agent)),
    };
    if host.service_active(other)? {
        return Ok(Detection::Conflict(Conflict::OtherRole(other)));
    }
    if host.has_unit(other) {
        return Ok(Detection::Conflict(Conflict::OtherRoleInstalled(other)));
    }
    let Some(status) = host.service_status(service)? else { return Ok(Detection::Missing) };
    if is_known(probe, service)? {
        known(host, settings, service, &status)
    } else {
        foreign(host, settings, service, &status)
    }
}

/// Whether the records of this host say that a run wrote the unit.
fn is_known(probe: &Probe<'_>, service: &str) -> Result<bool, ProbeError> {
    let unit = probe.host.read(Path::new(&format!("/etc/systemd/system/{service}.service")))?;
    let sha256 = unit.map(|text| manifest::sha256_hex(&text));
    Ok(probe.history().wrote_unit(service, sha256.as_deref()))
}

/// What a run installed: everything short of a node that works is repaired. What has stopped is only started, for all of it
/// is there. What the operator added in files of settings is the operator's.
fn known(
    host: &Host,
    settings: &Settings,
    service: &'static str,
    status: &ServiceStatus,
) -> Result<Detection, ProbeError> {
    if !host.exists(Path::new(BINARY))? {
        return Ok(Detection::Incomplete(Gap::NoProgram(BINARY)));
    }
    let deviations = launch::written_deviations(host, settings, service, status)?;
    if !deviations.is_empty() {
        return Ok(Detection::Incomplete(Gap::OtherFlags { service, deviations }));
    }
    if status.is_starting() {
        return Ok(in_time(status.started_at, || Gap::ServiceState { service, state: status.words() }));
    }
    if status.is_crash_looping() {
        return Ok(Detection::Incomplete(Gap::ServiceState { service, state: status.words() }));
    }
    if !status.is_running() {
        return Ok(Detection::Incomplete(Gap::Stopped(service)));
    }
    let Err(unmet) = observe(host, service)? else { return Ok(Detection::Present) };
    let gap = || Gap::NotVerified(unmet.to_string());
    // Time does not help one that says why it will not work; what it says it may have been told is corrected by now, and
    // it reads that at its start alone.
    if is_hopeless(host, &node_of(service)) {
        return Ok(Detection::Incomplete(gap()));
    }
    Ok(in_time(status.active_since, gap))
}

/// What nobody knows of is started at the most, and not even that if a run would write something else.
fn foreign(
    host: &Host,
    settings: &Settings,
    service: &'static str,
    status: &ServiceStatus,
) -> Result<Detection, ProbeError> {
    let mut deviations = launch::deviations(host, settings, service, status)?;
    if !host.exists(Path::new(BINARY))? {
        deviations.push(Deviation::new(BINARY, "missing"));
    }
    if !deviations.is_empty() {
        return Ok(Detection::Conflict(Conflict::ForeignService { service, deviations }));
    }
    if status.is_starting() {
        return Ok(Detection::Present);
    }
    if !status.is_running() {
        return Ok(Detection::Incomplete(Gap::Stopped(service)));
    }
    // One whose node does not work is not restarted: it runs, and the verification at the end says what is wrong with it.
    let _ = observe(host, service)?;
    Ok(Detection::Present)
}

fn node_of(service: &str) -> Condition {
    Condition::ThisNode { service: service.to_owned(), server_url: None }
}

/// Whether the node works. That this process may not look is no fault of the node, and an error of its own.
fn observe(host: &Host, service: &str) -> Result<Result<(), Unmet>, ProbeError> {
    match node_of(service).observe(host) {
        Err(Unmet::Probe(error @ (ProbeError::NeedsRoot { .. } | ProbeError::File { .. }))) => Err(error),
        found => Ok(found),
    }
}

/// What has had less time than a start takes is on its way: the verification waits for it.
fn in_time(since: Option<DateTime<Utc>>, gap: impl FnOnce() -> Gap) -> Detection {
    let time = TimeDelta::seconds(i64::try_from(START).unwrap_or(i64::MAX));
    if since.is_some_and(|since| Utc::now() - since < time) {
        Detection::Present
    } else {
        Detection::Incomplete(gap())
    }
}
