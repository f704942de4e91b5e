//! Taking back what a run did, from its private context.
//!
//! What is looked at becomes a [`Sight`] for each step, and the plan is a pure function of the record and these sights.
//! Each undo looks again right before it acts. What cannot be told, was changed since, or is not certainly the run's own
//! is never touched: it becomes a manual item that says what to look at.

mod class;
mod cluster;
mod error;
mod files;
mod item;
mod look;
mod plan;
mod report;
mod sight;
#[cfg(test)]
mod tests;
mod undo;
mod words;
mod work;

pub(crate) use item::{Plan, State};
pub(crate) use look::{Sights, look_at_all};
pub(crate) use plan::plan;
pub(crate) use report::{Fates, Report, show, show_fates};
pub(crate) use work::{Event, Fate, Journal, Work};
