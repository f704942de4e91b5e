//! The public port: documents in, pages out.

mod bearer;
mod body;
pub(crate) mod connection;
mod ingest;
pub(crate) mod pages;
pub(crate) mod response;
pub(crate) mod service;

use hyper::body::Incoming;
use hyper::{Method, Request};

use response::Reply;
use service::Service;

/// Answers a request.
pub(crate) async fn answer(service: &Service, request: Request<Incoming>) -> Reply {
    match (request.method(), request.uri().path()) {
        (&Method::POST, Service::INGEST_PATH) => ingest::receive(service, request).await,
        (_, Service::INGEST_PATH) => response::not_allowed("POST"),
        (&Method::GET | &Method::HEAD, path) => pages::show(&service.pages, path, request.headers()).await,
        _ => response::not_found(),
    }
}
