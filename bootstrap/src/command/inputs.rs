//! From the command line to settings, for the commands that take inputs.

use std::path::{Path, PathBuf};

use schema::Platform;

use super::error::Error;
use crate::host::Host;
use crate::input::{AnyPath, Completeness, Flags, Inputs, collect, refuse_unknown_variables, resolve};
use crate::platform::platform as platform_of;
use crate::preflight::os_release;
use crate::settings::Settings;
use crate::terminal::Printer;

/// Inputs and settings for a command that only looks: what an apply would require may be missing.
pub(super) fn for_inspection(
    flags: &Flags,
    config: Option<&Path>,
    printer: &mut Printer,
) -> Result<(Inputs, Settings), Error> {
    let mut warnings = Vec::new();
    refuse_unknown_variables(std::env::vars_os().map(|(name, _)| name))?;
    let mut inputs = collect(flags, |name| std::env::var_os(name), config, &mut warnings)?;
    let settings = resolve(&mut inputs, None, Completeness::Optional);
    warn_all(&warnings, printer);
    Ok((inputs, settings?))
}

/// Shows warnings, each once.
pub(super) fn warn_all(warnings: &[String], printer: &mut Printer) {
    for warning in warnings {
        printer.warn(warning);
    }
}

/// The platform of `host`.
pub(super) fn platform(host: &Host) -> Platform {
    platform_of(&os_release(host), rustix::system::uname().machine().to_str().unwrap_or_default())
}

/// Where the records of runs are, before any of them is touched.
pub(super) fn runs_dir(inputs: &Inputs) -> PathBuf {
    inputs.runs_dir.value().map_or("runs", AnyPath::as_str).into()
}
