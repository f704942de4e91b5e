//! One run from its first record to its last.

mod consent;
mod features;
mod plan;
mod record;
mod report;
mod reporter;
mod session;
mod summary;

pub use consent::{ask as ask_consent, decided as decided_consent};
pub use features::{features, local_facts};
pub use plan::{PlannedComponent, Stopped, detect_and_plan};
pub use record::{Record, now};
pub use report::{Files, RunReport, show_plan};
pub use reporter::Reporter;
pub use session::Session;
pub use summary::{Generated, Summary};
