//! `bootstrap run`: one run, from the command line to its last record.

use std::ffi::OsString;

use schema::{CommandName, CommandResult, Execution, Finish, Mode, Platform};
use telemetry::{Consent, Decision};

use super::{inputs, preflight as preflight_command};
use crate::cli;
use crate::exit::{Exit, Failure};
use crate::host::{Host, RunLog};
use crate::input::{Asker, Demand, Flags, Inputs, gather, resolve};
use crate::preflight::{self, Report, Severity};
use crate::recipe::{Context, components};
use crate::run::{
    Files, Planned, Reporter, RunReport, Session, Stopped, ask_consent, decided_consent, detect_and_plan,
    features, local_facts, show_plan,
};
use crate::settings::Settings;
use crate::terminal::{Printer, Prompter, Signals};

/// What is known before anything is written.
struct Request {
    inputs: Inputs,
    settings: Settings,
    consent: Consent,
    warnings: Vec<String>,
}

pub(super) fn run(options: &cli::Run, flags: &Flags, printer: &mut Printer) -> Result<Exit, Failure> {
    let signals =
        Signals::install().map_err(|error| Failure::failed(format!("cannot take over signals: {error}")))?;
    if !options.dry_run {
        return Err(Failure::usage("applying is not there yet; this version plans only")
            .hint("add --dry-run to see the very steps that a run would take"));
    }
    let request = request(options, flags, printer, &signals)?;
    inputs::warn_all(&request.warnings, printer);
    dry_run(request, printer, &signals)
}

/// Everything that is asked or read; a fault in it ends the run before anything is written.
fn request(
    options: &cli::Run,
    flags: &Flags,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<Request, Failure> {
    let variable = |name: &str| -> Option<OsString> { std::env::var_os(name) };
    let mut inputs = gather(flags, variable, options.config.as_deref())?;
    let mut warnings = Vec::new();
    let asks_all = !options.dry_run && !options.yes;
    let can_ask = Prompter::on_terminal(printer, signals, asks_all).is_some();
    let decision = decided_consent(&mut warnings);
    if !can_ask {
        // What is missing is told before anybody is asked for consent.
        resolve(&mut inputs.clone(), &variable, None, Demand::Complete, &mut Vec::new())?;
    }
    let consent = match decision {
        Decision::Decided(consent) => consent,
        Decision::Ask(question) => ask_consent(question, printer, signals),
    };
    let mut prompter = Prompter::on_terminal(printer, signals, asks_all);
    let asker = prompter.as_mut().map(|prompter| prompter as &mut dyn Asker);
    let settings = resolve(&mut inputs, &variable, asker, Demand::Complete, &mut warnings)?;
    Ok(Request { inputs, settings, consent, warnings })
}

fn dry_run(request: Request, printer: &mut Printer, signals: &Signals) -> Result<Exit, Failure> {
    let Request { inputs, settings, consent, mut warnings } = request;
    let runs_dir = inputs::runs_dir(&inputs);
    let host = Host::this_machine(RunLog::discard());
    let platform: Platform = inputs::platform(&host);
    let gate = Session::gate(&inputs, &settings);
    let told = warnings.len();
    let kind = (Execution::DryRun, settings.mode);
    let Session { mut record, envelope } =
        Session::begin(&runs_dir, gate.clone(), kind, platform.clone(), &mut warnings)?;
    let subject = (CommandName::Run, settings.mode, Execution::DryRun);
    let mut reporter = Reporter::new(&consent, &envelope, &gate, &runs_dir, subject, &mut warnings);
    inputs::warn_all(&warnings[told..], printer);
    reporter.started();

    let all = components(settings.mode);
    record.describe(features(&settings, all, consent.proof().is_some()), local_facts(&settings, all));
    let report = preflight::check(&host, &platform, &settings);
    let staging = std::path::absolute(&runs_dir).unwrap_or_else(|_| runs_dir.clone()).join("artifacts");
    let context = Context { settings: &settings, arch: host.arch(), staging: &staging };
    let planned = detect_and_plan(&host, &context, &mut record, signals);
    let (finish, exit) = match &planned {
        Ok(_) => (Finish::Success, Exit::Done),
        Err(Stopped(signal)) => (Finish::Interrupted, Exit::Interrupted(*signal)),
    };
    record.finish(finish, exit.code());
    reporter.completed(CommandResult::from(finish), Some(record.public()));

    let after: Vec<String> = record.take_warnings().into_iter().chain(reporter.take_warning()).collect();
    inputs::warn_all(&after, printer);
    warnings.extend(after);
    let files = Files::of(record.files());
    let planned = planned.unwrap_or_default();
    if printer.is_json() {
        printer.document(&RunReport::new(record.public(), &report, &planned, &files, &consent, &warnings));
    } else if exit == Exit::Done {
        show(settings.mode, &report, &planned, printer);
        files.show(printer);
    }
    match exit {
        Exit::Done => Ok(exit),
        _ => Err(Failure::new(exit, "interrupted; nothing on this host was changed").documented()),
    }
}

fn show(mode: Mode, report: &Report, planned: &[Planned], printer: &mut Printer) {
    printer.heading(&format!("Dry run, mode {mode}: nothing on this host is changed"));
    printer.data("");
    printer.heading("Preflight");
    preflight_command::show(report, printer);
    printer.data("");
    show_plan(planned, printer);
    printer.data("");
    let named = |severity| report.of(severity).map(|finding| finding.check).collect::<Vec<_>>().join(", ");
    match report.worst() {
        Severity::Failure => {
            printer.wrapped("", &format!("A run would stop at the preflight: {}.", named(Severity::Failure)));
        }
        Severity::Warning => {
            printer.wrapped("", "A run would ask about the warnings, or need --accept-warnings.")
        }
        Severity::Pass => {}
    }
    for blocked in planned.iter().filter(|planned| planned.plan.blocked.is_some()) {
        printer.wrapped("", &format!("A run would stop before {}: it cannot be planned.", blocked.component));
    }
}
