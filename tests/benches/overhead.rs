//! What telemetry adds to a run: pairs of dry runs, with telemetry off and on, for every way in which an endpoint can
//! misbehave. Measure a release build: `BOOTSTRAP_BINARY=target/release/bootstrap cargo bench -p tests`.

#![expect(clippy::print_stdout, reason = "a bench reports on stdout")]

use std::time::Duration;

use tests::{Response, Sandbox, Server};

const PAIRS: usize = 21;

fn main() {
    println!("time of a dry run that telemetry adds, {PAIRS} pairs each");
    println!("{:<14} {:>9} {:>9} {:>9}", "endpoint", "off", "on", "added");
    for (name, endpoint) in
        [("refused", "http://127.0.0.1:9/t"), ("unresolvable", "http://endpoint.invalid/t")]
    {
        report(name, endpoint);
    }
    for (name, response) in [
        ("well", Response::Status(202)),
        ("slow", Response::Delayed(1000)),
        ("hanging", Response::Never),
        ("trickling", Response::Trickle),
        ("failing", Response::Status(500)),
        ("overloaded", Response::Status(429)),
        ("redirecting", Response::Status(307)),
    ] {
        let server = Server::start([response]);
        report(name, &server.url());
    }
}

fn report(name: &str, endpoint: &str) {
    let (mut off, mut on, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let pair = ["false", "true"].map(|enabled| took(enabled, endpoint));
        off.push(pair[0].as_secs_f64());
        on.push(pair[1].as_secs_f64());
        added.push(pair[1].as_secs_f64() - pair[0].as_secs_f64());
    }
    let [off, on, added] = [off, on, added].map(|figures| median(figures) * 1000.0);
    println!("{name:<14} {off:>6.1} ms {on:>6.1} ms {added:>6.1} ms");
}

/// The deliveries of earlier runs would take the processor away from this one, so each run has ended with them.
fn took(enabled: &str, endpoint: &str) -> Duration {
    let sandbox = Sandbox::new();
    let call =
        sandbox.dry_run("server").env("TELEMETRY_ENABLED", enabled).env("TELEMETRY_ENDPOINT", endpoint);
    let took = call.run().expect(0).took;
    sandbox.kill_deliveries();
    took
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
