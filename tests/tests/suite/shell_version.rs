//! Faults of the shell version that only the binary as a whole can show to be absent; `tests/FAULTS.md` names the others.

use std::ffi::OsStr;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tests::{
    Contract, Invocation, ReceivedRequest, Response, Sandbox, Server, Stub, TerminalSession, is_root,
    program, skip,
};

/// A separate host, as far as a run can see before it changes anything: systemd is up, no process holds the lock of the
/// machine, and the kernel has the cgroups that k3s needs, whatever those of the machine are that runs the test.
const BOOTED: &str = "for place in /run /sys/fs/cgroup; do /bin/mount -t tmpfs none $place || exit 99; done
    echo 'cpuset cpu io memory pids' >/sys/fs/cgroup/cgroup.controllers
    /bin/mkdir -p /run/systemd/system && exec \"$@\"";

/// `call` on a host with systemd, in a mount namespace that ends with it.
fn on_a_booted_host(call: Invocation) -> Option<Invocation> {
    let (Some(unshare), Some(sh), true) = (program("unshare"), program("sh"), is_root()) else {
        skip("an applied run", "only root can replace a booted systemd with a directory");
        return None;
    };
    let words = [unshare.as_os_str(), OsStr::new("--mount"), sh.as_os_str(), OsStr::new("-c")];
    let call = call.through(words.into_iter().chain([OsStr::new(BOOTED), OsStr::new("sh")]));
    // Whether mounting is allowed shows only by trying: containers give root without it.
    let probe = call.clone().args(["--help"]).run();
    if probe.status.code() == Some(99) {
        skip("an applied run", "this machine does not let root mount anything");
        return None;
    }
    Some(call)
}

/// Nothing that this run should install is reported as present.
fn nothing_is_installed(manifest: &Value) {
    Contract::published().check_manifest(manifest);
    for word in ["\"installed\"", "\"configured\"", "\"success\""] {
        assert!(!manifest.to_string().contains(word), "{word} in {manifest:#}");
    }
}

#[test]
fn a_failed_download_is_never_told_as_installed() {
    // A replacement of the file is detected by the built-in checksum.
    let html = "<html>not found</html>";
    for (stdout, code, reason) in [("", 22, "download_failed"), (html, 0, "checksum_mismatch")] {
        let sandbox = Sandbox::new();
        sandbox.stub("curl", Stub { stdout, stderr: "curl: (22) 404", seconds: 0, code });
        let call = sandbox.bootstrap(["run", "--mode", "server", "--yes", "--accept-warnings", "--json"]);
        let Some(call) = on_a_booted_host(call) else { return };
        let outcome = call.run().expect(1);
        assert!(sandbox.calls_made().iter().any(|call| call.starts_with("curl ")), "it was tried: {outcome}");
        let manifest = sandbox.only_run().manifest();
        assert_eq!(manifest["status"], "failed", "{outcome}");
        assert_eq!(manifest["failure"]["reason"], reason, "{manifest:#}");
        assert!(manifest["components"].to_string().contains("\"failed\""), "{manifest:#}");
        nothing_is_installed(&manifest);
    }
}

#[test]
fn a_declined_run_is_recorded_as_cancelled() {
    for keys in ["n\n", "\n", "\x04"] {
        let sandbox = Sandbox::new();
        let call = sandbox.bootstrap(["run", "--mode", "server"]).env("TELEMETRY_ENABLED", "false");
        let Some(call) = on_a_booted_host(call) else { return };
        let mut session = TerminalSession::start(&call);
        // Of the warnings on a small machine, of the plan on another.
        session.wait_for("[y/N]");
        session.type_keys(keys);
        let outcome = session.end().expect(4);
        let run = sandbox.only_run();
        assert_eq!((run.status().as_str(), &run.context()["status"]), ("cancelled", &"cancelled".into()));
        assert_eq!(run.manifest()["exit_code"], 4, "{outcome}");
        nothing_is_installed(&run.manifest());
        assert!(sandbox.calls_made().iter().all(|call| !call.starts_with("curl ")), "{outcome}");
    }
}

#[test]
fn tabs_quotes_and_line_ends_never_break_a_public_document() {
    let evil = "a\tb\"c\\d\ne";
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    let directory = sandbox.cwd().join(evil);
    fs::create_dir(&directory).expect("ours");
    let call =
        sandbox.reporting_run(&server).current_dir(&directory).envs([("USER", evil), ("LOGNAME", evil)]);
    call.run().expect(0);
    sandbox.wait_for_deliveries();
    let records =
        fs::read_dir(directory.join("runs")).expect("made").map(|entry| entry.expect("an entry").path());
    let records: Vec<_> = records.filter(|path| path.extension() == Some(OsStr::new("json"))).collect();
    assert_eq!(records.len(), 2, "a public and a private one: {records:?}");
    for path in records {
        let document: Value = serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON");
        if !path.to_string_lossy().ends_with("-private.json") {
            Contract::published().check_manifest(&document);
        }
    }
    assert_eq!(server.accepted().len(), 5);
    for request in server.accepted() {
        Contract::published().check_telemetry(&request.json());
    }
    // An input with one of them is refused before anything is written.
    for (variable, value) in [
        ("LONGHORN_DATA_PATH", "/da\tta"),
        ("DOMAIN", "a\tb"),
        ("ARTIFACTS_DIR", "a\tb"),
        ("K3S_VERSION", "v1\t2"),
    ] {
        let sandbox = Sandbox::new();
        let call = sandbox.dry_run("single-node").env(&format!("PRODUCTIVE_K3S_{variable}"), value);
        call.run().expect(2);
        assert!(!sandbox.runs_dir().exists(), "{variable}");
    }
}

#[test]
fn public_fields_tell_no_offset_and_no_process_id() {
    let server = Server::start([Response::Status(202)]);
    let sandbox = Sandbox::new();
    // The offset is given in the form of POSIX, which needs no files of this machine.
    let running = sandbox.reporting_run(&server).env("TZ", "XYZ-05:30").start();
    let pid = running.pid().to_string();
    running.end().expect(0);
    sandbox.wait_for_deliveries();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let manifest = sandbox.only_run().manifest();
    let mut documents: Vec<Value> = server.accepted().iter().map(ReceivedRequest::json).collect();
    assert_eq!(documents.len(), 5);
    documents.push(manifest);
    for document in &documents {
        for (field, text) in texts(document) {
            assert_ne!(text, pid, "{field}");
            if ["session_id", "run_id", "event_id"].contains(&field.as_str()) {
                assert!(is_random_uuid(&text), "{field} is {text}, no random id");
            }
            if field.ends_with("_at") {
                let time = schema::UtcSeconds::parse(&text).expect("the one form of a time").timestamp();
                assert!(u64::try_from(time).is_ok_and(|time| time <= now), "{field} is {text}, local time");
            }
        }
    }
}

/// All texts and numbers of a document with the names of their fields. The documents hold no lists.
fn texts(document: &Value) -> Vec<(String, String)> {
    let of_field = |(field, value): (&String, &Value)| match value {
        Value::String(text) => vec![(field.clone(), text.clone())],
        Value::Number(number) => vec![(field.clone(), number.to_string())],
        Value::Array(_) => panic!("{field} is a list"),
        _ => texts(value),
    };
    document.as_object().into_iter().flatten().flat_map(of_field).collect()
}

/// Version 4 of RFC 9562: all but the version and the variant is random.
fn is_random_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && parts.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
        && parts[2].starts_with('4')
        && parts[3].starts_with(['8', '9', 'a', 'b'])
}
