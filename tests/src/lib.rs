//! What the end-to-end suite needs to drive the built binary as a user would.
//!
//! Every test has a [`Sandbox`]: a home folder, a working folder and a search path of its own, with recording stand-ins
//! for the programs of the host. Nothing is taken over from the environment of the test, and no connection leaves
//! loopback.

#![expect(clippy::missing_panics_doc, reason = "a test fails by panicking, and so does what it is made of")]
#![expect(
    clippy::disallowed_methods,
    reason = "the house rules are for what runs on hosts; a test starts programs and leaves files"
)]

mod binary;
mod contract;
mod invocation;
mod outcome;
mod privilege;
mod processes;
mod runs;
mod sandbox;
mod server;
mod stubs;
mod terminal;
mod tree;

pub use binary::{bootstrap, workspace};
pub use contract::Contract;
pub use invocation::{Invocation, Running};
pub use outcome::Outcome;
pub use privilege::{NOBODY, is_root, program, skip};
pub use runs::RunRecord;
pub use sandbox::{Sandbox, eventually};
pub use server::{Act, Received, Server};
pub use stubs::Stub;
pub use terminal::Dialogue;
pub use tree::{Entry, tree};
