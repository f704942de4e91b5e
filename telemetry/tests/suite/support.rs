//! Helpers of the delivery tests. `server`, `proxy` and `tls` need nothing of this crate, so that other suites can use
//! them too.

pub(crate) mod proxy;
pub(crate) mod scratch;
pub(crate) mod server;
pub(crate) mod tls;
