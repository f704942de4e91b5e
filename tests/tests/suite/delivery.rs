//! What a run with consent reports: everything, once, as the contract states, and by another process.

mod traces;

use std::collections::BTreeSet;

use std::time::{Duration, SystemTime};

use tests::{
    Contract, ReceivedRequest, Response, Sandbox, Server, TerminalSession, can_have_a_machine, eventually,
    is_root, on_a_machine, program, skip, tree,
};
use traces::Traces;

const EVENTS: [&str; 5] = [
    "bootstrap.completed",
    "core.bootstrap.server.completed",
    "core.bootstrap.server.started",
    "core.command.completed",
    "core.command.started",
];

fn names(requests: &[ReceivedRequest]) -> Vec<String> {
    let mut names: Vec<String> = requests.iter().map(|request| request.word("event_name")).collect();
    names.sort();
    names
}

/// Attempts on one event, in order: number, retries before it, whether it is one.
fn attempts(requests: &[ReceivedRequest], event: &str) -> Vec<(u64, u64, bool)> {
    let of_event = requests.iter().map(ReceivedRequest::json).filter(|body| body["event_id"] == event);
    let number = |body: &serde_json::Value, field: &str| body[field].as_u64().expect("a number");
    of_event
        .map(|body| {
            (number(&body, "delivery_attempt"), number(&body, "retry_attempt"), body["is_retry"] == true)
        })
        .collect()
}

#[test]
fn everything_arrives_once_and_valid() {
    let contract = Contract::published();
    for mode in schema::Mode::ALL {
        let server = Server::start([Response::Status(202)]);
        let sandbox = Sandbox::new();
        let mut call = sandbox.dry_run(mode.as_str());
        if *mode == schema::Mode::Agent {
            call = call.env("PRODUCTIVE_K3S_AGENT_TOKEN", "hunter2");
            call = call.env("PRODUCTIVE_K3S_AGENT_SERVER_URL", "https://k3s.example.local:6443");
        }
        let call = call.env("TELEMETRY_ENABLED", "true").env("TELEMETRY_ENDPOINT", server.url());
        let outcome = call.run().expect(0);
        assert_eq!(outcome.stderr, "", "{mode}");
        sandbox.wait_for_deliveries();
        let received = server.received();
        let expected = EVENTS.map(|name| name.replace("server", &mode.as_str().replace('-', "_")));
        assert_eq!(names(&received), expected, "{mode}");
        let run = sandbox.only_run();
        for request in &received {
            let body = request.json();
            contract.check_telemetry(&body);
            assert_eq!((&body["run_id"], &body["is_retry"]), (&run.id.as_str().into(), &false.into()));
            if body["event_name"] == "bootstrap.completed" {
                assert_eq!(body["manifest"], run.manifest(), "the exact manifest that is on disk");
            }
        }
        let sessions: BTreeSet<String> = received.iter().map(|request| request.word("session_id")).collect();
        assert_eq!((sessions.len(), sandbox.queued().len()), (1, 0), "{mode}");
    }
}

#[test]
fn a_request_says_no_more_than_it_should() {
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    sandbox.reporting_run(&server).run().expect(0);
    sandbox.wait_for_deliveries();
    for request in server.accepted() {
        assert!(request.head.starts_with("POST /telemetry HTTP/1.1\r\n"), "{}", request.head);
        let lines = request.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let mut headers: Vec<String> = lines.map(|(name, _)| name.to_ascii_lowercase()).collect();
        headers.sort();
        let expected = [
            "accept",
            "content-length",
            "content-type",
            "host",
            "user-agent",
            "x-productive-k3s-contract",
            "x-productive-k3s-telemetry",
        ];
        assert_eq!(headers, expected);
        assert_eq!(request.header("Content-Type"), Some("application/json"));
        assert_eq!(
            request.header("User-Agent"),
            Some(&*format!("productive-k3s-core/{}", env!("CARGO_PKG_VERSION")))
        );
        assert_eq!(request.header("X-Productive-K3S-Telemetry"), Some("pk3s-public-v1"));
        assert_eq!(request.header("X-Productive-K3S-Contract"), Some(schema::CONTRACT_VERSION));
        assert_eq!(request.json()["telemetry_meta"]["contract_version"], schema::CONTRACT_VERSION);
    }
}

#[test]
fn a_retry_says_that_it_is_one() {
    let server = Server::start([Response::Status(503), Response::Status(503), Response::Status(202)]);
    let sandbox = Sandbox::new();
    sandbox.reporting_run(&server).run().expect(0);
    sandbox.wait_for_deliveries();
    let received = server.received();
    assert_eq!((received.len(), names(&server.accepted())), (7, EVENTS.map(str::to_owned).to_vec()));
    let first = received[0].word("event_id");
    assert_eq!(attempts(&received, &first), [(1, 0, false), (2, 1, true), (3, 2, true)]);
}

#[test]
fn what_was_left_goes_with_the_next_run_that_has_consent_and_with_no_other() {
    let server = Server::start([Response::Status(500)]);
    let sandbox = Sandbox::new();
    sandbox.reporting_run(&server).env("TELEMETRY_MAX_RETRIES", "1").run().expect(0);
    sandbox.wait_for_deliveries();
    let left: BTreeSet<String> = sandbox.queued().into_iter().collect();
    assert_eq!(left.len(), 5, "nothing is lost");
    let tried = server.received();

    server.respond_with([Response::Status(202)]);
    for (name, value) in
        [("TELEMETRY_ENABLED", "false"), ("TELEMETRY_ENABLED", ""), ("TELEMETRY_ENABLED", "perhaps")]
    {
        sandbox.reporting_run(&server).env(name, value).run().expect(0);
        sandbox.wait_for_deliveries();
        assert_eq!((server.received().len(), sandbox.queued().len()), (tried.len(), 5), "{value:?}");
    }

    sandbox.reporting_run(&server).run().expect(0);
    sandbox.wait_for_deliveries();
    let accepted = server.accepted();
    let ids: BTreeSet<String> = accepted.iter().map(|request| request.word("event_id")).collect();
    assert!(ids.is_superset(&left) && accepted.len() == 10 && ids.len() == 10, "five of each run, once");
    let after: Vec<_> = left
        .iter()
        .flat_map(|id| attempts(&server.received(), id))
        .filter(|(number, ..)| *number > 1)
        .collect();
    assert!(
        !after.is_empty() && after.iter().all(|(number, before, retry)| number - 1 == *before && *retry),
        "{after:?}"
    );
    assert!(sandbox.queued().is_empty());
}

#[test]
fn a_refused_document_holds_nobody_up() {
    let server = Server::start([Response::Status(400), Response::Status(202)]);
    let sandbox = Sandbox::new();
    sandbox.reporting_run(&server).run().expect(0);
    sandbox.wait_for_deliveries();
    assert_eq!((server.accepted().len(), sandbox.queued().len()), (4, 0));
    let rejected = tree(&sandbox.outbox().join("rejected"), None);
    let [path] = rejected.keys().collect::<Vec<_>>()[..] else { panic!("one: {rejected:?}") };
    let flush = || {
        let call = sandbox.bootstrap(["telemetry", "flush", "--refused"]);
        call.env("TELEMETRY_ENABLED", "true").env("TELEMETRY_ENDPOINT", server.url()).run().expect(0)
    };
    let month = Duration::from_hours(24 * 31);
    let file = std::fs::File::open(sandbox.outbox().join("rejected").join(path)).expect("there");
    file.set_modified(SystemTime::now() - month).expect("ours");
    let outcome = flush();
    assert!(outcome.warnings()[0].starts_with("1 refused events were not queued again"), "{outcome}");
    file.set_modified(SystemTime::now()).expect("ours");
    let outcome = flush();
    assert!(outcome.warnings().is_empty(), "{outcome}");
    assert_eq!(names(&server.accepted()), EVENTS);
}

/// Whoever wants the documents of a rollback deleted must be able to name it.
#[test]
fn a_rollback_writes_down_the_run_id_that_it_reports() {
    if !can_have_a_machine("a_rollback_writes_down_the_run_id_that_it_reports") {
        return;
    }
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    sandbox.dry_run("server").run().expect(0);
    let run = sandbox.only_run();
    let mut record = run.context();
    record["execution"] = "apply".into();
    std::fs::write(&run.private, record.to_string()).expect("ours");
    let call = sandbox.bootstrap(["rollback", "--apply", "--yes", "--to"]).args([&run.public]);
    let call = call.env("TELEMETRY_ENABLED", "true").env("TELEMETRY_ENDPOINT", server.url());
    on_a_machine(call).run().expect(0);
    sandbox.wait_for_deliveries();
    let received = server.accepted();
    assert_eq!(names(&received), ["core.command.completed", "core.command.started"]);
    let id = received[0].word("run_id");
    let log = std::fs::read_to_string(&run.log).expect("the log of the run");
    assert!(id != run.id && log.contains(&id), "{id}: {log}");
}

#[test]
fn an_edited_entry_is_set_aside_and_not_sent() {
    let sandbox = Sandbox::new();
    let quiet = sandbox.dry_run("server").env("TELEMETRY_ENABLED", "true").env("TELEMETRY_ENDPOINT", "");
    assert_eq!(quiet.run().expect(0).warnings().len(), 1, "an empty endpoint is told");
    let waiting = sandbox.queued();
    for (id, (from, to)) in
        waiting.iter().zip([("\"dry-run\"", "\"hunter2\""), ("\"core\"", "\"srv-hunter2\"")])
    {
        let path = sandbox.outbox().join(format!("{id}.json"));
        let text = std::fs::read_to_string(&path).expect("an entry");
        assert!(text.contains(from), "{text}");
        std::fs::write(&path, text.replace(from, to)).expect("ours");
    }
    let server = Server::start([Response::Status(202)]);
    let show = sandbox.bootstrap(["telemetry", "show", "--json"]).env("TELEMETRY_ENDPOINT", server.url());
    let shown = show.run().expect(0);
    assert_eq!((shown.json().as_array().map(Vec::len), shown.warnings().len()), (Some(3), 2), "{shown}");
    assert!(shown.stderr.contains("entry.malformed") && !shown.output().contains("hunter2"), "{shown}");
    sandbox.flush(&server).expect(0);
    assert_eq!(server.received().len(), 3);
    assert!(
        server.received().iter().all(|request| !String::from_utf8_lossy(&request.body).contains("hunter2"))
    );
}

#[test]
fn runs_at_once_share_an_outbox() {
    let server = Server::start([Response::Delayed(5)]);
    let sandbox = Sandbox::new();
    let running: Vec<_> = (0..4).map(|_| sandbox.reporting_run(&server).start()).collect();
    for run in running {
        assert_eq!(run.end().expect(0).stderr, "");
    }
    sandbox.wait_for_deliveries();
    let ids: Vec<String> = server.received().iter().map(|request| request.word("event_id")).collect();
    let unique: BTreeSet<&String> = ids.iter().collect();
    assert_eq!((ids.len(), unique.len(), sandbox.queued().len()), (20, 20, 0), "each once");
}

#[test]
fn the_main_process_opens_no_socket_to_the_network() {
    // The binary closes its memory, so that a trace by its own user has no arguments of what it starts.
    let (Some(strace), true) = (program("strace"), is_root()) else {
        return skip("the_main_process_opens_no_socket_to_the_network", "it takes root and strace");
    };
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    let traces = sandbox.root().join("traces");
    std::fs::create_dir(&traces).expect("ours");
    let output = traces.join("trace");
    let words = [
        strace.as_os_str(),
        "-ff".as_ref(),
        "-e".as_ref(),
        "trace=%process,socket,setpgid".as_ref(),
        "-o".as_ref(),
    ];
    let call = sandbox.reporting_run(&server).through(words.into_iter().chain([output.as_os_str()]));
    let outcome = call.run();
    if outcome.stderr.contains("ptrace") || outcome.stderr.contains("PTRACE") {
        return skip(
            "the_main_process_opens_no_socket_to_the_network",
            "this machine does not allow tracing",
        );
    }
    outcome.expect(0);
    sandbox.wait_for_deliveries();
    let Traces { of_the_run, of_deliveries } = Traces::read(&traces);
    let reaches = |text: &String| text.contains("socket(AF_INET");
    assert!(of_the_run.iter().any(|text| text.contains("\"--dry-run\"")), "{of_the_run:?}");
    assert!(!of_the_run.iter().any(reaches), "{of_the_run:?}");
    assert!(of_deliveries.iter().any(reaches), "somebody delivers");
    let started: Vec<&String> = of_deliveries.iter().filter(|text| text.contains("\"--detached\"")).collect();
    // Before the program runs, not by the program: the run may end before that, and its terminal with it.
    let leaves_first = |text: &&String| {
        text.find("setpgid(0, 0)").is_some_and(|left| text.find("execve(").is_some_and(|began| left < began))
    };
    assert!(!started.is_empty() && started.iter().all(leaves_first), "{started:?}");
}

#[test]
fn as_pid_1_the_end_waits_for_the_delivery_but_not_for_long() {
    let (Some(unshare), true) = (program("unshare"), is_root()) else {
        return skip(
            "as_pid_1_the_end_waits_for_the_delivery_but_not_for_long",
            "only root can make a PID namespace",
        );
    };
    let words = [unshare.as_os_str(), "--pid".as_ref(), "--fork".as_ref(), "--mount-proc".as_ref()];
    if Sandbox::new().dry_run("server").through(words).run().stderr.contains("unshare") {
        return skip(
            "as_pid_1_the_end_waits_for_the_delivery_but_not_for_long",
            "this machine has no PID namespaces",
        );
    }
    let all_arrive = || {
        let (sandbox, server) = (Sandbox::new(), Server::start([Response::Delayed(20)]));
        sandbox.reporting_run(&server).through(words).run().expect(0);
        let (accepted, queued) = (server.accepted(), sandbox.queued());
        let arrived = accepted.iter().map(|request| request.word("event_id"));
        let all: BTreeSet<String> = arrived.chain(queued.clone()).collect();
        assert_eq!(all.len(), 5, "what did not arrive waits for the next run");
        queued.is_empty()
    };
    // Where the machine is busy, a delivery may take longer than the end waits for it. Without the wait, none is in time.
    assert!((0..10).any(|_| all_arrive()), "all of it before the end");

    let hanging = Server::start([Response::Never]);
    let sandbox = Sandbox::new();
    let call = sandbox.reporting_run(&hanging).env("TELEMETRY_REQUEST_TIMEOUT_SECONDS", "120");
    let outcome = call.through(words).run().expect(0);
    assert!(outcome.took.as_secs() < 60, "it waits three seconds, not two minutes: {:?}", outcome.took);
    assert_eq!(sandbox.queued().len(), 5, "it waits for the next run");
}

/// How many runs lead a session; `SESSION_LEADERS` sets another number.
fn session_leaders() -> usize {
    std::env::var("SESSION_LEADERS").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

/// `ssh -t host bootstrap ...` makes the program the leader of its session. When it ends, the kernel hangs up the terminal:
/// every process of the foreground group is signalled, including the one that delivers, unless it has left the group
/// before.
#[test]
fn a_terminal_that_hangs_up_takes_no_delivery_along() {
    for round in 0..session_leaders() {
        let server = Server::start([Response::Delayed(30)]);
        let sandbox = Sandbox::new();
        TerminalSession::start(&sandbox.reporting_run(&server)).end().expect(0);
        let all = eventually(Duration::from_secs(30), || server.accepted().len() == 5);
        assert!(
            all,
            "round {round}: {} of 5 arrived, {} are queued",
            server.accepted().len(),
            sandbox.queued().len()
        );
    }
}

/// The environment of whoever starts a run may hold anything.
#[test]
fn a_delivery_sees_only_what_it_needs_of_the_environment() {
    if !tests::is_root() {
        return tests::skip("the environment of a delivery", "it is closed to all but root");
    }
    let (sandbox, server) = (Sandbox::new(), Server::start([Response::Delayed(60_000)]));
    let run = sandbox.reporting_run(&server);
    let network = [("SSL_CERT_DIR", "/etc/ssl/certs"), ("NO_PROXY", "127.0.0.1"), ("ALL_PROXY", "")];
    run.envs(network).env("REGISTRY_PASSWORD", "canary-of-another-program").run().expect(0);
    let pid = *sandbox.deliveries().first().expect("it waits for its answer");
    let environment = std::fs::read(format!("/proc/{pid}/environ")).expect("it lives");
    let environment = String::from_utf8_lossy(&environment);
    assert!(!environment.contains("canary") && environment.contains("HOME="), "{environment}");
    for (name, value) in network {
        assert!(
            environment.split('\0').any(|seen| seen == format!("{name}={value}")),
            "{name}: {environment}"
        );
    }
}
