//! `bootstrap run`: one run, from the command line to its last record.
//!
//! The order is the point. What was typed wrong is told before anything is asked, everything is asked before the first
//! record is written, and the first record is written before the host is looked at: so a fault ends the run as early as it
//! can be known, and whatever happens later is on record.

mod apply;
mod context;
mod dry_run;
mod request;

use super::diagnostic::Diagnostic;
use super::error::{Error, Unattended};
use super::inputs;
use crate::cli::RunArgs;
use crate::input::{Flags, gather};
use crate::terminal::{Printer, Signals, is_interactive};
use request::Request;

pub(super) fn run(args: &RunArgs, flags: &Flags, printer: &mut Printer) -> Result<(), Diagnostic> {
    if !args.dry_run && !args.yes && !is_interactive() {
        return Err(Error::NeedsYes(Unattended::Run).into());
    }
    // Files that were named are read before signals are taken over: one that never ends must not keep Ctrl-C from
    // ending the program.
    let mut warnings = Vec::new();
    let inputs = gather(flags, |name| std::env::var_os(name), args.config.as_deref(), &mut warnings)?;
    let signals = Signals::install().map_err(Error::SignalHandlers)?;
    let request = Request::complete(inputs, warnings, args, printer, &signals)?;
    inputs::warn_all(&request.warnings, printer);
    if args.dry_run {
        dry_run::run(request, printer, &signals)
    } else {
        apply::run(request, args, printer, &signals)
    }
}
