//! Taking back what a run did, from its private context.
//!
//! What is looked at becomes a [`LiveState`] for each step, and the plan is a pure function of the record and these live states.
//! Each undo looks again right before it acts. What cannot be told, was changed since, or is not certainly the run's own
//! is never touched: it becomes a manual item that says what to look at.

pub mod class;
mod cluster;
pub mod error;
pub mod executor;
mod files;
pub mod item;
pub mod live_state;
pub mod observe;
pub mod plan;
mod report;
mod undo;
mod words;

pub use class::Include;
pub use executor::{Journal, RollbackEvent, RollbackExecutor, UndoResult};
pub use item::{ItemState, RollbackPlan};
pub use observe::{LiveStates, observe_all};
pub use plan::plan;
pub use report::{RollbackReport, UndoResults, show, show_fates};
