//! Why a command failed, as its last line says.

use std::path::PathBuf;

use privacy::disk::DiskError;

use crate::disk_access::NotWritable;
use crate::spool::SpoolError;
use crate::store::{DoubtedClock, StoreError, TrustError};
use crate::tokens::TokensError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReceiverError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NotWritable(#[from] NotWritable),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("the password of the store: {0}")]
    Password(DiskError),
    #[error(transparent)]
    Tokens(#[from] TokensError),
    #[error("cannot listen on {0}: {1}")]
    Listen(std::net::SocketAddr, std::io::Error),
    #[error("cannot start the runtime: {0}")]
    Runtime(std::io::Error),
    #[error("{0}: cannot be read: {1}")]
    Read(PathBuf, std::io::Error),
    #[error("{0} lines are not stored; the others are")]
    NotImported(u64),
    #[error("{0}; if it is right, run the same command with --trust-clock")]
    Clock(DoubtedClock),
    #[error(
        "{0}: a service still has documents in this spool; run the same command when receiver_spool_bytes is 0"
    )]
    NotDrained(PathBuf),
    #[error("{0}: {1}; restore a backup")]
    Damaged(String, String),
    #[error("{0}: only {1} bytes are free, and {2} must stay free; free some, or lower --disk-reserve")]
    DiskReserve(PathBuf, u64, u64),
}
