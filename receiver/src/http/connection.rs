//! Connections: accepted, bounded in time, and ended in order.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::response::Reply;
use crate::metrics::Metrics;

/// What a port does with its connections.
pub(crate) struct HttpPort {
    /// Where it listens.
    pub(crate) listener: TcpListener,
    /// How long a header may take.
    pub(crate) header: Duration,
    /// Becomes true when the port is to end.
    pub(crate) ends: watch::Receiver<bool>,
    /// Most connections at one time. More wait in the kernel, where they take no memory of ours.
    pub(crate) connections: u32,
    /// Counts connections.
    pub(crate) metrics: Arc<Metrics>,
}

impl HttpPort {
    /// Most bytes of a connection that are buffered: enough for any header of ours, and little enough for ten thousand.
    const MAX_BUFFER: usize = 16 * 1024;
    /// Pause after a failure to accept: descriptors have run out, and are free again when other connections end.
    const PAUSE: Duration = Duration::from_millis(50);
    /// Most bytes of an answer that wait in the kernel. Left to itself it keeps megabytes for each peer that takes nothing, which
    /// nobody counts.
    const UNSENT: usize = 128 * 1024;
    /// How long a peer may leave bytes of an answer unacknowledged before the kernel ends the connection.
    const UNREAD: Duration = Duration::from_secs(20);

    /// Serves connections until the port is to end, then waits for those that are open to answer what they have begun.
    pub(crate) async fn serve<Handler, Handled>(self, answer: Handler)
    where
        Handler: Fn(Request<Incoming>) -> Handled + Clone + Send + Sync + 'static,
        Handled: Future<Output = Reply> + Send,
    {
        let Self { listener, header, mut ends, connections, metrics } = self;
        let places = Arc::new(Semaphore::new(connections as usize));
        loop {
            let accept = async {
                // It is closed by nobody.
                let place = Arc::clone(&places).acquire_owned().await.ok();
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                accepted = accept => accepted,
                () = ended(&mut ends) => break,
            };
            match accepted {
                // The address of the peer is dropped unread.
                Ok((stream, _)) => {
                    let (answer, ends, metrics) = (answer.clone(), ends.clone(), Arc::clone(&metrics));
                    tokio::spawn(async move {
                        metrics.connections.enter();
                        serve_connection(stream, header, ends, answer).await;
                        metrics.connections.leave();
                        drop(place);
                    });
                }
                Err(_) => tokio::time::sleep(Self::PAUSE).await,
            }
        }
        drop(listener);
        // All places are free again when all connections are gone.
        let _ = places.acquire_many(connections).await;
    }
}

/// Waits until the port must end. A dropped sender means that too.
async fn ended(ends: &mut watch::Receiver<bool>) {
    let _ = ends.wait_for(|ends| *ends).await;
}

async fn serve_connection<Handler, Handled>(
    stream: TcpStream,
    header: Duration,
    mut ends: watch::Receiver<bool>,
    answer: Handler,
) where
    Handler: Fn(Request<Incoming>) -> Handled,
    Handled: Future<Output = Reply>,
{
    // Each makes a connection better and none makes it wrong, so a failure changes nothing.
    let _ = stream.set_nodelay(true);
    let unread = u32::try_from(HttpPort::UNREAD.as_millis()).unwrap_or(u32::MAX);
    let _ = rustix::net::sockopt::set_socket_send_buffer_size(&stream, HttpPort::UNSENT);
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, unread);
    let service = service_fn(|request| {
        let answered = answer(request);
        async { Ok::<_, std::convert::Infallible>(answered.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header)
        .max_buf_size(HttpPort::MAX_BUFFER)
        // A peer that has closed its sending side still gets its answer.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // An error here is the peer's: a request that broke off has no answer, and no peer to send one to.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = ended(&mut ends) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
