//! Who is believed to be the server: the authorities that a file names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use privacy::disk::DiskError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::named_file;

/// Most bytes of the file; what systems bring is a quarter of that.
const MAX_BYTES: u64 = 1024 * 1024;

/// Why it cannot be checked who answers.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    /// The file cannot be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The file has nothing that can be used.
    #[error("{0}: holds no certificate of an authority in PEM")]
    NoCertificate(PathBuf),
    /// The connection is to be encrypted, and no file is named.
    #[error(
        "the connection to the store is to be encrypted, and no authority is named that knows its server; name one by --store-root-cert, or add ?sslmode=disable on a network that is your own"
    )]
    NoAuthority,
    /// The library lacks what it needs.
    #[error("TLS: {0}")]
    Library(#[from] rustls::Error),
}

/// What an encrypted connection needs, with the authorities of a file.
///
/// # Errors
/// The file cannot be read, or has no certificate.
pub(super) fn client_config(file: &Path) -> Result<Arc<ClientConfig>, TrustError> {
    let pem = named_file::read(file, MAX_BYTES)?;
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
    // A list of the system may have one that is of no use; the others are.
    if roots.add_parsable_certificates(certificates).0 == 0 {
        return Err(TrustError::NoCertificate(file.to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
