//! What the end-to-end suite needs to drive the built binary as a user would.
//!
//! Every test has a [`Sandbox`]: a home directory, a working directory and a `PATH` of its own, with recording stand-ins
//! for the programs of the host. Nothing is used from the environment of the test, and no connection leaves
//! loopback.

#![expect(clippy::missing_panics_doc, reason = "a test fails by panicking, and so does what it is made of")]
#![expect(
    clippy::disallowed_methods,
    reason = "the house rules are for what runs on hosts; a test starts programs and leaves files"
)]

mod invocation;
mod machine;
mod own_machine;
mod records;
mod sandbox;
mod server;
mod session;
mod terminal;

pub use invocation::{Invocation, Outcome, Running};
pub use machine::{NOBODY, bootstrap, eventually, is_root, program, skip, workspace};
pub use own_machine::{can_have_a_machine, k3s_images, on_a_machine, on_a_machine_with_k3s};
pub use records::{Contract, Entry, RunRecord, tree};
pub use sandbox::{Sandbox, Stub};
pub use server::{ReceivedRequest, Response, Server};
pub use terminal::TerminalSession;
