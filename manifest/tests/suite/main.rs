//! The crate as its callers see it, in scratch directories only.

#![expect(clippy::disallowed_methods, reason = "tests set scenes, nothing of ours")]

mod common;
mod context;
mod local_facts;
mod locks;
mod recovery;
mod runs;
