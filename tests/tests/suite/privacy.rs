//! Names of this machine and of this run stay on it, a common name does not stop telemetry, and ids from the
//! environment that may not be sent are replaced, with one warning that does not repeat them.

use std::ffi::{OsStr, OsString};
use std::fmt::Debug;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use tests::{Invocation, Response, Sandbox, Server, is_root, program, skip, tree};

/// Values of the private inputs of a run, by flag. Each contains the word that the test looks for.
const INPUTS: [(&str, &str); 9] = [
    ("--domain", "canary-domain.example"),
    ("--rancher-host", "canary-rancher.example"),
    ("--registry-host", "canary-registry.example"),
    ("--registry-storage-class", "canary-class"),
    ("--registry-user", "canary-user"),
    ("--longhorn-data-path", "/canary-data"),
    ("--nfs-export-path", "/srv/canary-export"),
    ("--nfs-allowed-network", "10.77.0.0/16"),
    ("--letsencrypt-email", "canary@canary-mail.example"),
];

/// `call` on a host with this name.
fn on_host(call: &Invocation, name: &str) -> Option<Invocation> {
    let (Some(unshare), Some(hostname), Some(sh), true) =
        (program("unshare"), program("hostname"), program("sh"), is_root())
    else {
        skip("a host name", "only root can give a process another one");
        return None;
    };
    let words = [unshare.as_os_str(), OsStr::new("--uts"), sh.as_os_str(), OsStr::new("-c")];
    let script =
        [OsStr::new("\"$0\" \"$1\" && shift && exec \"$@\""), hostname.as_os_str(), OsStr::new(name)];
    Some(call.clone().through(words.into_iter().chain(script)))
}

fn mentions(bytes: &[u8], word: &str) -> bool {
    String::from_utf8_lossy(bytes).to_lowercase().contains(word)
}

/// A run of single-node mode, in `directory`, whose every private input and every name is a canary.
fn among_canaries(sandbox: &Sandbox, directory: &Path, server: &Server) -> Invocation {
    let password = sandbox.file("canary-file", "canary-password-hunter2", 0o600);
    let call = sandbox
        .bootstrap([
            "run",
            "--mode",
            "single-node",
            "--dry-run",
            "--tls",
            "letsencrypt",
            "--registry-auth",
            "true",
        ])
        .args(INPUTS.iter().flat_map(|(flag, value)| [flag, value]))
        .args([OsStr::new("--registry-password-file"), password.as_os_str()])
        .args([OsStr::new("--artifacts-dir"), directory.as_os_str()])
        .current_dir(directory)
        .envs([("USER", "canary-login"), ("LOGNAME", "canary-login"), ("SUDO_USER", "canary-sudo")])
        .envs([("TELEMETRY_ENABLED", "true"), ("TELEMETRY_ENDPOINT", &server.url())])
        .envs([("TELEMETRY_SESSION_ID", "run-canary-login-7"), ("TELEMETRY_PARENT_RUN_ID", "canary-class-1")])
        .envs([("TELEMETRY_USER_AGENT", "agent/canary-login"), ("TELEMETRY_MARKER", "canary-domain.example")])
        .env("TELEMETRY_MAX_RETRIES", "1");
    match on_host(&call, "canary-host") {
        Some(call) => call.env("TELEMETRY_SESSION_ID", "run-canary-host-7"),
        None => call,
    }
}

/// Passes if `bytes` hold no canary, no network and no password of [`among_canaries`].
fn is_free_of_canaries(what: &dyn Debug, bytes: &[u8]) {
    for word in ["canary", "10.77", "hunter2"] {
        assert!(!mentions(bytes, word), "{word} in {what:?}: {}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn no_canary_leaves_the_private_file() {
    let server = Server::start([Response::Status(503)]);
    let sandbox = Sandbox::new();
    let directory = sandbox.cwd().join("canary-directory");
    fs::create_dir(&directory).expect("ours");
    let outcome = among_canaries(&sandbox, &directory, &server).run().expect(0);
    // Each replaced value is reported once; a fifth warning would be about something that is fine.
    assert_eq!(outcome.warnings().len(), 4, "two ids and two headers: {outcome}");
    sandbox.wait_for_deliveries();

    let is_private = |path: &Path| path.to_string_lossy().ends_with("-private.json");
    let files = tree(&directory.join("runs"), None);
    assert!(files.len() > 8, "both records, log, outbox and its entries: {:?}", files.keys());
    for (path, entry) in files {
        is_free_of_canaries(&path, path.to_string_lossy().as_bytes());
        if is_private(&path) {
            assert!(mentions(&entry.content, "canary"), "this run has canaries");
        } else {
            is_free_of_canaries(&path, &entry.content);
        }
    }
    // While the endpoint failed, one request was enough; now each document is sent.
    server.respond_with([Response::Status(202)]);
    let flush = sandbox.bootstrap(["telemetry", "flush"]).current_dir(&directory);
    flush.envs([("TELEMETRY_ENABLED", "true"), ("TELEMETRY_ENDPOINT", &server.url())]).run().expect(0);
    let received = server.received();
    assert!(received.len() >= 6, "{}", received.len());
    for request in received {
        is_free_of_canaries(&"the headers", request.head.as_bytes());
        is_free_of_canaries(&"the body", &request.body);
    }
}

/// An operator who sends the manifest of an earlier run does not give its inputs again: only its private record has them.
#[test]
fn send_keeps_in_what_only_the_private_record_knows() {
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    let call = sandbox.dry_run("single-node").args(["--tls", "letsencrypt", "--registry-auth", "true"]);
    // A class with a name like an id: its form alone shows nothing.
    let inputs = INPUTS.map(|(flag, value)| match flag {
        "--registry-storage-class" => (flag, "e4d909c290d0fb1c"),
        _ => (flag, value),
    });
    call.args(inputs.iter().flat_map(|(flag, value)| [flag, value])).run().expect(0);
    let run = sandbox.only_run();
    let copy = sandbox.file("copy.json", &fs::read_to_string(&run.public).expect("there"), 0o600);
    let send = |manifest: &Path, warnings: usize| {
        let send = sandbox.bootstrap(["telemetry", "send"]).args([manifest]);
        let send = send.envs([("TELEMETRY_ENABLED", "true"), ("TELEMETRY_ENDPOINT", &server.url())]);
        let send = send.envs([
            ("TELEMETRY_SESSION_ID", "e4d909c290d0fb1c"),
            ("TELEMETRY_MARKER", "canary-mail"),
            ("TELEMETRY_USER_AGENT", "agent/canary-user"),
        ]);
        let outcome = send.run().expect(0);
        assert_eq!(outcome.warnings().len(), warnings, "{outcome}");
    };
    // Two headers; the session is that of the run, whatever is exported.
    send(&run.public, 2);
    send(&copy, 2);
    // A record that does not know under which ids the run is reported.
    let text = fs::read_to_string(&run.private).expect("there");
    let mut record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    record.as_object_mut().expect("an object").remove("manifest_event").expect("there");
    fs::write(&run.private, record.to_string()).expect("ours");
    send(&run.public, 3);
    let received = server.accepted();
    assert_eq!(received.len(), 3);
    for request in received {
        is_free_of_canaries(&"the headers", request.head.as_bytes());
        is_free_of_canaries(&"the body", &request.body);
        assert!(!mentions(&request.body, "e4d909c290d0fb1c"), "the id is replaced");
    }
}

/// A run under sudo leaves a record that its caller may not read: then it is unknown what must not be sent.
#[test]
fn nothing_is_sent_when_the_private_record_cannot_be_read() {
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    sandbox.dry_run("server").run().expect(0);
    let run = sandbox.only_run();
    fs::write(&run.private, "hunter2").expect("ours");
    let send = sandbox.bootstrap(["telemetry", "send"]).args([&run.public]);
    let send = send.envs([("TELEMETRY_ENABLED", "true"), ("TELEMETRY_ENDPOINT", &server.url())]);
    let outcome = send.run().expect(1);
    assert!(outcome.stderr.contains("against the private record of its run"), "{outcome}");
    assert!(!outcome.output().contains("hunter2"), "{outcome}");
    assert!(server.received().is_empty(), "{outcome}");
    fs::remove_file(&run.private).expect("ours");
    assert_eq!(send.run().expect(0).stderr, "", "a manifest of another machine has no record here");
}

#[test]
fn common_names_lose_nothing() {
    for name in ["root", "ubuntu", "debian", "core", "server", "localhost", "bootstrap", "run", "k3s", "abc"]
    {
        let server = Server::start([Response::Status(202)]);
        let sandbox = Sandbox::new();
        let directory = sandbox.cwd().join(name);
        fs::create_dir(&directory).expect("ours");
        let home = format!("/home/{name}");
        let call = sandbox.reporting_run(&server).current_dir(&directory).envs([
            ("USER", name),
            ("LOGNAME", name),
            ("SUDO_USER", name),
            ("HOME", &home),
        ]);
        let call = on_host(&call, name).unwrap_or(call);
        let outcome = call.run().expect(0);
        assert_eq!(outcome.stderr, "", "{name}");
        sandbox.wait_for_deliveries();
        assert_eq!(server.accepted().len(), 5, "{name}");
        let files = tree(&directory.join("runs"), None);
        assert!(files.keys().any(|path| !path.to_string_lossy().contains("private")), "{name}");
        assert!(!directory.join("runs/telemetry-outbox/rejected").exists(), "{name}");
    }
}

#[test]
fn the_root_directory_is_no_identifier() {
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    let runs = sandbox.runs_dir();
    let call = sandbox.reporting_run(&server).current_dir(Path::new("/"));
    let outcome = call.args([OsStr::new("--runs-dir"), runs.as_os_str()]).env("HOME", "/").run().expect(0);
    assert_eq!(outcome.stderr, "");
    sandbox.wait_for_deliveries();
    assert_eq!(server.accepted().len(), 5);
}

/// What an id may not be: a path, more than one line or word, an option, no ASCII, too long.
const EVIL_IDS: [&str; 8] = [
    "../../canary",
    "canary.canary",
    "canary canary",
    "canary\ncanary",
    "-canary",
    "canary\u{e9}",
    "/canary",
    "canary-is-as-long-as-an-id-may-be-and-one-character-longer-than-it",
];

#[test]
fn evil_ids_are_replaced() {
    let server = Server::start([Response::Status(202)]);
    for variable in ["TELEMETRY_SESSION_ID", "TELEMETRY_RUN_ID", "TELEMETRY_PARENT_RUN_ID"] {
        for evil in EVIL_IDS {
            let sandbox = Sandbox::new();
            let outcome = sandbox.reporting_run(&server).env(variable, evil).run().expect(0);
            let warnings = outcome.warnings();
            assert_eq!(warnings.len(), 1, "{variable} {evil:?}: {outcome}");
            assert!(warnings[0].starts_with(variable), "{variable} {evil:?}: {outcome}");
            assert!(!outcome.output().contains("canary"), "{variable} {evil:?}: {outcome}");
            for (path, entry) in tree(&sandbox.runs_dir(), None) {
                let content = String::from_utf8_lossy(&entry.content);
                assert!(!content.contains("canary"), "{}: {content}", path.display());
                assert!(!path.display().to_string().contains("canary"), "{}", path.display());
            }
            sandbox.kill_deliveries();
        }
    }
    for request in server.received() {
        assert!(!String::from_utf8_lossy(&request.body).contains("canary"));
    }
}

#[test]
fn an_id_that_is_no_text_is_replaced() {
    let sandbox = Sandbox::new();
    let id = OsString::from_vec(b"canary\xff".to_vec());
    let outcome = sandbox.dry_run("server").env("TELEMETRY_RUN_ID", id).run().expect(0);
    assert_eq!(outcome.warnings().len(), 1, "{outcome}");
    assert!(!outcome.output().contains("canary") && !sandbox.only_run().id.contains("canary"), "{outcome}");
}

#[test]
fn the_ids_of_a_chain_go_on() {
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    let ids = [
        ("TELEMETRY_SESSION_ID", "9f86d081884c7d65"),
        ("TELEMETRY_RUN_ID", "0123456789abcdef"),
        ("TELEMETRY_PARENT_RUN_ID", "4bf92f3577b34da6a3ce929d0e0e4736"),
    ];
    sandbox.reporting_run(&server).envs(ids).run().expect(0);
    sandbox.wait_for_deliveries();
    let log = std::fs::read_to_string(sandbox.only_run().log).expect("a log");
    assert!(
        log.starts_with("TELEMETRY_RUN_ID is ignored, because TELEMETRY_PARENT_RUN_ID is given"),
        "{log}"
    );
    let run = sandbox.only_run().id;
    assert_ne!(run, "0123456789abcdef", "a delegated run has its own id");
    let received = server.accepted();
    assert_eq!(received.len(), 5);
    for request in received {
        assert_eq!(request.word("session_id"), "9f86d081884c7d65");
        assert_eq!(request.word("parent_run_id"), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(request.word("run_id"), run);
    }
}

#[test]
fn an_id_is_used_once() {
    let sandbox = Sandbox::new();
    let call = sandbox.dry_run("server").env("TELEMETRY_RUN_ID", "0123456789abcdef");
    call.run().expect(0);
    let first = sandbox.only_run();
    let before = first.manifest();
    assert_eq!(first.id, "0123456789abcdef");
    let outcome = call.run().expect(0);
    assert_eq!(outcome.warnings().len(), 1, "{outcome}");
    assert_eq!((sandbox.runs().len(), first.manifest()), (2, before), "the first record is as it was");
}
