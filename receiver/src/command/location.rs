//! The store that the command line names, with the password and the authorities that files hold.

use super::error::ReceiverError;
use crate::cli::StoreArgs;
use crate::store::StoreLocation;

/// The store of these arguments.
///
/// # Errors
/// A file cannot be used, or the server cannot be known without one.
pub(super) fn of(arguments: &StoreArgs) -> Result<StoreLocation, ReceiverError> {
    let location = arguments.store.clone().with_password_of(arguments.store_password_file.as_deref());
    let location = location.map_err(ReceiverError::Password)?;
    Ok(location.with_authorities_of(arguments.store_root_cert.as_deref())?)
}
