//! The only way to touch the machine.
//!
//! A [`Host`] runs programs, reads and writes system files, and answers questions about services and packages. All
//! paths are system paths such as `/etc/hosts`; they are looked up under the host's root directory, which is `/` except
//! in tests. Nothing here ever builds a line for a shell.

mod addresses;
mod caller;
mod command;
mod environment;
mod error;
mod files;
mod https;
mod lock;
mod log;
mod machine;
mod native;
mod probe;
mod process;
mod root;
mod run;
mod service;
mod sockets;
mod staging;
mod status;
mod stops;
mod sudo;

pub use command::{Command, Privilege, Stdin};
pub use environment::{has_login, is_of_network};
pub use error::{CommandError, FileError};
pub use files::Written;
pub use https::{Credentials, HttpsAnswer, HttpsError, HttpsRequest, TlsTrust};
pub use lock::{HostLock, HostLockError};
pub use log::RunLog;
pub use machine::Host;
pub use probe::ProbeError;
pub use process::Output;
pub use service::ServiceStatus;
pub use sockets::{ListeningSocket, SocketHolder, Transport};
pub use staging::{STAGING, Scratch, StagingError, sha256_of};
pub use status::FileStatus;
pub use stops::Shield;
pub use sudo::RootAccess;
