//! Proxies and trusted certificates come from the environment of the process, so that these tests deliver in a process of
//! their own: this test binary, started again.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use privacy::Gate;
use serde_json::Value;
use telemetry::{ConsentDecision, DeliverySettings, Interactivity, Outbox, OutboxDir};

use crate::support::proxy::{Policy, Proxy};
use crate::support::scratch::Scratch;
use crate::support::server::{Act, FaultServer};
use crate::support::tls::Authority;

const SUMMARY_FILE: &str = "TEST_SUMMARY_FILE";

/// The process that delivers: settings and consent from its environment, the summary into a file.
#[test]
#[ignore = "started by the other tests of this module"]
fn deliver_in_this_process() {
    let Some(summary_file) = std::env::var_os(SUMMARY_FILE) else { return };
    let variable = |name: &str| std::env::var_os(name);
    let (ConsentDecision::Decided(consent), _) =
        telemetry::decide_consent(&variable, Interactivity::NonInteractive)
    else {
        panic!("decided")
    };
    let proof = consent.proof().expect("given");
    let gate = Gate::default();
    let (settings, _) = DeliverySettings::from_env(&variable, &gate, OutboxDir::below(Path::new("runs")));
    let outbox = Outbox::open(proof, &settings.outbox).expect("opened");
    let mut go_on = |_| ControlFlow::Continue(());
    let deadline = telemetry::DEADLINE;
    let summary = telemetry::deliver(proof, &settings, &gate, &outbox, deadline, &mut go_on);
    let told = summary.map_or_else(
        |error| {
            let told = telemetry::status(&settings.outbox, 0).expect("a status");
            serde_json::json!({ "error": error.to_string(), "endpoint_state": told.endpoint_state })
        },
        |summary| serde_json::to_value(summary).expect("JSON"),
    );
    std::fs::write(summary_file, told.to_string()).expect("written");
}

/// Delivers one document to `endpoint` in a process with these variables, and returns its summary.
fn deliver_with(endpoint: &str, variables: &[(&str, OsString)]) -> Value {
    let scratch = Scratch::new(endpoint);
    scratch.emit(1);
    let summary_file = scratch.root().join("summary.json");
    let output = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "environment::deliver_in_this_process", "--ignored"])
        .env_clear()
        .env("TELEMETRY_ENABLED", "true")
        .env("TELEMETRY_ENDPOINT", endpoint)
        .env("TELEMETRY_OUTBOX_DIR", scratch.dir())
        .env("TELEMETRY_REQUEST_TIMEOUT_SECONDS", "30")
        .env("TELEMETRY_MAX_RETRIES", "2")
        .env(SUMMARY_FILE, &summary_file)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .output()
        .expect("started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&std::fs::read(summary_file).expect("a summary")).expect("JSON")
}

/// An authority's certificate in a file, for `SSL_CERT_FILE`.
fn trusting(authority: &Authority, directory: &tempfile::TempDir) -> (&'static str, OsString) {
    let path = directory.path().join("authority.pem");
    authority.write_to(&path);
    ("SSL_CERT_FILE", path.into())
}

#[test]
fn a_certificate_from_ssl_cert_file_is_trusted() {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::new(&["localhost"]);
    let server = FaultServer::start_tls([Act::status(202)], authority.server());
    let summary = deliver_with(&server.url(), &[trusting(&authority, &directory)]);
    assert_eq!(summary["delivered"], 1, "{summary}");
    // One for another name is not.
    let authority = Authority::new(&["elsewhere.invalid"]);
    let server = FaultServer::start_tls([Act::status(202)], authority.server());
    let summary = deliver_with(&server.url(), &[trusting(&authority, &directory)]);
    assert_eq!(summary["ended"]["unreachable"]["class"], "tls", "{summary}");
    assert!(server.received().is_empty());
}

#[test]
fn plain_http_needs_no_trusted_certificate() {
    let server = FaultServer::start([Act::status(202)]);
    let missing = ("SSL_CERT_FILE", OsString::from("/nonexistent/ca.pem"));
    let no_directory = ("SSL_CERT_DIR", OsString::from("/nonexistent"));
    let summary = deliver_with(&server.url(), &[missing, no_directory]);
    assert_eq!(summary["delivered"], 1, "{summary}");
}

/// The process that delivers for a run has nobody to tell.
#[test]
fn without_a_trusted_certificate_the_status_says_what_fails() {
    let missing = ("SSL_CERT_FILE", OsString::from("/nonexistent/ca.pem"));
    let no_directory = ("SSL_CERT_DIR", OsString::from("/nonexistent"));
    let summary = deliver_with("https://telemetry.invalid/telemetry", &[missing, no_directory]);
    assert_eq!(summary["error"], "could not set up the HTTP client", "{summary}");
    assert_eq!(summary["endpoint_state"]["failure"]["class"], "tls", "{summary}");
}

#[test]
fn a_proxy_that_asks_for_a_password_keeps_the_document_waiting() {
    for (variable, endpoint) in [
        ("http_proxy", "http://telemetry.invalid/telemetry"),
        ("HTTPS_PROXY", "https://telemetry.invalid/telemetry"),
    ] {
        let proxy = Proxy::start(Policy::Refuse);
        let summary = deliver_with(endpoint, &[(variable, proxy.url().into())]);
        assert_eq!(
            (&summary["queued"], &summary["refused"]),
            (&1.into(), &0.into()),
            "{endpoint}: {summary}"
        );
        // Over https the tunnel is refused. That is also the proxy's answer, and no other will come.
        let failure = serde_json::json!({ "class": "proxy", "status": 407 });
        assert_eq!(summary["ended"]["misconfigured"], failure, "{endpoint}: {summary}");
        assert_eq!(proxy.heads().len(), 1, "{endpoint}");
    }
}

#[test]
fn a_tunnel_that_a_proxy_does_not_open_is_a_fault_of_the_proxy() {
    let proxy = Proxy::start(Policy::Fail);
    // Port 9 has no listener: not one that was free a moment ago, which the server of another test could get.
    for url in [proxy.url(), "http://127.0.0.1:9".to_owned()] {
        let variables = [("HTTPS_PROXY", OsString::from(&url))];
        let summary = deliver_with("https://telemetry.invalid/telemetry", &variables);
        let failure = serde_json::json!({ "class": "proxy" });
        assert_eq!(summary["ended"]["unreachable"], failure, "{url}: {summary}");
        assert_eq!(summary["queued"], 1, "{url}: {summary}");
    }
    assert_eq!(proxy.heads().len(), 2, "one for each attempt");
}

#[test]
fn a_proxy_passes_plain_requests_and_tunnels() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = FaultServer::start([Act::status(202)]);
    let proxy = Proxy::start(Policy::ForwardTo(server.address()));
    let summary = deliver_with("http://telemetry.invalid/telemetry", &[("http_proxy", proxy.url().into())]);
    assert_eq!((&summary["delivered"], server.received().len()), (&1.into(), 1), "{summary}");
    assert!(proxy.heads()[0].starts_with("POST http://telemetry.invalid/telemetry "), "{:?}", proxy.heads());

    let authority = Authority::new(&["telemetry.invalid"]);
    let server = FaultServer::start_tls([Act::status(202)], authority.server());
    let proxy = Proxy::start(Policy::ForwardTo(server.address()));
    let variables = [("HTTPS_PROXY", proxy.url().into()), trusting(&authority, &directory)];
    let summary = deliver_with("https://telemetry.invalid/telemetry", &variables);
    assert_eq!((&summary["delivered"], server.received().len()), (&1.into(), 1), "{summary}");
    let [head] = &proxy.heads()[..] else { panic!("one tunnel") };
    assert!(head.starts_with("CONNECT telemetry.invalid:443 "), "{head}");
}

#[test]
fn a_token_in_plain_text_goes_around_the_proxy() {
    let server = FaultServer::start([Act::status(202)]);
    let proxy = Proxy::start(Policy::ForwardTo(server.address()));
    let proxied = ("http_proxy", OsString::from(proxy.url()));
    let summary = deliver_with(&server.url(), &[proxied, ("TELEMETRY_BEARER_TOKEN", "s3cr3t-token".into())]);
    assert_eq!((&summary["delivered"], proxy.heads().len()), (&1.into(), 0), "{summary}");
    assert_eq!(server.received()[0].header("authorization"), Some("Bearer s3cr3t-token"));
}

#[test]
fn loopback_goes_around_every_proxy() {
    let server = FaultServer::start([Act::status(202)]);
    let proxy = Proxy::start(Policy::Refuse);
    let port = server.address().port();
    for host in ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]"] {
        let endpoint = format!("http://{host}:{port}/telemetry");
        for variable in ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"] {
            let summary = deliver_with(&endpoint, &[(variable, proxy.url().into())]);
            assert_eq!(
                (&summary["delivered"], proxy.heads().len()),
                (&1.into(), 0),
                "{host} {variable}: {summary}"
            );
        }
    }
}
