//! A run that a layer above has asked for: everything that an operator is asked is settled before it begins.

use schema::{Execution, Finish};
use telemetry::Consent;

use super::context::{RunContext, RunRequest};
use super::{apply, dry_run, requirements};
use crate::cli::RunArgs;
use crate::command::diagnostic::Diagnostic;
use crate::command::error::Error;
use crate::command::inputs::{platform, warn_all};
use crate::command::inspection;
use crate::input::Inputs;
use crate::layers::RunOrigin;
use crate::preflight::check;
use crate::settings::Settings;
use crate::terminal::{Printer, Signals};

/// A run for a layer above: what an operator is asked here was settled by the caller.
pub(in crate::command) struct LayerRun {
    pub(in crate::command) inputs: Inputs,
    pub(in crate::command) settings: Settings,
    pub(in crate::command) consent: Consent,
    pub(in crate::command) warnings: Vec<String>,
    pub(in crate::command) origin: RunOrigin,
}

/// What becomes of a run for a layer above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum LayerDecision {
    /// It changes the host.
    Apply,
    /// It prints its plan.
    DryRun,
    /// It is put on record that it was declined.
    Cancel,
}

/// Carries out a run for a layer above. Warnings of the preflight are shown and do not stop it.
pub(in crate::command) fn run_for_layer(
    run: LayerRun,
    decision: LayerDecision,
    printer: &mut Printer,
    signals: &Signals,
) -> Result<(), Diagnostic> {
    let LayerRun { inputs, settings, consent, warnings, origin } = run;
    warn_all(&warnings, printer);
    let args = RunArgs {
        dry_run: decision == LayerDecision::DryRun,
        yes: true,
        accept_warnings: true,
        json: false,
        detailed_exitcode: false,
        config: None,
    };
    let platform = platform(&inspection::without_root(signals));
    let (report, refused) = match decision {
        LayerDecision::Apply => requirements::check(&platform, &settings, &args, printer, signals),
        // Shown by the dry run itself; who has said no is told of nothing that would have stood in the way.
        LayerDecision::DryRun | LayerDecision::Cancel => {
            (check(&inspection::without_root(signals), &platform, &settings), None)
        }
    };
    let request = RunRequest { inputs, settings, consent, warnings, platform, report, refused, origin };
    match decision {
        LayerDecision::Apply => apply::run(request, &args, printer, signals),
        LayerDecision::DryRun => dry_run(request, &args, printer, signals),
        LayerDecision::Cancel => {
            let mut run = RunContext::new(request, Execution::Apply, printer, signals)?;
            run.finish(Finish::Cancelled, Error::Declined.process_exit_code(), printer);
            Err(Error::Declined.into())
        }
    }
}
