//! Hostile directories: what cannot be written to is reported, and nothing is left half-done.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tests::{Invocation, Outcome, Sandbox, is_root, program, skip, tree};

/// Passes if a dry run fails because of its runs directory, says so, and leaves everything as it was.
fn refused(sandbox: &Sandbox, name: &str) {
    let files = || {
        let mut found = tree(sandbox.root(), None);
        // This machine may have a unit that systemctl is asked about.
        found.remove(Path::new("calls"));
        found
    };
    let before = files();
    let outcome = sandbox.dry_run("server").run().expect(1);
    sandbox.snapshot(&format!("directory_{name}"), &outcome);
    assert_eq!(files(), before, "{name}");
    // Also as data: a reader of JSON gets one document even if nothing could be recorded.
    let document = sandbox.dry_run("server").args(["--json"]).run().expect(1).json();
    assert_eq!(document["exit_code"], 1, "{name}");
}

#[test]
fn runs_is_a_link() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.cwd().join("elsewhere")).expect("ours");
    symlink("elsewhere", sandbox.runs_dir()).expect("ours");
    refused(&sandbox, "link");
}

#[test]
fn runs_is_a_dangling_link() {
    let sandbox = Sandbox::new();
    symlink("nowhere", sandbox.runs_dir()).expect("ours");
    refused(&sandbox, "dangling_link");
}

#[test]
fn runs_is_a_file() {
    let sandbox = Sandbox::new();
    sandbox.file("runs", "a file", 0o600);
    refused(&sandbox, "file");
}

#[test]
fn runs_is_read_only() {
    let sandbox = Sandbox::unprivileged();
    sandbox.dry_run("server").run().expect(0);
    fs::set_permissions(sandbox.runs_dir(), fs::Permissions::from_mode(0o500)).expect("ours");
    refused(&sandbox, "read_only");
}

#[test]
fn runs_cannot_be_made() {
    let sandbox = Sandbox::unprivileged();
    fs::set_permissions(sandbox.cwd(), fs::Permissions::from_mode(0o500)).expect("ours");
    refused(&sandbox, "cannot_be_made");
}

#[test]
fn runs_can_be_written_to_by_others() {
    let sandbox = Sandbox::unprivileged();
    sandbox.dry_run("server").run().expect(0);
    fs::set_permissions(sandbox.runs_dir(), fs::Permissions::from_mode(0o777)).expect("ours");
    refused(&sandbox, "open_to_all");
}

/// Root obeys what is in it, also for a user of sudo. A dry run writes nothing that anybody obeys.
#[test]
fn runs_below_what_others_can_change_are_for_dry_runs() {
    for sandbox in [Sandbox::new(), Sandbox::unprivileged()] {
        fs::set_permissions(sandbox.cwd(), fs::Permissions::from_mode(0o777)).expect("ours");
        sandbox.dry_run("server").run().expect(0);
        let run = sandbox.bootstrap(["run", "--mode", "server", "--skip", "k3s", "--skip", "helm"]);
        let outcome = run.args(["--yes", "--accept-warnings"]).run().expect(1);
        let text = outcome.stderr.replace("\n       ", " ");
        assert!(text.contains("another user can replace the directory"), "{outcome}");
    }
}

/// What they remove is named by the records, so these must be nobody else's either.
#[test]
fn what_undoes_runs_obeys_no_records_below_what_others_can_change() {
    for sandbox in [Sandbox::new(), Sandbox::unprivileged()] {
        sandbox.dry_run("server").run().expect(0);
        let run = sandbox.only_run();
        let mut record = run.context();
        record["execution"] = "apply".into();
        fs::write(&run.private, record.to_string()).expect("ours");
        let to = ["--to".as_ref(), run.private.as_os_str()];
        let undo = || [sandbox.bootstrap(["rollback"]).args(to), sandbox.bootstrap(["clean"])];
        // A plan alone obeys nothing.
        fs::set_permissions(sandbox.cwd(), fs::Permissions::from_mode(0o777)).expect("ours");
        for call in undo() {
            call.run().expect(0);
        }
        // A relative path starts at the working directory, which root names in full.
        let whole = sandbox.cwd().display().to_string();
        let said = [whole.as_str(), "."]
            .map(|place| format!("another user can replace the directory: {place} may be changed"));
        for (call, agreement) in undo().into_iter().zip([&["--yes"][..], &["--confirm", "CLEAN"]]) {
            let outcome = call.args(["--apply"]).args(agreement).run().expect(1);
            let text = outcome.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(said.iter().any(|said| text.contains(said)), "{outcome}");
        }
    }
}

#[test]
fn a_link_in_the_place_of_a_record_is_not_followed() {
    let sandbox = Sandbox::new();
    sandbox.dry_run("server").run().expect(0);
    let target = sandbox.file("target", "untouched", 0o600);
    // A public manifest that cannot be read may be that of a run which has died: that is said too.
    for (name, warnings) in [
        ("bootstrap-0123456789abcdef.json", 2),
        ("bootstrap-0123456789abcdef-private.json", 1),
        ("bootstrap-0123456789abcdef.log", 1),
    ] {
        let link = sandbox.runs_dir().join(name);
        symlink(&target, &link).expect("ours");
        let outcome = sandbox.dry_run("server").env("TELEMETRY_RUN_ID", "0123456789abcdef").run().expect(0);
        assert_eq!(outcome.warnings().len(), warnings, "{name}: {outcome}");
        assert_eq!(fs::read_to_string(&target).expect("there"), "untouched", "{name}");
        fs::remove_file(link).expect("ours");
    }
}

/// Among those that are not read may be runs that changed the host.
#[test]
fn clean_does_not_call_a_host_clean_with_records_that_it_has_not_read() {
    let sandbox = Sandbox::new();
    sandbox.dry_run("server").run().expect(0);
    let run = sandbox.only_run();
    let record = fs::read_to_string(&run.private).expect("ours");
    for number in 0..20_000 {
        let id = format!("{number:016x}");
        let path = sandbox.runs_dir().join(format!("bootstrap-{id}-private.json"));
        fs::write(path, record.replace(&run.id, &id)).expect("ours");
    }
    let outcome = sandbox.bootstrap(["clean"]).run().expect(1);
    let text = outcome.stderr.replace("\n       ", " ");
    assert!(text.contains("3617 records in") && text.contains("were not read"), "{outcome}");
    assert!(text.contains("records of dry runs"), "{outcome}");
}

/// Mounts, calls, lists, and ends as the call ended; 99 if it could not mount. A delivery in progress makes temporary
/// files of its own, so a temporary file may still disappear.
const SCRIPT: &str = "/bin/mount -t tmpfs -o mode=0700,size=$2 none \"$1\" || exit 99; directory=$1; shift 2
    \"$@\"; code=$?; tries=0
    while /bin/ls -A1 \"$directory\" | /bin/grep -q tmp && [ $tries -lt 1000 ]; do /bin/sleep 0.02; tries=$((tries + 1)); done
    /bin/ls -A1 \"$directory\"; exit $code";

/// Calls through a shell that mounts a tmpfs of `size` on `directory` first, in a mount namespace that ends with it, and
/// writes what is left in the directory to standard output.
fn on_a_small_disk(call: Invocation, directory: &Path, size: &str) -> Option<Outcome> {
    let (Some(unshare), Some(sh), true) = (program("unshare"), program("sh"), is_root()) else {
        skip("a full disk", "only root can mount a small one");
        return None;
    };
    fs::create_dir_all(directory).expect("ours");
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).expect("ours");
    let words = [unshare.as_os_str(), "--mount".as_ref(), sh.as_os_str(), "-c".as_ref(), SCRIPT.as_ref()];
    let more = ["sh".as_ref(), directory.as_os_str(), size.as_ref()];
    let outcome = call.through(words.into_iter().chain(more)).run();
    if outcome.status.code() == Some(99) {
        skip("a full disk", "this machine does not let root mount one");
        return None;
    }
    Some(outcome)
}

#[test]
fn the_disk_is_full() {
    let sandbox = Sandbox::new();
    let Some(outcome) = on_a_small_disk(sandbox.dry_run("server"), &sandbox.runs_dir(), "4k") else { return };
    let outcome = outcome.expect(1);
    assert!(
        outcome.stderr.contains("runs directory") && outcome.stderr.contains("free some space"),
        "{outcome}"
    );
    assert!(!outcome.stdout.contains(".tmp"), "no temporary file is left: {outcome}");
}

#[test]
fn a_full_outbox_is_one_warning() {
    let sandbox = Sandbox::new();
    let outbox = sandbox.root().join("outbox");
    let call =
        sandbox.dry_run("server").env("TELEMETRY_ENABLED", "true").env("TELEMETRY_OUTBOX_DIR", &outbox);
    let Some(outcome) = on_a_small_disk(call, &outbox, "4k") else { return };
    let outcome = outcome.expect(0);
    assert_eq!(outcome.warnings().len(), 1, "{outcome}");
    assert!(outcome.warnings()[0].starts_with("telemetry of this run is incomplete"), "{outcome}");
    assert!(!outcome.stdout.contains(".tmp"), "no temporary file is left: {outcome}");
}

/// Makes the outbox of a sandbox, in its directory `closed`, unusable.
type Prepare = fn(&Sandbox);

#[test]
fn an_outbox_that_cannot_be_used_is_one_warning() {
    let plain = Sandbox::unprivileged();
    let expected = plain.dry_run("server").run().expect(0).stdout.lines().count();
    let prepare: [(&str, Prepare); 3] = [
        ("read-only", |sandbox| {
            fs::set_permissions(sandbox.root().join("closed"), fs::Permissions::from_mode(0o500))
                .expect("ours");
        }),
        ("a link", |sandbox| symlink(sandbox.home(), sandbox.root().join("closed/outbox")).expect("ours")),
        ("a file", |sandbox| fs::write(sandbox.root().join("closed/outbox"), "").expect("ours")),
    ];
    for (name, prepare) in prepare {
        let sandbox = Sandbox::unprivileged();
        fs::create_dir(sandbox.root().join("closed")).expect("ours");
        prepare(&sandbox);
        let outbox = sandbox.root().join("closed/outbox");
        let call =
            sandbox.dry_run("server").env("TELEMETRY_ENABLED", "true").env("TELEMETRY_OUTBOX_DIR", outbox);
        let outcome = call.run().expect(0);
        assert_eq!(outcome.warnings().len(), 1, "{name}: {outcome}");
        assert_eq!(outcome.stdout.lines().count(), expected, "{name}: {outcome}");
        assert_eq!(sandbox.only_run().status(), "success", "{name}");
    }
}
