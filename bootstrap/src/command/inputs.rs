//! From the command line to settings, for the commands that take inputs.

use std::path::Path;

use schema::Platform;

use crate::exit::{Exit, Failure, Signal, chain};
use crate::host::Host;
use crate::input::{Completeness, FilePath, Flags, InputError, Inputs, PromptError, collect, resolve};
use crate::platform::platform as platform_of;
use crate::settings::Settings;
use crate::terminal::Printer;

/// Settings for a command that only looks: what an apply would require may be missing.
pub(super) fn for_inspection(
    flags: &Flags,
    config: Option<&Path>,
    printer: &mut Printer,
) -> Result<Settings, Failure> {
    let mut warnings = Vec::new();
    let mut inputs = collect(flags, |name| std::env::var_os(name), config, &mut warnings)?;
    let settings = resolve(&mut inputs, None, Completeness::Partial);
    warn_all(&warnings, printer);
    Ok(settings?)
}

/// The failure that a command ends with when its inputs make no settings: the one place that knows the exit codes.
/// `signal` is the one that ended a question, which only the terminal knows.
pub(super) fn failure(error: &InputError, signal: Option<Signal>) -> Failure {
    let exit = match error {
        InputError::Unanswered(PromptError::EndOfInput) => Exit::Declined,
        InputError::Unanswered(PromptError::Interrupted) => signal.map_or(Exit::Declined, Exit::Interrupted),
        _ => Exit::Usage,
    };
    Failure { hint: error.hint(), ..Failure::new(exit, chain(error)) }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        failure(&error, None)
    }
}

/// Shows warnings, each once.
pub(super) fn warn_all(warnings: &[String], printer: &mut Printer) {
    for warning in warnings {
        printer.warn(warning);
    }
}

/// The platform of `host`.
pub fn platform(host: &Host) -> Platform {
    let os_release = ["/etc/os-release", "/usr/lib/os-release"]
        .iter()
        .find_map(|path| host.read_text(Path::new(path)).ok().flatten())
        .unwrap_or_default();
    platform_of(&os_release, rustix::system::uname().machine().to_str().unwrap_or_default())
}

/// Where the records of runs are, before any run folder is touched.
pub(super) fn runs_dir(inputs: &Inputs) -> std::path::PathBuf {
    inputs.runs_dir.value().map_or("runs", FilePath::as_str).into()
}
