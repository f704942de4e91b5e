//! The gate: what may leave the machine, decided on the exact bytes that would leave it.
//!
//! [`Gate::vet`] is the only way to a [`Vetted`] document, and all code that delivers or publishes takes one. The gate reads
//! strictly, checks the published schema (allowlist), then the keys and values against [`schema::denylist`], then the
//! names that only this machine knows. It fails closed, and its reports hold no value and no unexpected key.
//!
//! [`disk`] is the one way in which our files reach the disk.

mod decode;
#[cfg(unix)]
pub mod disk;
mod gate;
mod keys;
mod local_identifiers;
mod newer;
mod published;
mod reader;
mod rejection;
mod structure;
mod values;

pub use gate::{Gate, Vetted};
pub use local_identifiers::LocalIdentifiers;
#[cfg(unix)]
pub use local_identifiers::MachineFacts;
pub use published::published_schema;
pub use rejection::{Rejection, Violation};
