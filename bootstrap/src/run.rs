//! One run from its first record to its last.
//!
//! [`Session`] opens it, [`RunRecorder`] writes it down, [`detect_and_plan`] plans it, [`TelemetryReporter`] reports it, and
//! [`RunReport`] shows what it came to. `command::run` goes through them in this order.

mod features;
mod plan;
mod plan_data;
mod plan_text;
mod record;
mod report;
mod reporter;
mod session;
mod summary;

pub use features::{features, local_facts};
pub use plan::{Interrupted, PlannedChange, PlannedComponent, detect_and_plan};
pub use plan_text::{plan_counts, plan_lines};
pub use record::{RunRecorder, error_chain, now};
pub use report::{RunPaths, RunReport, run_schema};
pub use reporter::{TelemetryReporter, ask_consent, decided_consent, resolve_consent};
pub use session::{Session, SessionError, lock_holder};
pub use summary::RunSummary;
