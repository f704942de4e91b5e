//! Encrypted connections: the server's certificate must come from an authority that the operator names, and be for the
//! name by which the server is reached (`verify-full`). There is no weaker kind: one that does not check who answers
//! protects from nobody who can answer.
//!
//! By hand and not by `tokio-postgres-rustls`: what that adds to these lines is channel binding, for which it reads
//! certificates with a dozen more crates. SCRAM over a connection whose server was checked does without.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

/// Makes connections encrypted.
#[derive(Clone)]
pub(super) struct PostgresTls(pub(super) Arc<ClientConfig>);

impl<Inner> MakeTlsConnect<Inner> for PostgresTls
where
    Inner: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = EncryptedStream<Inner>;
    type TlsConnect = NamedServer;
    type Error = InvalidDnsNameError;

    fn make_tls_connect(&mut self, host: &str) -> Result<NamedServer, InvalidDnsNameError> {
        let name = ServerName::try_from(host)?.to_owned();
        Ok(NamedServer { connector: TlsConnector::from(Arc::clone(&self.0)), name })
    }
}

/// A server by the name for which its certificate must be.
pub(super) struct NamedServer {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl<Inner> TlsConnect<Inner> for NamedServer
where
    Inner: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = EncryptedStream<Inner>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, Self::Error>> + Send>>;

    fn connect(self, stream: Inner) -> Self::Future {
        Box::pin(async move {
            let connected = self.connector.connect(self.name, stream).await;
            connected.map(EncryptedStream).map_err(cause)
        })
    }
}

/// What went wrong: a certificate that is refused stays refused, and a connection that broke may hold the next time.
fn cause(error: io::Error) -> Box<dyn Error + Send + Sync> {
    match error.downcast::<rustls::Error>() {
        Ok(refused) => Box::new(refused),
        Err(broken) => Box::new(broken),
    }
}

/// A connection whose bytes are encrypted.
pub(super) struct EncryptedStream<Inner>(tokio_rustls::client::TlsStream<Inner>);

impl<Inner: AsyncRead + AsyncWrite + Unpin> TlsStream for EncryptedStream<Inner> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<Inner: AsyncRead + AsyncWrite + Unpin> AsyncRead for EncryptedStream<Inner> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<Inner: AsyncRead + AsyncWrite + Unpin> AsyncWrite for EncryptedStream<Inner> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
