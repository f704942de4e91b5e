//! The store that the command line names, with the password that a file holds.

use super::error::ReceiverError;
use crate::cli::StoreArgs;
use crate::store::StoreLocation;

/// The store of these arguments.
///
/// # Errors
/// The file of the password cannot be read.
pub(super) fn of(arguments: &StoreArgs) -> Result<StoreLocation, ReceiverError> {
    let file = arguments.store_password_file.as_deref();
    arguments.store.clone().with_password_of(file).map_err(ReceiverError::Password)
}
