//! What delivers takes a vetted telemetry document: not JSON, not bytes, not the document itself.

use privacy::Vetted;
use schema::TelemetryDocument;

fn deliver(_: Vetted<TelemetryDocument>) {}

fn send(document: TelemetryDocument) {
    deliver(serde_json::json!({}));
    deliver(b"{}".to_vec());
    deliver(document);
}

fn main() {}
