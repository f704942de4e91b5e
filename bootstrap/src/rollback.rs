//! Taking back what a run did, from its private context.
//!
//! What is looked at becomes a [`LiveState`] for each step, and the plan is a pure function of the record and these live
//! states. Each undo looks again right before it acts. What cannot be told, was changed since, or is not certainly the
//! run's own is never touched: it becomes a manual item that says what to look at.

mod executor;
mod item;
mod live_state;
mod message;
mod needs;
mod observe;
mod observe_cluster;
mod observe_files;
mod plan;
mod plan_text;
mod report;
mod trace;
mod undo;

pub use executor::{RollbackEvent, RollbackExecutor, UndoResult, UndoResults, Untried, note_gone};
pub use item::{ItemState, Leftover, Reason, Relation, RollbackItem, RollbackPlan};
pub use live_state::{Divergence, LiveState};
pub use observe::{LiveStates, observe_all};
pub use plan::{Include, plan, plan_after, plan_agreed};
pub use plan_text::rollback_lines;
pub use report::{RollbackReport, show_results};
pub use trace::{RunTrace, run_trace};
