//! What the layers above read and call: the published programs CLI and infra know the core as a bundle with entry points, and
//! what comes out of them has their shape and not ours.
//!
//! Only facts and forms are here; what a call does is in `command::layers`. The shapes are those of the shell core, which the
//! layers were written for. Where this program says the same thing in its own words, it does so in its own commands.

mod bill;
mod operation_event;
mod origin;
mod package;
mod preflight;
mod runtime;
mod target;
mod validation;

pub use bill::{BundleError, bill_of_materials, bundle_info};
pub use operation_event::{EventStatus, EventStep, Operation, operation_event_schema};
pub use origin::RunOrigin;
pub use package::{Package, PackageError, PackageKind};
pub use preflight::{HostPreflight, PreflightCounts};
pub use runtime::{UnsupportedRuntime, check_runtime};
pub use target::{ClusterTarget, TargetError};
pub use validation::StackValidation;
