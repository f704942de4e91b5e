//! One run from its first record to its last.

mod consent;
mod features;
mod plan;
mod record;
mod report;
mod reporter;
mod session;
mod summary;

pub(crate) use consent::{ask as ask_consent, decided as decided_consent};
pub(crate) use features::{features, local_facts};
pub(crate) use plan::{Planned, Stopped, detect_and_plan};
pub(crate) use record::{Record, now};
pub(crate) use report::{Files, RunReport, show_plan};
pub(crate) use reporter::Reporter;
pub(crate) use session::Session;
pub(crate) use summary::{Generated, Summary};
