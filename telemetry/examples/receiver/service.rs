//! The HTTP side.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use privacy::Gate;
use schema::DocumentKind;
use schema::limits::MAX_DOCUMENT_BYTES;
use serde::Serialize;
use serde_json::json;
use telemetry::Header;

use crate::chains;
use crate::store::{Accepted, Store};

type Shared = Arc<Mutex<Store>>;

/// All routes.
pub(crate) fn router(store: Store) -> Router {
    Router::new()
        .route("/telemetry", post(accept))
        .route("/chains", get(show))
        .layer(DefaultBodyLimit::max(MAX_DOCUMENT_BYTES))
        .with_state(Arc::new(Mutex::new(store)))
}

async fn accept(State(store): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if headers.get(Header::MARKER).is_none_or(axum::http::HeaderValue::is_empty) {
        return told(
            StatusCode::BAD_REQUEST,
            &json!({ "error": format!("the header {} is missing", Header::MARKER) }),
        );
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.split(';').next().map(str::trim) != Some("application/json") {
        return told(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            &json!({ "error": "the body must be application/json" }),
        );
    }
    // A receiver has no local identifiers of the sender; schema and denylist apply in full.
    let document = match Gate::default().check(&body) {
        Err(rejection) => return told(StatusCode::UNPROCESSABLE_ENTITY, &rejection),
        Ok(DocumentKind::Telemetry) => serde_json::from_slice(&body),
        Ok(DocumentKind::RunManifest) => return not_an_event(),
    };
    let Ok(document) = document else { return not_an_event() };
    let accepted = store.lock().unwrap_or_else(PoisonError::into_inner).accept(&document);
    match accepted {
        Ok(Accepted::New) => told(StatusCode::ACCEPTED, &json!({ "status": "accepted" })),
        Ok(Accepted::Duplicate) => told(StatusCode::ACCEPTED, &json!({ "status": "duplicate" })),
        Err(_) => {
            told(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": "the document could not be stored" }))
        }
    }
}

async fn show(State(store): State<Shared>, headers: HeaderMap) -> Response {
    let chains = chains::of(store.lock().unwrap_or_else(PoisonError::into_inner).outlines());
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.contains("text/html") {
        return ([(CONTENT_TYPE, "text/html; charset=utf-8")], chains::page(&chains)).into_response();
    }
    told(StatusCode::OK, &chains)
}

fn not_an_event() -> Response {
    let violation = json!({ "rule": "kind", "pointer": "", "words": "not a telemetry document" });
    told(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "violations": [violation] }))
}

fn told(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(body) => (status, [(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
