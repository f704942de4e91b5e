//! The pages: HTML without scripts and without any other file.

mod chain;
mod charts;
mod contract;
mod layout;
mod tree;

pub(crate) use chain::{chain, latest};
pub(crate) use charts::{chart, overview};
pub(crate) use contract::contract;
