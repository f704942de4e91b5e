//! `receiver serve`: from the open store to the last answer.
//!
//! The order matters: the ports are bound last, so that no request reaches a service that is not ready, and the
//! store is closed last, so that no answer is given for what is not stored.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use super::error::ReceiverError;
use super::housekeeping::Housekeeping;
use super::location;
use crate::admin::Admin;
use crate::cli::ServeArgs;
use crate::http;
use crate::http::connection::HttpPort;
use crate::http::pages::{Pages, Readers};
use crate::http::service::{RequestLimits, Service};
use crate::log::say;
use crate::metrics::Metrics;
use crate::queue::{Queue, WriterContext};
use crate::refusals::Refusals;
use crate::spool::{Drain, Spool};
use crate::store::{Store, StoreLocation, StoreUse};
use crate::tokens::Tokens;

/// How long open requests may take to end after the signal.
const DRAIN: Duration = Duration::from_secs(15);

/// Memory for bodies that are being read: two thousand of the largest, a hundred thousand of the usual.
const BODY_BYTES: u64 = 128 * 1024 * 1024;

/// Threads that make pages. More would wait for a connection to the store, each with its own megabytes: fifty readers who
/// do not read took 320 MB.
const RENDERING_THREADS: usize = 8;

/// What is open before the first request.
struct OpenedStore {
    location: StoreLocation,
    /// One for each thread that writes: two keep a server busy, and an embedded store takes one.
    writers: Vec<Box<dyn Store>>,
    readers: Vec<Box<dyn Store>>,
    spool: Option<Arc<Spool>>,
    /// Whether the server is out of reach, so that everything is spooled at first.
    is_out_of_reach: bool,
}

/// Serves until a signal ends it.
pub(super) fn run(arguments: &ServeArgs) -> Result<(), ReceiverError> {
    let tokens = arguments.ingest_tokens_file.as_deref().map(Tokens::read).transpose()?;
    let operator_tokens = arguments.operator_token_file.as_deref().map(Tokens::read).transpose()?;
    let store = open_store(arguments)?;
    raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(RENDERING_THREADS)
        .build()
        .map_err(ReceiverError::Runtime)?;
    let served = runtime.block_on(serve(arguments, tokens, operator_tokens, store));
    // This ends connections that outlast the drain. To drop the runtime would wait for pages that nobody reads any more,
    // and those may wait for the store.
    runtime.shutdown_background();
    served
}

fn open_store(arguments: &ServeArgs) -> Result<OpenedStore, ReceiverError> {
    let location = location::of(&arguments.store)?;
    let spool =
        location.is_server().then(|| Spool::open(&arguments.spool.spool_dir)).transpose()?.map(Arc::new);
    // Tables first, with the patience that a migration needs. Documents do not wait for a server that is down.
    let is_out_of_reach = match location.open(StoreUse::Tending) {
        Ok(mut store) => {
            // So the partition of a month exists before its first document.
            if location.is_server()
                && let Err(error) = store.tidy(chrono::Utc::now().timestamp())
            {
                say(&format!("warning: {error}"));
            }
            false
        }
        Err(error) if error.is_outage() => {
            say(&format!("warning: {error}; documents are spooled until it is reachable"));
            true
        }
        Err(error) => return Err(error.into()),
    };
    let (writers, readers) = if location.is_server() { (2, 4) } else { (1, 1) };
    let open =
        |count, purpose| (0..count).map(|_| location.open_lazily(purpose)).collect::<Result<Vec<_>, _>>();
    let (writers, readers) = (open(writers, StoreUse::Ingest)?, open(readers, StoreUse::Pages)?);
    Ok(OpenedStore { location, writers, readers, spool, is_out_of_reach })
}

/// Each connection needs a descriptor, and the soft limit of 1,024 is for programs that use select(2).
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Then fewer connections are served.
    let _ = setrlimit(Resource::Nofile, limit);
}

async fn serve(
    arguments: &ServeArgs,
    ingest_tokens: Option<Tokens>,
    operator_tokens: Option<Tokens>,
    store: OpenedStore,
) -> Result<(), ReceiverError> {
    let signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    let [Ok(mut terminate), Ok(mut interrupt)] = signals else {
        return Err(ReceiverError::Runtime(std::io::Error::other("signal handlers cannot be installed")));
    };
    let OpenedStore { location, writers, readers, spool, is_out_of_reach } = store;
    let (metrics, refusals) = (Arc::<Metrics>::default(), Arc::<Refusals>::default());
    metrics.outage.set(u64::from(is_out_of_reach));
    let capacity = usize::try_from(arguments.max_in_flight).unwrap_or(usize::MAX);
    let context = WriterContext {
        disk_reserve: arguments.store.disk_reserve,
        spool: spool.clone(),
        refusals: Arc::clone(&refusals),
        metrics: Arc::clone(&metrics),
        instance: Uuid::new_v4().into_bytes(),
    };
    let (queue, threads) = Queue::start(writers, capacity, &context);
    if let Some(spool) = spool {
        let store = location.open_lazily(StoreUse::Ingest)?;
        Drain { spool, store, metrics: Arc::clone(&metrics), told: HashSet::new() }.start();
    }
    let limits = RequestLimits {
        in_flight: u64::from(arguments.max_in_flight),
        body_bytes: BODY_BYTES,
        header: Duration::from_secs(arguments.header_timeout_seconds),
        body: Duration::from_secs(arguments.body_timeout_seconds),
    };
    let pages = Arc::new(Pages::new(Readers::new(readers), operator_tokens, Arc::clone(&metrics)));
    let service = Arc::new(Service { queue, refusals, metrics, limits, ingest_tokens, pages });
    let admin = Arc::new(Admin {
        service: Arc::clone(&service),
        ready: AtomicBool::new(true),
        disk_reserve: arguments.store.disk_reserve,
        is_spooling: location.is_server(),
    });

    let served =
        serve_ports(arguments, &location, &service, &admin, end_of(&mut terminate, &mut interrupt)).await;
    service.queue.end().await;
    join(threads).await;
    served
}

/// Waits until the writers have ended. On a thread of its own, because those of the runtime may all be making pages.
async fn join(threads: Vec<JoinHandle<()>>) {
    let (done, ended) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        for thread in threads {
            // A writer does not panic, and if it did its message is on standard error already.
            drop(thread.join());
        }
        drop(done);
    });
    let _ = ended.await;
}

async fn serve_ports(
    arguments: &ServeArgs,
    location: &StoreLocation,
    service: &Arc<Service>,
    admin: &Arc<Admin>,
    end: impl Future<Output = ()>,
) -> Result<(), ReceiverError> {
    let listener = bind(arguments.listen).await?;
    let admin_listener = bind(arguments.admin_listen).await?;
    announce(&listener, &admin_listener, arguments);
    say(&format!("store:     {location}"));
    Housekeeping {
        store: location.clone(),
        suppress_below: arguments.suppression.suppress_below,
        retention_days: arguments.retention.retention_days,
        metrics: Arc::clone(&service.metrics),
    }
    .start();
    let (say_end, ends) = watch::channel(false);
    let (say_admin_end, admin_ends) = watch::channel(false);
    let port = |listener, ends| {
        let (connections, metrics) = (arguments.max_connections, Arc::clone(&service.metrics));
        HttpPort { listener, header: service.limits.header, ends, connections, metrics }
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
