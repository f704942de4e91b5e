//! The crate as its callers see it, in scratch folders only.

mod common;
mod context;
mod locks;
mod recovery;
mod runs;
