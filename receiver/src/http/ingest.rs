//! A request that carries a document, from its headers to the answer.

use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, EXPECT, HeaderMap, HeaderName};

use super::bearer::bearer;
use super::body;
use super::response::{self, Reply};
use super::service::Service;
use crate::answer::{IngestAnswer, Unavailable};
use crate::intake::{self, Verdict};
use crate::metrics::Metrics;

/// Marks senders (seed, Delivery Controls). It distinguishes kinds of senders and proves nothing, so any value is accepted.
const MARKER: HeaderName = HeaderName::from_static("x-productive-k3s-telemetry");

/// Longest marker that is accepted.
const MAX_MARKER_CHARS: usize = 64;

/// Handles a request and answers it once its document is durable or judged.
pub(super) async fn receive(service: &Service, request: Request<Incoming>) -> Reply {
    let answer = receive_within_limits(service, request).await;
    service.metrics.count(&answer);
    response::of_answer(&answer)
}

async fn receive_within_limits(service: &Service, request: Request<Incoming>) -> IngestAnswer {
    let (head, incoming) = request.into_parts();
    let entered = InFlight::enter(&service.metrics);
    let early = if entered.number > service.limits.in_flight {
        Some(IngestAnswer::Unavailable(Unavailable::InFlight))
    } else {
        refused_by_headers(service, &head.headers)
    };
    if let Some(answer) = early {
        // A client that waits for `100 Continue` has not sent the body, and will not.
        if !head.headers.contains_key(EXPECT) {
            body::discard(incoming).await;
        }
        return answer;
    }
    let (limits, in_memory) = (&service.limits, &service.metrics.body_bytes);
    let read = match body::read(incoming, limits.body, in_memory, limits.body_bytes).await {
        Ok(read) => read,
        Err(answer) => return answer,
    };
    match intake::judge(read.bytes()) {
        Verdict::Pass(arrival) => {
            // From here on the document is counted by the queue, not by its bytes.
            drop(read);
            service.queue.submit(arrival).await
        }
        Verdict::Malformed(rejection) => {
            service.refusals.add(&rejection);
            IngestAnswer::Malformed(rejection)
        }
        Verdict::Refused(rejection) => {
            service.refusals.add(&rejection);
            IngestAnswer::Refused(rejection)
        }
        Verdict::NotAnEvent => {
            service.refusals.count(IngestAnswer::NOT_AN_EVENT, "");
            IngestAnswer::NotAnEvent
        }
        Verdict::Newer => IngestAnswer::Unavailable(Unavailable::NewerContract),
    }
}

/// The answer to headers for which the body need not be read.
fn refused_by_headers(service: &Service, headers: &HeaderMap) -> Option<IngestAnswer> {
    let token = only(headers, &AUTHORIZATION).and_then(bearer);
    if service.ingest_tokens.as_ref().is_some_and(|tokens| !token.is_some_and(|token| tokens.contains(token)))
    {
        return Some(IngestAnswer::Unauthorized);
    }
    if !only(headers, &MARKER).is_some_and(is_marker) {
        return Some(IngestAnswer::Unmarked);
    }
    if !only(headers, &CONTENT_TYPE).is_some_and(is_json) {
        return Some(IngestAnswer::NotJson);
    }
    None
}

/// The value of a header that occurs once. If it occurs twice, a proxy may have read the other one.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.as_bytes())
}

fn is_marker(value: &[u8]) -> bool {
    let is_visible = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    (1..=MAX_MARKER_CHARS).contains(&value.len()) && value.iter().all(is_visible)
}

/// Whether a media type is JSON in UTF-8. Parameters other than a character set mean nothing and are ignored.
fn is_json(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let essence = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(b"application/json"));
    let charset = |part: &[u8]| {
        let (name, value) = part.split_at_checked(b"charset=".len())?;
        name.eq_ignore_ascii_case(b"charset=").then(|| value.trim_ascii().to_ascii_lowercase())
    };
    essence && parts.filter_map(charset).all(|charset| [&b"utf-8"[..], b"\"utf-8\""].contains(&&charset[..]))
}

/// A request that is in progress until this is dropped.
struct InFlight<'a> {
    metrics: &'a Metrics,
    /// How many there are with it.
    number: u64,
}

impl<'a> InFlight<'a> {
    fn enter(metrics: &'a Metrics) -> Self {
        Self { metrics, number: metrics.in_flight.enter() }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.metrics.in_flight.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_compared_as_the_specification_says() {
        for value in
            ["application/json", "Application/JSON ; charset=UTF-8", "application/json;charset=\"utf-8\""]
        {
            assert!(is_json(value.as_bytes()), "{value}");
        }
        for value in [
            "",
            "text/json",
            "application/json; charset=latin-1",
            "application/jsonp",
            "application/x-ndjson",
        ] {
            assert!(!is_json(value.as_bytes()), "{value}");
        }
    }
}
