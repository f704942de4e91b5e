use super::*;
use crate::support::join_server::{CACERTS, CLIENT_CA, SERVER, authority};
use bootstrap::step::{Sha256Sum, certificates};

const PASSWORD: &str = "join-password-canary";

fn found(stub: &StubHost, token: &str) -> Vec<Finding> {
    let mut settings = settings(Mode::Agent);
    let agent = settings.agent.as_mut().expect("an agent");
    (agent.server_url, agent.token) = (SERVER.to_owned(), Secret::new(token));
    problems(stub, &settings)
}

#[track_caller]
fn fails(stub: &StubHost, token: &str, check: &str, evidence: &str) {
    let found = found(stub, token);
    let [finding] = found.as_slice() else { panic!("{evidence}: {found:#?}") };
    assert_eq!((finding.check, finding.severity), (check, Severity::Failed), "{finding:?}");
    assert!(finding.evidence.contains(evidence), "{finding:?}");
    assert!(finding.help.is_some(), "{finding:?}");
}

/// Requests that were made, without what all have in common.
fn requests(stub: &StubHost) -> Vec<String> {
    let calls = stub.calls().into_iter().filter(|call| call.starts_with("curl "));
    calls.filter_map(|call| call.rsplit_once("[--] ").map(|(_, url)| url.to_owned())).collect()
}

fn full_token(stub: &StubHost) -> String {
    let sum = Sha256Sum::of(stub.text("stub/https.ca").as_bytes());
    format!("K10{sum}::server:{PASSWORD}")
}

#[test]
fn a_server_that_takes_the_token_passes_and_no_argument_tells_the_token() {
    let stub = fit_for(Mode::Agent);
    stub.beside_answer(CLIENT_CA, "login", &format!("user = \"node:{PASSWORD}\"\n"));
    for token in [full_token(&stub), PASSWORD.to_owned()] {
        assert_eq!(found(&stub, &token), []);
    }
    let calls = stub.calls().join("\n") + &stub.text("stub/environments") + &stub.log();
    assert!(!calls.contains("canary"), "{calls}");
    let [cacerts, client_ca, ..] = &requests(&stub)[..] else { panic!("{:?}", requests(&stub)) };
    assert!(cacerts.ends_with("/cacerts]") && client_ca.ends_with("/v1-k3s/client-ca.crt]"));
}

#[test]
fn a_bootstrap_token_goes_as_a_bearer_token() {
    let stub = fit_for(Mode::Agent);
    let token = "abcdef.0123456789abcdef";
    stub.beside_answer(CLIENT_CA, "login", &format!("header = \"Authorization: Bearer {token}\"\n"));
    assert_eq!(found(&stub, token), []);
}

#[test]
fn a_wrong_token_fails_and_a_server_that_is_starting_is_asked_again() {
    let stub = fit_for(Mode::Agent);
    stub.beside_answer(CLIENT_CA, "login", "user = \"node:another\"\n");
    fails(&stub, &full_token(&stub), "token", "refuses the token (401)");
    let stub = fit_for(Mode::Agent);
    stub.beside_answer(CLIENT_CA, "starting", "2\n");
    assert_eq!(found(&stub, &full_token(&stub)), []);
}

/// The sum in the token is compared before the password leaves this host.
#[test]
fn another_cluster_gets_no_password() {
    let stub = fit_for(Mode::Agent);
    let token = format!("K10{}::server:{PASSWORD}", "0".repeat(64));
    fails(&stub, &token, "token", "another authority than the token names");
    assert_eq!(requests(&stub).len(), 1, "{:?}", requests(&stub));
    // One that shows the right authority, which is public, and is signed by another one.
    let stub = fit_for(Mode::Agent);
    let token = full_token(&stub);
    stub.put("stub/https.ca", authority("somebody"));
    fails(&stub, &token, "server", "certificate is not trusted");
}

/// Of several certificates the root counts, in its binary form, and only that one is trusted.
#[test]
fn of_several_certificates_the_root_is_compared() {
    let stub = fit_for(Mode::Agent);
    let (intermediate, root) = (authority("intermediate"), authority("root"));
    stub.answer(CACERTS, 200, "", format!("{intermediate}{root}"));
    let sum = Sha256Sum::of(&certificates(&root)[0].der);
    let token = format!("K10{sum}::server:{PASSWORD}");
    stub.put("stub/https.ca", &root);
    assert_eq!(found(&stub, &token), []);
    stub.put("stub/https.ca", &intermediate);
    fails(&stub, &token, "server", "certificate is not trusted");
}

#[test]
fn what_is_no_token_asks_nobody() {
    let stub = fit_for(Mode::Agent);
    for token in ["K10canary", "K10abcd::server:canary"] {
        let found = found(&stub, token);
        assert_eq!((found[0].check, found[0].severity), ("token", Severity::Failed));
        assert!(!format!("{found:?}").contains("canary"), "{found:?}");
    }
    assert!(requests(&stub).is_empty());
}

#[test]
fn a_server_that_cannot_be_asked_fails_with_the_reason() {
    for (exit, evidence) in [
        ("6 Could not resolve host: server.example.local", "does not resolve"),
        ("7 Failed to connect to server.example.local port 6443", "does not take connections"),
        ("28 Connection timed out after 5001 milliseconds", "did not answer within"),
        ("35 error:0A00010B:SSL routines::wrong version number", "does not speak TLS"),
        ("56 Recv failure: Connection reset by peer", "Connection reset by peer"),
    ] {
        let stub = fit_for(Mode::Agent);
        stub.beside_answer(CACERTS, "exit", exit);
        fails(&stub, PASSWORD, "server", evidence);
    }
}

#[test]
fn something_else_than_k3s_is_told_from_it() {
    for (status, body) in [(404, "404 page not found\n"), (200, "<!doctype html>"), (301, "")] {
        let stub = fit_for(Mode::Agent);
        stub.answer(CACERTS, status, "", body);
        fails(&stub, PASSWORD, "server", "not as a k3s server");
        assert_eq!(requests(&stub).len(), 1, "no password to who knows whom");
    }
    let stub = fit_for(Mode::Agent);
    stub.answer(CLIENT_CA, 404, "", "404 page not found\n");
    fails(&stub, PASSWORD, "server", "not as a k3s server (status 404)");
}

#[test]
fn a_clock_far_from_that_of_the_server_is_a_warning() {
    let stub = fit_for(Mode::Agent);
    stub.answer(CACERTS, 200, "date: Thu, 01 Jan 2026 00:00:00 GMT\r\n", stub.text("stub/https.ca"));
    let found = found(&stub, PASSWORD);
    assert_eq!((found[0].check, found[0].severity), ("clock", Severity::Warning), "{found:?}");
    assert!(found[0].evidence.contains("ahead of that of the server"), "{found:?}");
}

/// A command that only looks may be without inputs that a run needs.
#[test]
fn without_a_server_or_a_token_nobody_is_asked() {
    let stub = fit_for(Mode::Agent);
    let found = found(&stub, "");
    assert_eq!((found[0].check, found[0].severity), ("server", Severity::Warning), "{found:?}");
    assert!(requests(&stub).is_empty());
}

/// A host without curl is told so once, as a failure, and nothing is said of the server.
#[test]
fn without_curl_the_server_is_not_called_unreachable() {
    let stub = fit_for(Mode::Agent);
    std::fs::remove_file(stub.path("stub/bin/curl")).expect("was there");
    let found = found(&stub, PASSWORD);
    let of = |check| found.iter().find(|finding| finding.check == check).map(|finding| finding.severity);
    assert_eq!(
        (of("commands"), of("server")),
        (Some(Severity::Failed), Some(Severity::Warning)),
        "{found:?}"
    );
}
