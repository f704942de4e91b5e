//! Taking back what a run did, from its private context.
//!
//! What is looked at becomes a [`Sight`] for each step, and the plan is a pure function of the record and these sights.
//! Each undo looks again right before it acts. What cannot be told, was changed since, or is not certainly the run's own
//! is never touched: it becomes a manual item that says what to look at.

pub mod class;
mod cluster;
pub mod error;
mod files;
pub mod item;
pub mod look;
pub mod plan;
mod report;
pub mod sight;
mod undo;
mod words;
pub mod work;

pub use item::{Plan, State};
pub use look::{Sights, look_at_all};
pub use plan::plan;
pub use report::{Fates, Report, show, show_fates};
pub use work::{Event, Fate, Journal, Work};
