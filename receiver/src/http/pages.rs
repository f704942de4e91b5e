//! The pages, by path.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, REFERRER_POLICY,
    WWW_AUTHENTICATE,
};
use schema::Id;
use tokio::sync::Semaphore;

use super::bearer::bearer;
use super::held;
use super::response::{self, Reply};
use crate::arrival::PackedId;
use crate::chart::{CHARTS, ChartSpec, ChartTable, ChartWeek, WeeklyCell, chart_named};
use crate::metrics::Metrics;
use crate::page;
use crate::store::{ClosedWeek, Store, StoreError};
use crate::tokens::Tokens;

/// What the pages are made of.
pub(crate) struct Pages {
    readers: Readers,
    /// Tokens of operators; without any, chains are not shown.
    operator_tokens: Option<Tokens>,
    /// Counts what is not taken yet.
    metrics: Arc<Metrics>,
    /// One for each page that is made or waits to be made.
    places: Arc<Semaphore>,
}

/// A few connections that only read, each by one reader at a time. Writers wait for none of them.
pub(crate) struct Readers {
    stores: Vec<Mutex<Box<dyn Store>>>,
    next: AtomicUsize,
}

impl Readers {
    /// Readers of these connections to one store, of which there is at least one.
    pub(crate) fn new(stores: Vec<Box<dyn Store>>) -> Self {
        Self { stores: stores.into_iter().map(Mutex::new).collect(), next: AtomicUsize::new(0) }
    }

    /// Reads with one of the connections, in turn, so that a slow page delays only the readers of one connection.
    fn read<T>(&self, read: impl FnOnce(&mut dyn Store) -> T) -> T {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.stores.len();
        let mut store = self.stores[turn].lock().unwrap_or_else(PoisonError::into_inner);
        read(&mut **store)
    }
}

/// What a path asks for.
enum Wanted {
    Overview,
    Contract,
    Chart(&'static ChartSpec, Form),
    LatestSessions,
    Chain(PackedId),
}

#[derive(Clone, Copy)]
enum Form {
    Html,
    Json,
    Csv,
}

/// Weeks of a chart: a year.
const WEEKS: u32 = 53;
/// Weeks of the overview.
const OVERVIEW_WEEKS: u32 = 1;
/// Most pages that are made or wait to be made. The last of them waits as long as all others take.
const MAX_PAGES: usize = 64;
/// Most documents of a chain that are shown.
const MAX_DOCUMENTS: u32 = 20_000;

/// Answers a request for a page.
pub(super) async fn show(pages: &Arc<Pages>, path: &str, headers: &HeaderMap) -> Reply {
    let Some(wanted) = wanted(path) else { return response::not_found() };
    if matches!(wanted, Wanted::LatestSessions | Wanted::Chain(_))
        && let Some(refusal) = pages.refusal(headers)
    {
        return refusal;
    }
    let Ok(place) = Arc::clone(&pages.places).try_acquire_owned() else {
        return response::busy("too many pages wait for the store, try again\n");
    };
    let (pages, metrics) = (Arc::clone(pages), Arc::clone(&pages.metrics));
    // Reading blocks, and the threads of the runtime have requests to answer. The page is made even if its reader has gone,
    // and keeps its place until then.
    let rendered = tokio::task::spawn_blocking(move || {
        let rendered = pages.readers.read(|store| render(store, &wanted));
        drop(place);
        rendered
    });
    match rendered.await {
        Ok(Ok(Some((content_type, text)))) => match held::hold(text, &metrics) {
            Some(bytes) => with_policy(response::of(200, content_type, bytes), path),
            None => response::busy("too many pages are not taken by their readers, try again\n"),
        },
        Ok(Ok(None)) => response::not_found(),
        _ => response::busy("the store cannot be read, try again\n"),
    }
}

fn wanted(path: &str) -> Option<Wanted> {
    match path {
        "/" => return Some(Wanted::Overview),
        "/contract" => return Some(Wanted::Contract),
        "/chains" => return Some(Wanted::LatestSessions),
        _ => {}
    }
    if let Some(session) = path.strip_prefix("/chains/") {
        return Id::parse(session).ok().map(|id| Wanted::Chain(PackedId::of(&id)));
    }
    let name = path.strip_prefix("/charts/")?;
    let (name, form) = match name.rsplit_once('.') {
        Some((name, "json")) => (name, Form::Json),
        Some((name, "csv")) => (name, Form::Csv),
        _ => (name, Form::Html),
    };
    chart_named(name).map(|chart| Wanted::Chart(chart, form))
}

impl Pages {
    /// Pages of what these connections read.
    pub(crate) fn new(readers: Readers, operator_tokens: Option<Tokens>, metrics: Arc<Metrics>) -> Self {
        Self { readers, operator_tokens, metrics, places: Arc::new(Semaphore::new(MAX_PAGES)) }
    }

    /// Why the chains are not shown, if they are not.
    fn refusal(&self, headers: &HeaderMap) -> Option<Reply> {
        let Some(tokens) = &self.operator_tokens else {
            return Some(response::plain(403, "chains are for operators: set --operator-token-file\n"));
        };
        let value = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
        let presented = bearer(value).map(<[u8]>::to_vec).or_else(|| basic_password(value));
        if presented.is_some_and(|token| tokens.contains(&token)) {
            return None;
        }
        let mut reply = response::plain(401, "the token is the password; the name does not matter\n");
        // Browsers ask for a name and a password without a script.
        let challenge = HeaderValue::from_static("Basic realm=\"operators\"");
        reply.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        Some(reply)
    }
}

/// Makes a page; nothing if there is no such session.
fn render(store: &mut dyn Store, wanted: &Wanted) -> Result<Option<(&'static str, String)>, StoreError> {
    const HTML: &str = "text/html; charset=utf-8";
    Ok(Some(match wanted {
        Wanted::Contract => (HTML, page::contract()),
        Wanted::Overview => {
            let tables: Result<Vec<_>, _> =
                CHARTS.iter().map(|chart| table(store, chart, OVERVIEW_WEEKS)).collect();
            (HTML, page::overview(&tables?))
        }
        Wanted::Chart(chart, form) => {
            let table = table(store, chart, WEEKS)?;
            match form {
                Form::Html => (HTML, page::chart(&table)),
                Form::Json => ("application/json", table.json().to_string()),
                Form::Csv => ("text/csv; charset=utf-8", table.csv()),
            }
        }
        Wanted::LatestSessions => (HTML, page::latest(&store.latest_sessions(50)?)),
        Wanted::Chain(session) => {
            let documents = store.documents_of(session, MAX_DOCUMENTS)?;
            if documents.is_empty() {
                return Ok(None);
            }
            let is_cut = documents.len() >= MAX_DOCUMENTS as usize;
            (HTML, page::chain(session, &documents, is_cut))
        }
    }))
}

/// The one way from the store to a chart, whatever its form.
pub(crate) fn table(
    store: &mut dyn Store,
    chart: &'static ChartSpec,
    weeks: u32,
) -> Result<ChartTable, StoreError> {
    let mut told = Vec::new();
    for ClosedWeek { week, suppress_below } in store.closed_weeks(weeks)? {
        let mut cells = store.cells(chart.name, week)?;
        // What has no name of its own comes last.
        cells.sort_by_key(WeeklyCell::is_folded);
        told.push(ChartWeek { week, suppress_below, cells });
    }
    Ok(ChartTable { chart, weeks: told })
}

/// The password of `Authorization: Basic` (RFC 7617).
fn basic_password(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, credentials) = value.split_at_checked(b"basic ".len())?;
    let decoded =
        scheme.eq_ignore_ascii_case(b"basic ").then(|| STANDARD.decode(credentials.trim_ascii()).ok())??;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    Some(decoded[colon + 1..].to_vec())
}

/// Nothing is loaded, run or framed, and links send no referrer. Pages that are public and closed may be cached for a while.
fn with_policy(mut reply: Reply, path: &str) -> Reply {
    let headers = reply.headers_mut();
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if !path.starts_with("/chains") {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
    }
    reply
}
