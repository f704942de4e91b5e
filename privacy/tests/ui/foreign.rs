//! Only types of the contract can be vetted, and no other crate can declare its own to be one.

#[derive(serde::Serialize)]
struct Foreign {
    host: String,
}

#[derive(serde::Serialize)]
struct Claimed {
    host: String,
}

impl schema::PublicDocument for Claimed {
    const KIND: schema::DocumentKind = schema::DocumentKind::Telemetry;
}

fn main() {
    let gate = privacy::Gate::default();
    let _ = gate.vet(&Foreign { host: String::new() });
    let _ = gate.vet(&serde_json::json!({}));
}
