//! The public port: documents in, pages out.

mod bearer;
mod body;
pub(crate) mod connection;
mod held;
mod ingest;
pub(crate) mod pages;
pub(crate) mod response;
pub(crate) mod service;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, TRANSFER_ENCODING};
use hyper::{Method, Request};

use response::Reply;
use service::Service;

/// Answers a request.
pub(crate) async fn answer(service: &Service, request: Request<Incoming>) -> Reply {
    // Where a length is told beside chunks, a proxy before us may have gone by the length: what follows the chunks would be
    // what it took for the body, and is not read as a request.
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let mut reply = match (request.method(), request.uri().path()) {
        (&Method::POST, Service::INGEST_PATH) => ingest::receive(service, request).await,
        (_, Service::INGEST_PATH) => response::not_allowed("POST"),
        (&Method::GET | &Method::HEAD, path) => pages::show(&service.pages, path, request.headers()).await,
        _ => response::not_found(),
    };
    if is_chunked {
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    reply
}
