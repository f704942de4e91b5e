//! Names of this machine and of this run stay on it, and a common name costs nobody their telemetry.

use std::ffi::OsStr;
use std::fs;

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
fn on_host(call: Invocation, name: &str) -> Option<Invocation> {
    let (Some(unshare), Some(hostname), Some(sh), true) =
        (program("unshare"), program("hostname"), program("sh"), is_root())
    else {
        skip("a host name", "only root can give a process another one");
        return None;
    };
    let words = [unshare.as_os_str(), OsStr::new("--uts"), sh.as_os_str(), OsStr::new("-c")];
    let script = [OsStr::new("\"$0\" \"$1\" && shift && exec \"$@\""), hostname.as_os_str(), OsStr::new(name)];
    Some(call.through(words.into_iter().chain(script)))
}

fn mentions(bytes: &[u8], word: &str) -> bool {
    String::from_utf8_lossy(bytes).to_lowercase().contains(word)
}

#[test]
fn no_canary_leaves_the_private_file() {
    let server = Server::start([Act::Status(503)]);
    let sandbox = Sandbox::new();
    let folder = sandbox.cwd().join("canary-folder");
    fs::create_dir(&folder).expect("ours");
    let password = sandbox.file("canary-file", "canary-password-hunter2", 0o600);
    let call = sandbox
        .bootstrap(["run", "--mode", "single-node", "--dry-run", "--tls", "letsencrypt", "--registry-auth", "true"])
        .args(INPUTS.iter().flat_map(|(flag, value)| [flag, value]))
        .args([OsStr::new("--registry-password-file"), password.as_os_str()])
        .args([OsStr::new("--artifacts-dir"), folder.as_os_str()])
        .folder(&folder)
        .envs([("USER", "canary-login"), ("LOGNAME", "canary-login"), ("SUDO_USER", "canary-sudo")])
        .envs([("TELEMETRY_ENABLED", "true"), ("TELEMETRY_ENDPOINT", &server.url()), ("TELEMETRY_MAX_RETRIES", "1")])
        .envs([("TELEMETRY_SESSION_ID", "run-canary-login-7"), ("TELEMETRY_PARENT_RUN_ID", "canary-class-1")])
        .envs([("TELEMETRY_USER_AGENT", "agent/canary-login"), ("TELEMETRY_MARKER", "canary-domain.example")]);
    let call = on_host(call.clone(), "canary-host")
        .map(|call| call.env("TELEMETRY_SESSION_ID", "run-canary-host-7"))
        .unwrap_or(call);
    let outcome = call.run().expect(0);
    assert_eq!(outcome.warnings().len(), 4, "two ids and two headers: {outcome}");
    sandbox.settle();

    let runs = folder.join("runs");
    let (private, public): (Vec<_>, Vec<_>) =
        tree(&runs, None).into_iter().partition(|(path, _)| path.to_string_lossy().ends_with("-private.json"));
    assert!(private.iter().all(|(_, entry)| mentions(&entry.content, "canary")), "the test looks at the right things");
    assert!(public.len() >= 8, "manifest, log, outbox and its entries");
    for (path, entry) in public {
        assert!(!path.to_string_lossy().contains("canary"), "{}", path.display());
        for word in ["canary", "10.77", "hunter2"] {
            assert!(!mentions(&entry.content, word), "{word} in {}", path.display());
        }
    }
    let received = server.received();
    assert!(received.len() >= 5, "{}", received.len());
    for request in received {
        for word in ["canary", "10.77", "hunter2"] {
            assert!(!mentions(&request.body, word) && !mentions(request.head.as_bytes(), word), "{request:?}");
        }
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
        let call = sandbox
            .reporting_run(&server)
            .folder(&folder)
            .envs([("USER", name), ("LOGNAME", name), ("SUDO_USER", name), ("HOME", &home)]);
        let call = on_host(call.clone(), name).unwrap_or(call);
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
    let call = sandbox.reporting_run(&server).folder(std::path::Path::new("/"));
    let outcome = call.args([OsStr::new("--runs-dir"), runs.as_os_str()]).env("HOME", "/").run().expect(0);
    assert_eq!(outcome.stderr, "");
    sandbox.settle();
    assert_eq!(server.accepted().len(), 5);
}
