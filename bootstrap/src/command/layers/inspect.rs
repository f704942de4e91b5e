//! `preflight` and `validate`: what only looks, in the forms of the layers.

use std::path::Path;

use manifest::{LocalFacts, MachineId, RunsDir};
use privacy::disk;
use schema::{Execution, Mode};

use super::options::{PreflightOptions, ValidateOptions};
use super::records;
use super::refusal::LayerError;
use crate::command::diagnostic::Diagnostic;
use crate::command::error::Error;
use crate::command::inputs::{platform, warn_all};
use crate::component::{RunHistory, Severity};
use crate::host::{Host, RunLog};
use crate::input::{AnyInput, Completeness, Inputs, ValueSource, resolve};
use crate::layers::{EventStatus, HostPreflight, PreflightCounts, RunOrigin, StackValidation, check_runtime};
use crate::preflight::check;
use crate::terminal::{Printer, is_interactive};
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
            Severity::Pass => EventStatus::Success,
            Severity::Warning => EventStatus::Warning,
            Severity::Failure => EventStatus::Failed,
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
    let error = match report.worst() {
        Severity::Failure => Error::PreflightFailed,
        Severity::Warning if options.strict => Error::PreflightWarnings,
        Severity::Warning | Severity::Pass => return Ok(()),
    };
    Err(Diagnostic::from(error).after_result().into())
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
    let report = verified(printer)?;
    for check in &report.checks {
        let status = match check.outcome {
            VerifyOutcome::Ok => EventStatus::Success,
            VerifyOutcome::Failed | VerifyOutcome::Unknown => EventStatus::Failed,
            VerifyOutcome::Skipped => continue,
        };
        origin.check(check.component.as_str(), status, printer);
    }
    let validation = StackValidation::new(&report, options.strict);
    if options.json {
        printer.document(&validation);
    } else {
        report.show(printer);
        printer.data(&format!("Failures: {}", report.problems()));
        printer.data("Warnings: 0");
    }
    if validation.passed() {
        return Ok(());
    }
    let (problems, checks) = (report.problems(), report.checks.len());
    Err(Diagnostic::from(Error::NotVerified { problems, checks }).after_result().into())
}

/// Verifies what the newest run on this host installed, under the names that it was told.
fn verified(printer: &mut Printer) -> Result<VerifyReport, LayerError> {
    let runs = RunsDir::open(&records::runs_dir()).ok();
    let contexts = runs.as_ref().and_then(|runs| runs.contexts(&MachineId::read(Path::new("/"))).ok());
    let newest = contexts.unwrap_or_default().into_iter().find(|run| run.execution == Execution::Apply);
    let mut warnings = Vec::new();
    let mode = newest.as_ref().map_or(Mode::SingleNode, |run| run.mode);
    let mut inputs = records::inputs(mode, &mut warnings)?;
    if let Some(newest) = &newest {
        recall(&mut inputs, &newest.local)?;
    }
    login(&mut inputs)?;
    let settings = resolve(&mut inputs, None, Completeness::Optional)?;
    warn_all(&warnings, printer);
    let mut host = Host::this_machine(RunLog::discard());
    if host.program("sudo").is_some() {
        // Whoever does not become root is told at each check what could not be seen.
        let _ = host.acquire_root(is_interactive());
    }
    let history = runs.map(|runs| RunHistory::of(&runs)).unwrap_or_default();
    Ok(verify(&host, &settings, history))
}

/// Gives the inputs what the run was told, where the environment does not say otherwise.
fn recall(inputs: &mut Inputs, facts: &LocalFacts) -> Result<(), LayerError> {
    let set = |input: &mut dyn AnyInput, value: Option<&str>| match value {
        Some(value) => input.set(value, ValueSource::Default),
        None => Ok(()),
    };
    set(&mut inputs.rancher.host, facts.rancher_host.as_deref())?;
    set(&mut inputs.registry.host, facts.registry_host.as_deref())?;
    set(&mut inputs.registry.storage_class, facts.registry_storage_class.as_deref())?;
    set(&mut inputs.longhorn.data_path, facts.longhorn_data_path.as_ref().and_then(|path| path.to_str()))?;
    set(&mut inputs.nfs.export_path, facts.nfs_export_path.as_ref().and_then(|path| path.to_str()))?;
    set(&mut inputs.nfs.allowed_network, facts.nfs_allowed_network.as_deref())?;
    let manages = facts.nfs_export_path.is_some().to_string();
    set(&mut inputs.nfs.manage, Some(&manages))?;
    Ok(())
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
