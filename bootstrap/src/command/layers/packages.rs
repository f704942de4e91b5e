//! `stack install`, `addon install` and `addon validate`: packages of known add-ons.

use std::path::Path;

use schema::{Component, Mode};

use super::bootstrap::{Asks, Request};
use super::options::InstallOptions;
use super::records;
use super::refusal::LayerError;
use crate::cli::AsBundleArgs;
use crate::command::error::{Error, InterruptedAt};
use crate::command::inspection;
use crate::component::components;
use crate::host::{Host, RunLog};
use crate::input::{AnyInput, Inputs, ValueSource};
use crate::layers::{
    ClusterTarget, EventStatus, EventStep, Package, PackageError, PackageKind, RunOrigin, bundle_info,
    check_runtime,
};
use crate::terminal::{Printer, Signals, is_interactive};

/// Names the host under which an add-on answers, where no option does.
const PUBLIC_HOST: &str = "PK3S_ADDON_PUBLIC_HOST";

pub(super) fn install(
    args: &AsBundleArgs,
    options: &InstallOptions,
    origin: RunOrigin,
    printer: &mut Printer,
) -> Result<(), LayerError> {
    let kind = if options.is_stack { PackageKind::Stack } else { PackageKind::Addon };
    let package = read(args, &options.tgz, kind, origin, printer)?;
    check_runtime(|name| std::env::var_os(name))?;
    let signals = Signals::install().map_err(Error::SignalHandlers)?;
    let mut host = inspection::without_root(&signals);
    check_target(options, &mut host, &signals)?;
    printer.note("The pinned versions of this program are installed; nothing in the package is run.");
    let mut warnings = Vec::new();
    let mut inputs = records::inputs(Mode::Stack, &mut warnings)?;
    let needed = package.needed();
    for component in components(Mode::Stack).filter(|component| !needed.contains(component)) {
        inputs.leave_out(component);
    }
    let from_environment =
        || std::env::var(PUBLIC_HOST).ok().filter(|host| !options.is_stack && !host.is_empty());
    if let Some(host) = options.public_host.clone().or_else(from_environment) {
        publish(&mut inputs, &package, &host)?;
    }
    // The driver of the layers answers the questions of a stack; nobody asks it those of an add-on.
    let asks = if options.is_stack { Asks::All } else { Asks::Nothing };
    Request { inputs, warnings, dry_run: options.dry_run, origin, signals, host }.run(asks, printer)
}

pub(super) fn validate(
    args: &AsBundleArgs,
    tgz: &Path,
    origin: RunOrigin,
    printer: &mut Printer,
) -> Result<(), LayerError> {
    let package = read(args, tgz, PackageKind::Addon, origin, printer)?;
    printer.data("Addon package validation passed");
    for component in package.components {
        printer.data(&format!("It is the component {component} of this program."));
    }
    Ok(())
}

fn read(
    args: &AsBundleArgs,
    tgz: &Path,
    kind: PackageKind,
    origin: RunOrigin,
    printer: &mut Printer,
) -> Result<Package, LayerError> {
    let version = bundle_info(&args.root)?["bundle_version"].as_str().unwrap_or_default().to_owned();
    let host = Host::this_machine(RunLog::discard());
    let mut tell = |step, status| origin.package(step, status, printer);
    tell(EventStep::PackageExtract, EventStatus::Running);
    let read = Package::read(&host, tgz, &version).and_then(|package| package.of_kind(kind));
    let is_extracted = !matches!(
        read,
        Err(PackageError::Missing { .. } | PackageError::NoDescription { .. } | PackageError::Tar(_))
    );
    tell(EventStep::PackageExtract, if is_extracted { EventStatus::Success } else { EventStatus::Failed });
    if is_extracted {
        let status = if read.is_ok() { EventStatus::Success } else { EventStatus::Failed };
        tell(EventStep::PackageValidate, status);
    }
    Ok(read?)
}

/// Fails where a cluster is named that is not that of this host.
fn check_target(options: &InstallOptions, host: &mut Host, signals: &Signals) -> Result<(), LayerError> {
    let (kubeconfig, context) = (options.kubeconfig.clone(), options.context.clone());
    let target = ClusterTarget::new(kubeconfig, context, |name| std::env::var_os(name));
    if !target.is_named() {
        return Ok(());
    }
    if !options.dry_run {
        // The credentials that it is compared with are root's; that root is out of reach is told by the comparison.
        let _ = host.acquire_root(is_interactive());
        inspection::check_uninterrupted(signals, InterruptedAt::NothingChanged)?;
    }
    Ok(target.check(host)?)
}

/// The name under which the add-on answers.
fn publish(inputs: &mut Inputs, package: &Package, host: &str) -> Result<(), LayerError> {
    for component in &package.components {
        let input: &mut dyn AnyInput = match component {
            Component::Rancher => &mut inputs.rancher.host,
            Component::Registry => &mut inputs.registry.host,
            other => return Err(LayerError::NotPublic(*other)),
        };
        input.set(host, ValueSource::Flag)?;
    }
    Ok(())
}
