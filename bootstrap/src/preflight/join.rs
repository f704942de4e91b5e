//! Whether the server takes this agent, asked before anything is installed.
//!
//! An agent that cannot join retries without end and says so only in its journal. So the first two requests of an agent
//! are made here, by curl, as k3s makes them: the authority of the server, then something that only who knows the token
//! gets. Neither changes anything on the server.

use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::join_token::JoinToken;
use crate::component::Finding;
use crate::host::{Host, HttpsAnswer, HttpsError, HttpsRequest, TlsTrust};
use crate::settings::Agent;

/// Name of the check that asks the server of an agent.
pub const SERVER_CHECK: &str = "server";

const TOKEN: &str = "token";
const CLOCK: &str = "clock";

/// A server that is starting refuses everybody for a while.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// Certificates of k3s are valid from the moment on in which they are made.
const MAX_SKEW_SECONDS: i64 = 60;

/// Asks the server that the agent is to join.
pub(super) fn check(host: &Host, agent: &Agent) -> Vec<Finding> {
    // A command that only looks may be without them; a run is not.
    if agent.server_url.is_empty() || agent.token.expose().is_empty() {
        return vec![Finding::warning(
            SERVER_CHECK,
            "not asked: agent.server_url or the join token is missing",
        )];
    }
    let token = match JoinToken::parse(&agent.token) {
        Ok(token) => token,
        Err(error) => return vec![Finding::failure(TOKEN, error.to_string()).help(SHOW_TOKEN)],
    };
    let url = agent.server_url.trim_end_matches('/');
    let sent = match host.https(&HttpsRequest::get(format!("{url}/cacerts"), TlsTrust::Anyone)) {
        Ok(answer) => answer,
        Err(error) => return vec![unreachable(url, &error)],
    };
    let skew = skew(&sent, Utc::now());
    if sent.status != 200 || !sent.body.starts_with(b"-----BEGIN CERTIFICATE-----") {
        return vec![no_server(url, sent.status)];
    }
    // Only now does anything secret leave this host, and only to who is signed by what the token names.
    let Some(authority) = token.trusted(&sent.body) else {
        let evidence =
            format!("{url} shows another authority than the token names: it is another cluster, or not k3s");
        return vec![Finding::failure(TOKEN, evidence).help(SHOW_TOKEN)];
    };
    let request = HttpsRequest {
        credentials: Some(token.credentials.clone()),
        ..HttpsRequest::get(format!("{url}/v1-k3s/client-ca.crt"), TlsTrust::Certificates(authority))
    };
    let mut findings = vec![accepted(host, url, &request, token.authority.is_some())];
    findings.extend(skew);
    findings
}

const SHOW_TOKEN: &str = "sudo cat /var/lib/rancher/k3s/server/node-token   # on the server";

fn accepted(host: &Host, url: &str, request: &HttpsRequest, is_pinned: bool) -> Finding {
    let mut tries = 1..TRIES;
    loop {
        match host.https(request) {
            Ok(answer) if answer.status == 200 => {
                let pinned =
                    if is_pinned { "" } else { "; a full token (K10...) would also tell it from others" };
                return Finding::pass(SERVER_CHECK, format!("{url} accepts the token{pinned}"));
            }
            Ok(answer) if matches!(answer.status, 401 | 503) => {
                if tries.next().is_none() {
                    let evidence = format!(
                        "{url} refuses the token ({}): it is wrong, or the server is still starting",
                        answer.status
                    );
                    return Finding::failure(TOKEN, evidence).help(SHOW_TOKEN);
                }
            }
            Ok(answer) => return no_server(url, answer.status),
            Err(error) => return unreachable(url, &error),
        }
        thread::sleep(PAUSE);
    }
}

fn no_server(url: &str, status: u16) -> Finding {
    Finding::failure(SERVER_CHECK, format!("{url} answers, but not as a k3s server (status {status})"))
        .help("agent.server_url: https://<server>:6443")
}

fn unreachable(url: &str, error: &HttpsError) -> Finding {
    let finding = match error {
        // That curl is missing is a finding of its own, and says nothing about the server.
        HttpsError::Probe(error) => Finding::warning(SERVER_CHECK, format!("cannot ask {url}: {error}")),
        error => Finding::failure(SERVER_CHECK, format!("{url} is required, and {error}")),
    };
    finding.help(format!("curl --insecure {url}/cacerts"))
}

/// How far this clock is from that of the server.
fn skew(answer: &HttpsAnswer, now: DateTime<Utc>) -> Option<Finding> {
    let there = DateTime::parse_from_rfc2822(answer.header("date")?).ok()?;
    let seconds = (now - there.to_utc()).num_seconds();
    (seconds.abs() > MAX_SKEW_SECONDS).then(|| {
        let side = if seconds > 0 { "ahead of" } else { "behind" };
        let evidence =
            format!("it is {} s {side} that of the server; certificates depend on it", seconds.abs());
        Finding::warning(CLOCK, evidence).help("timedatectl set-ntp true   # on both hosts")
    })
}
