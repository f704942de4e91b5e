//! Why a service of k3s does not come up: the line of its journal that says it, or that its server cannot be reached.
//!
//! The journal is read from the start of the service on, because the fatal errors of earlier starts remain in it, and it
//! is searched for words and not for a level: newer versions say that a server refuses them as `level=info`.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::condition::Condition;
use crate::host::{Command, Host, HttpsError, HttpsRequest, TlsTrust};

/// What the journal says, or what an attempt to reach the server gave. For the operator alone: it may name hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartCause {
    /// The words themselves, masked.
    pub line: String,
    /// What they mean.
    pub kind: StartCauseKind,
}

/// What keeps a service of k3s from its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartCauseKind {
    /// The server knows the node by another password.
    NodePassword,
    /// The server refuses the token.
    Token,
    /// Addresses, routes and ports of this host.
    Network,
    /// A flag or a file of settings that k3s does not understand.
    Settings,
    /// The program cannot be run.
    Program,
    /// k3s got no answer when it asked its server who it is.
    NoAnswer,
    /// The server does not answer us either.
    Unreachable,
}

use StartCauseKind::{Network, NoAnswer, NodePassword, Program, Settings, Token, Unreachable};

/// Words of k3s and of systemd, those of the most telling line first.
const WORDS: [(&str, StartCauseKind); 15] = [
    ("Node password rejected", NodePassword),
    ("401 Unauthorized", Token),
    ("CA hash does not match", Token),
    ("invalid token", Token),
    // Before a token is looked at. k3s asks through a proxy of its own, whose words on it are the same whatever the server did.
    ("failed to get CA certs", NoAnswer),
    ("no default routes found", Network),
    ("no default route found", Network),
    ("default network route", Network),
    ("address already in use", Network),
    ("flag provided but not defined", Settings),
    ("yaml: line", Settings),
    ("status=203/EXEC", Program),
    ("Failed to locate executable", Program),
    ("Exec format error", Program),
    ("Unable to locate executable", Program),
];

/// k3s tries again every few seconds, and systemd starts it again after five: what goes on is said within this time.
const RECENT: TimeDelta = TimeDelta::seconds(20);

/// A line longer than this is cut.
const MAX_LINE: usize = 400;

/// Whether what `condition` is about has said just now why it will not be met, however long one waits.
pub fn is_hopeless(host: &Host, condition: &Condition) -> bool {
    StartCause::hopeless(host, condition, None).is_some()
}

impl StartCause {
    /// Why `condition` does not hold, as far as its service or its server tells. `started` is the service that this process
    /// has started, and when; of any other systemd is asked.
    pub(super) fn of(host: &Host, condition: &Condition, started: Started<'_>) -> Option<Self> {
        let (service, server_url) = about(condition)?;
        let said = since(host, service, started).and_then(|since| Self::in_journal(host, service, since));
        match said {
            Some(cause) if cause.kind != NoAnswer => Some(cause),
            said => server_url.as_ref().and_then(|url| Self::unreachable(host, url)).or(said),
        }
    }

    /// What its service goes on saying that waiting does not change. A server that is starting refuses an agent as well, so
    /// what was said a while ago does not count.
    pub(super) fn hopeless(host: &Host, condition: &Condition, started: Started<'_>) -> Option<Self> {
        let (service, _) = about(condition)?;
        let since = since(host, service, started)?.max(Utc::now() - RECENT);
        let cause = Self::in_journal(host, service, since)?;
        matches!(cause.kind, NodePassword | Token | Settings | Program).then_some(cause)
    }

    fn in_journal(host: &Host, service: &str, since: DateTime<Utc>) -> Option<Self> {
        let (unit, since) = (format!("--unit={service}"), format!("--since=@{}", since.timestamp()));
        let journal = Command::new("journalctl").args([&unit, &since]);
        let journal =
            journal.args(["--no-pager", "--output=cat", "--lines=5000"]).as_root().withhold_output();
        let text = host.run(&journal).ok()?.text();
        let last = |words: &str| text.lines().rev().find(|line| line.contains(words));
        let (line, kind) = WORDS.iter().find_map(|(words, kind)| Some((last(words)?, *kind)))?;
        Some(Self { line: host.log().masked(&message(line)), kind })
    }

    /// An agent says of a server that it cannot reach only that its own proxy was reset, so the server is tried.
    fn unreachable(host: &Host, url: &str) -> Option<Self> {
        let url = format!("{}/cacerts", url.trim_end_matches('/'));
        match host.https(&HttpsRequest::get(url, TlsTrust::Anyone)) {
            Ok(_) | Err(HttpsError::Probe(_)) => None,
            Err(error) => Some(Self { line: error.to_string(), kind: Unreachable }),
        }
    }

    /// What the operator can do.
    pub(super) const fn hint(&self) -> &'static str {
        match self.kind {
            NodePassword => {
                "the cluster knows a node of this name by another password: give this host another name, or delete the old node \
                 on the server, with its secret NAME.node-password.k3s in kube-system"
            }
            Token => "compare agent.token_file with /var/lib/rancher/k3s/server/node-token of the server",
            Network => "free the port or add a default route on this host, then rerun the same command",
            Settings => "correct the flag or the file in /etc/rancher/k3s, then rerun the same command",
            Program => {
                "check that /usr/local/bin/k3s exists and is built for this machine, then rerun the same command"
            }
            NoAnswer | Unreachable => {
                "check agent.server_url, and that this host may connect to that port of the server"
            }
        }
    }
}

impl fmt::Display for StartCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Unreachable => write!(f, "its server cannot be reached: {}", self.line),
            _ => write!(f, "its journal says: {}", self.line),
        }
    }
}

/// A service and when this process has started it.
type Started<'a> = Option<&'a (String, DateTime<Utc>)>;

/// When the service was started: by this process, or as systemd says.
fn since(host: &Host, service: &str, started: Started<'_>) -> Option<DateTime<Utc>> {
    let here = started.filter(|(name, _)| name == service).map(|(_, at)| *at);
    here.or_else(|| host.service_status(service).ok().flatten()?.started_at)
}

/// The service that a condition is about, and the server that it joins.
fn about(condition: &Condition) -> Option<(&String, &Option<String>)> {
    match condition {
        Condition::ServiceRunning { service, server_url } | Condition::ThisNode { service, server_url } => {
            Some((service, server_url))
        }
        _ => None,
    }
}

/// The message of a line such as `time="…" level=fatal msg="…"`, or the line itself.
fn message(line: &str) -> String {
    let quoted = line.split_once("msg=\"").and_then(|(_, rest)| rest.rsplit_once('"'));
    quoted.map_or(line, |(message, _)| message).replace("\\\"", "\"").chars().take(MAX_LINE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_a_line_is_taken_out_of_its_quotes() {
        let line =
            r#"time="2026-11-25T18:06:29Z" level=info msg="Failed: Get \"https://x/\": 401 Unauthorized""#;
        assert_eq!(message(line), r#"Failed: Get "https://x/": 401 Unauthorized"#);
        assert_eq!(
            message("k3s.service: Failed to locate executable"),
            "k3s.service: Failed to locate executable"
        );
    }
}
