//! Names of this machine and of this run stay on it, and a common name costs nobody their telemetry.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::fs;
use std::path::Path;

use tests::{Act, Invocation, Sandbox, Server, is_root, program, skip, tree};

/// What stands for the private inputs of a run, by flag. Each holds the word that is looked for.
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

/// A run of single-node mode, in `folder`, whose every private input and every name is a canary.
fn among_canaries(sandbox: &Sandbox, folder: &Path, server: &Server) -> Invocation {
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
        .args([OsStr::new("--artifacts-dir"), folder.as_os_str()])
        .folder(folder)
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
    let server = Server::start([Act::Status(503)]);
    let sandbox = Sandbox::new();
    let folder = sandbox.cwd().join("canary-folder");
    fs::create_dir(&folder).expect("ours");
    let outcome = among_canaries(&sandbox, &folder, &server).run().expect(0);
    assert_eq!(outcome.warnings().len(), 4, "two ids and two headers: {outcome}");
    sandbox.settle();

    let is_private = |path: &Path| path.to_string_lossy().ends_with("-private.json");
    let files = tree(&folder.join("runs"), None);
    assert!(files.len() > 8, "both records, log, outbox and its entries: {:?}", files.keys());
    for (path, entry) in files {
        is_free_of_canaries(&path, path.to_string_lossy().as_bytes());
        if is_private(&path) {
            assert!(mentions(&entry.content, "canary"), "this run has canaries");
        } else {
            is_free_of_canaries(&path, &entry.content);
        }
    }
    let received = server.received();
    assert!(received.len() >= 5, "{}", received.len());
    for request in received {
        is_free_of_canaries(&"the headers", request.head.as_bytes());
        is_free_of_canaries(&"the body", &request.body);
    }
}

#[test]
fn common_names_lose_nothing() {
    for name in ["root", "ubuntu", "debian", "core", "server", "localhost", "bootstrap", "run"] {
        let server = Server::start([Act::Status(202)]);
        let sandbox = Sandbox::new();
        let folder = sandbox.cwd().join(name);
        fs::create_dir(&folder).expect("ours");
        let home = format!("/home/{name}");
        let call = sandbox.reporting_run(&server).folder(&folder).envs([
            ("USER", name),
            ("LOGNAME", name),
            ("SUDO_USER", name),
            ("HOME", &home),
        ]);
        let call = on_host(&call, name).unwrap_or(call);
        let outcome = call.run().expect(0);
        assert_eq!(outcome.stderr, "", "{name}");
        sandbox.settle();
        assert_eq!(server.accepted().len(), 5, "{name}");
        let files = tree(&folder.join("runs"), None);
        assert!(files.keys().any(|path| !path.to_string_lossy().contains("private")), "{name}");
        assert!(!folder.join("runs/telemetry-outbox/rejected").exists(), "{name}");
    }
}

#[test]
fn the_root_folder_is_no_identifier() {
    let server = Server::start([Act::Status(202)]);
    let sandbox = Sandbox::new();
    let runs = sandbox.runs_dir();
    let call = sandbox.reporting_run(&server).folder(Path::new("/"));
    let outcome = call.args([OsStr::new("--runs-dir"), runs.as_os_str()]).env("HOME", "/").run().expect(0);
    assert_eq!(outcome.stderr, "");
    sandbox.settle();
    assert_eq!(server.accepted().len(), 5);
}
