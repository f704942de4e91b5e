//! Bytes can be taken out, but neither changed in place nor put back.

use privacy::Vetted;
use schema::TelemetryDocument;

fn change(mut vetted: Vetted<TelemetryDocument>) {
    vetted.as_bytes()[0] = b' ';
    let _ = vetted.clone();
}

fn main() {}
