//! Responses, whole and small.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::{Response, StatusCode};

use crate::answer::IngestAnswer;

/// A response whose body is in memory.
pub(crate) type Reply = Response<Full<Bytes>>;

/// Seconds after which a sender may try again. A range, so that the senders of a fleet do not all return at once.
const RETRY_SECONDS: std::ops::RangeInclusive<u16> = 2..=8;

/// The response to a request that carried a document.
pub(super) fn of_answer(answer: &IngestAnswer) -> Reply {
    let mut reply = of(answer.status(), "application/json", answer.body().to_string());
    match answer {
        IngestAnswer::Unavailable(_) => retry_later(&mut reply),
        IngestAnswer::Unauthorized => {
            reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        _ => {}
    }
    if answer.ends_the_connection() {
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    reply
}

fn retry_later(reply: &mut Reply) {
    reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(fastrand::u16(RETRY_SECONDS)));
}

/// A response of this kind.
pub(crate) fn of(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-store"), (NOSNIFF.0, NOSNIFF.1)] {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    reply
}

const NOSNIFF: (HeaderName, &str) = (hyper::header::X_CONTENT_TYPE_OPTIONS, "nosniff");

/// A response of plain text.
pub(crate) fn plain(status: u16, text: &'static str) -> Reply {
    of(status, "text/plain; charset=utf-8", text)
}

/// Not now, and why.
pub(super) fn busy(why: &'static str) -> Reply {
    let mut reply = plain(503, why);
    retry_later(&mut reply);
    reply
}

/// There is nothing at this path.
pub(crate) fn not_found() -> Reply {
    plain(404, "not found\n")
}

/// The path accepts another method.
pub(crate) fn not_allowed(allowed: &'static str) -> Reply {
    let mut reply = plain(405, "method not allowed\n");
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    reply
}
