//! `receiver serve`: from the open store to the last answer.
//!
//! The order is the promise: the ports are bound last, so that no request meets a service that is not ready, and the
//! store is closed last, so that no answer is given for what is not stored.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::error::ReceiverError;
use super::housekeeping::Housekeeping;
use crate::admin::Admin;
use crate::cli::ServeArgs;
use crate::http;
use crate::http::connection::Port;
use crate::http::pages::Pages;
use crate::http::service::{RequestLimits, Service};
use crate::log::say;
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::refusals::Refusals;
use crate::store::SqliteStore;
use crate::tokens::Tokens;

/// How long open requests may take to end after the signal.
const DRAIN: Duration = Duration::from_secs(15);

/// Memory for bodies that are being read: two thousand of the largest, a hundred thousand of the usual.
const BODY_BYTES: u64 = 128 * 1024 * 1024;

/// Serves until it is told to end.
pub(super) fn run(arguments: &ServeArgs) -> Result<(), ReceiverError> {
    let tokens = arguments.ingest_tokens_file.as_deref().map(Tokens::read).transpose()?;
    let path = &arguments.store.store;
    let store = SqliteStore::open(path)?;
    let pages = Arc::new(Pages {
        store: Mutex::new(SqliteStore::open(path)?),
        operator_tokens: arguments.operator_token_file.as_deref().map(Tokens::read).transpose()?,
        suppress_below: arguments.suppression.suppress_below,
    });
    raise_descriptor_limit();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ReceiverError::Runtime)?;
    runtime.block_on(serve(arguments, tokens, store, pages))
    // Dropping the runtime ends connections that outlast the drain.
}

/// Each connection needs a descriptor, and the soft limit of 1,024 is for programs that use select(2).
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Fewer connections are served, then.
    let _ = setrlimit(Resource::Nofile, limit);
}

async fn serve(
    arguments: &ServeArgs,
    tokens: Option<Tokens>,
    store: SqliteStore,
    pages: Arc<Pages>,
) -> Result<(), ReceiverError> {
    let signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    let [Ok(mut terminate), Ok(mut interrupt)] = signals else {
        return Err(ReceiverError::Runtime(std::io::Error::other("signal handlers cannot be installed")));
    };
    let (metrics, refusals) = (Arc::<Metrics>::default(), Arc::<Refusals>::default());
    let capacity = usize::try_from(arguments.max_in_flight).unwrap_or(usize::MAX);
    let reserve = arguments.store.disk_reserve;
    let (queue, writer) = Queue::start(store, capacity, reserve, Arc::clone(&refusals), Arc::clone(&metrics));
    let limits = RequestLimits {
        in_flight: u64::from(arguments.max_in_flight),
        body_bytes: BODY_BYTES,
        header: Duration::from_secs(arguments.header_timeout_seconds),
        body: Duration::from_secs(arguments.body_timeout_seconds),
    };
    let service = Arc::new(Service { queue, refusals, metrics, limits, ingest_tokens: tokens, pages });
    let ready = AtomicBool::new(true);
    let admin = Arc::new(Admin { service: Arc::clone(&service), ready, disk_reserve: reserve });

    let served = serve_ports(arguments, &service, &admin, end_of(&mut terminate, &mut interrupt)).await;
    service.queue.end().await;
    // The writer's thread does not panic, and if it did its message is on standard error already.
    let _ = tokio::task::spawn_blocking(move || writer.join()).await;
    served
}

async fn serve_ports(
    arguments: &ServeArgs,
    service: &Arc<Service>,
    admin: &Arc<Admin>,
    end: impl Future<Output = ()>,
) -> Result<(), ReceiverError> {
    let listener = bind(arguments.listen).await?;
    let admin_listener = bind(arguments.admin_listen).await?;
    announce(&listener, &admin_listener, arguments);
    Housekeeping {
        store: arguments.store.store.clone(),
        suppress_below: arguments.suppression.suppress_below,
        retention_days: arguments.retention.retention_days,
    }
    .start();
    let (say_end, ends) = watch::channel(false);
    let (say_admin_end, admin_ends) = watch::channel(false);
    let port = |listener, ends| {
        let metrics = Arc::clone(&service.metrics);
        Port { listener, header: service.limits.header, ends, metrics }
    };
    let (shared, admin_shared) = (Arc::clone(service), Arc::clone(admin));
    let public = tokio::spawn(port(listener, ends).serve(move |request| {
        let service = Arc::clone(&shared);
        async move { http::answer(&service, request).await }
    }));
    tokio::spawn(port(admin_listener, admin_ends).serve(move |request| {
        let admin = Arc::clone(&admin_shared);
        async move { admin.answer(&request) }
    }));

    tick_until(end, service).await;
    admin.ready.store(false, Ordering::Relaxed);
    say("draining: no more connections are accepted");
    let _ = say_end.send(true);
    if tokio::time::timeout(DRAIN, public).await.is_err() {
        say("warning: some requests did not end in time");
    }
    let _ = say_admin_end.send(true);
    Ok(())
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ReceiverError> {
    TcpListener::bind(address).await.map_err(|error| ReceiverError::Listen(address, error))
}

/// Says where it listens: a port of 0 is chosen by the system.
fn announce(listener: &TcpListener, admin: &TcpListener, arguments: &ServeArgs) {
    let address_of = |listener: &TcpListener, asked| listener.local_addr().unwrap_or(asked);
    say(&format!("listening: http://{}{}", address_of(listener, arguments.listen), Service::INGEST_PATH));
    say(&format!("admin:     http://{}/metrics", address_of(admin, arguments.admin_listen)));
    say(&format!("store:     {}", arguments.store.store.display()));
}

/// Reminds the writer of its housekeeping each second, until the end.
async fn tick_until(end: impl Future<Output = ()>, service: &Service) {
    let mut end = std::pin::pin!(end);
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = end.as_mut() => return,
            _ = seconds.tick() => service.queue.tick(),
        }
    }
}

async fn end_of(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
