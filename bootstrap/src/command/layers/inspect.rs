//! `preflight` and `validate`: what only looks, in the forms of the layers.

use std::path::Path;

use privacy::disk;
use schema::{Component, Mode};

use super::options::{PreflightOptions, ValidateOptions};
use super::records;
use super::refusal::LayerError;
use crate::command::diagnostic::Diagnostic;
use crate::command::error::{Error, InterruptedAt};
use crate::command::inputs::{platform, warn_all};
use crate::command::inspection;
use crate::command::preflight::unmet;
use crate::component::Severity;
use crate::host::{Host, RunLog};
use crate::input::{AnyInput, Completeness, Inputs, ValueSource, resolve};
use crate::layers::{EventStatus, HostPreflight, PreflightCounts, RunOrigin, StackValidation, check_runtime};
use crate::preflight::check;
use crate::terminal::{Printer, Signals};
use crate::verify::{VerifyOutcome, VerifyReport, verify};

pub(super) fn preflight(
    options: &PreflightOptions,
    origin: RunOrigin,
    printer: &mut Printer,
) -> Result<(), LayerError> {
    check_runtime(|name| std::env::var_os(name))?;
    let mut warnings = Vec::new();
    let mode = options.mode.unwrap_or(Mode::SingleNode);
    let mut inputs = records::inputs(mode, &mut warnings)?;
    let settings = resolve(&mut inputs, None, Completeness::Optional)?;
    warn_all(&warnings, printer);
    let host = Host::this_machine(RunLog::discard());
    let platform = platform(&host);
    let report = check(&host, &platform, &settings);
    for finding in &report.findings {
        let status = match finding.severity {
            Severity::Ok => EventStatus::Success,
            Severity::Warning => EventStatus::Warning,
            Severity::Failed => EventStatus::Failed,
        };
        origin.check(finding.check, status, printer);
    }
    if options.json {
        let document = HostPreflight::new(&host, &platform, mode, options.strict, &report);
        match &options.output {
            None => printer.document(&document),
            Some(path) => write_document(path, &document)?,
        }
    } else {
        printer.result(&report.lines());
        let PreflightCounts { ok_count, warn_count, fail_count } = PreflightCounts::of(&report);
        printer.data(&format!("Summary: {ok_count} ok, {warn_count} warnings, {fail_count} failures"));
    }
    let error = unmet(&report, mode, options.strict);
    error.map_or(Ok(()), |error| Err(Diagnostic::from(error).after_result().into()))
}

fn write_document(path: &Path, document: &HostPreflight<'_>) -> Result<(), LayerError> {
    // Our documents have string keys and no serializer that fails.
    let text = serde_json::to_string_pretty(document).unwrap_or_default();
    disk::write_atomic(path, format!("{text}\n").as_bytes())
        .map_err(|source| Error::Unwritable(source).into())
}

pub(super) fn validate(
    options: &ValidateOptions,
    origin: RunOrigin,
    printer: &mut Printer,
) -> Result<(), LayerError> {
    check_runtime(|name| std::env::var_os(name))?;
    let signals = Signals::install().map_err(Error::SignalHandlers)?;
    let report = verified(printer, &signals)?;
    for (component, status) in by_component(&report) {
        origin.check(component.as_str(), status, printer);
    }
    let validation = StackValidation::new(&report, options.strict);
    if options.json {
        printer.document(&validation);
    } else {
        printer.result(&report.lines());
        printer.data(&format!("Failures: {}", report.problems()));
        printer.data("Warnings: 0");
    }
    if validation.passed() {
        return Ok(());
    }
    let (problems, checks) = (report.problems(), report.checks.len());
    Err(Diagnostic::from(Error::NotVerified { problems, checks }).after_result().into())
}

/// What became of each component that was checked: where one of its checks failed, it has failed.
fn by_component(report: &VerifyReport) -> Vec<(Component, EventStatus)> {
    let mut found: Vec<(Component, EventStatus)> = Vec::new();
    for check in &report.checks {
        let status = match check.outcome {
            VerifyOutcome::Ok => EventStatus::Success,
            VerifyOutcome::Failed | VerifyOutcome::Unknown => EventStatus::Failed,
            VerifyOutcome::Skipped => continue,
        };
        match found.iter_mut().find(|(component, _)| *component == check.component) {
            Some((_, known)) if *known == EventStatus::Success => *known = status,
            Some(_) => {}
            None => found.push((check.component, status)),
        }
    }
    found
}

/// Verifies what the runs on this host have installed, as they were told.
fn verified(printer: &mut Printer, signals: &Signals) -> Result<VerifyReport, LayerError> {
    let installation = records::installation();
    let mut warnings = Vec::new();
    let mode = installation.as_ref().map_or(Mode::SingleNode, |installation| installation.mode);
    let mut inputs = records::inputs(mode, &mut warnings)?;
    if let Some(installation) = &installation {
        installation.recall(&mut inputs)?;
        installation.leave_out_rest(&mut inputs);
    }
    login(&mut inputs)?;
    let settings = resolve(&mut inputs, None, Completeness::Optional)?;
    warn_all(&warnings, printer);
    let report = verify(&inspection::host(signals), &settings, records::history());
    inspection::check_uninterrupted(signals, InterruptedAt::NothingChanged)?;
    Ok(report)
}

/// The login of the registry, from the variables of the shell core.
fn login(inputs: &mut Inputs) -> Result<(), LayerError> {
    let given = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let (Some(user), Some(password)) = (given("REGISTRY_USER"), given("REGISTRY_PASSWORD")) {
        inputs.registry.auth.set("true", ValueSource::Variable)?;
        inputs.registry.user.set(&user, ValueSource::Variable)?;
        inputs.registry.password_file.answer(&password)?;
    }
    Ok(())
}
