//! Root beside an attacker: another user who swaps directories, scripts and records while the binary works.
//!
//! Every round is a call of the binary in a separate mount namespace. `HOSTILE_ROUNDS` is their number; a few find what
//! is simply open, hundreds what is open for a moment.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use tests::{
    Invocation, Sandbox, can_have_a_machine, eventually, is_root, k3s_images, on_a_machine, program, skip,
    tree,
};

/// The attacker.
const MALLORY: u32 = 61_002;

fn rounds() -> usize {
    std::env::var("HOSTILE_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5)
}

/// Gives what is at `path` to the attacker.
fn given(path: PathBuf) -> PathBuf {
    chown(&path, Some(MALLORY), Some(MALLORY)).expect("root gives away what it likes");
    path
}

fn directory(path: PathBuf) -> PathBuf {
    fs::create_dir(&path).expect("made");
    given(path)
}

/// A process of the attacker that exchanges two names without a pause.
struct Attack(Child);

impl Attack {
    /// Starts one, and waits until it has exchanged the two once.
    fn exchange(one: &Path, other: &Path) -> Self {
        let inode = || fs::symlink_metadata(one).ok().map(|found| found.ino());
        let before = inode();
        let (user, group) = (format!("--reuid={MALLORY}"), format!("--regid={MALLORY}"));
        let setpriv = program("setpriv").expect("util-linux is on every supported host");
        let child = Command::new(setpriv)
            .args([
                user.as_ref(),
                group.as_ref(),
                "--clear-groups".as_ref(),
                std::env::current_exe().expect("a file").as_os_str(),
            ])
            .args(["hostile::the_attacker", "--exact", "--ignored"])
            .env("HOSTILE_ONE", one)
            .env("HOSTILE_OTHER", other)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let attack = Self(child.expect("it starts"));
        let exchanged = eventually(Duration::from_mins(1), || inode() != before);
        assert!(exchanged, "the attacker exchanged nothing");
        attack
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        assert!(
            matches!(self.0.try_wait(), Ok(None)) || std::thread::panicking(),
            "the attacker was at work to the end"
        );
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// No test: what [`Attack`] runs as the other user.
#[test]
#[ignore = "the other process of the tests here"]
fn the_attacker() {
    let (one, other) = (std::env::var_os("HOSTILE_ONE"), std::env::var_os("HOSTILE_OTHER"));
    let (one, other) = (one.expect("named"), other.expect("named"));
    loop {
        renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE)
            .expect("both are the attacker's to rename");
    }
}

/// Reports the result of the rounds past the harness.
fn tell(test: &str, counts: &[(&str, usize)]) {
    let _ = writeln!(std::io::stderr(), "hostile::{test}: {} rounds, {counts:?}", rounds());
}

/// Rule 1: a script is executed only as it was checked. The attacker is who called sudo: the artifacts of any other user are
/// refused before anything is looked at.
#[test]
fn no_script_runs_that_was_put_in_place_of_the_checked_one() {
    const TEST: &str = "no_script_runs_that_was_put_in_place_of_the_checked_one";
    if !can_have_a_machine(TEST) {
        return;
    }
    let (mut ran, mut refused) = (0, 0);
    for _ in 0..rounds() {
        let sandbox = Sandbox::new();
        symlink("/bin/sh", sandbox.root().join("bin/sh")).expect("ours");
        fs::set_permissions(sandbox.root(), fs::Permissions::from_mode(0o755)).expect("ours");
        let (good, evil) = (sandbox.root().join("good"), sandbox.root().join("evil"));
        let artifacts = directory(sandbox.cwd().join("artifacts"));
        // The script ends the run: what comes after it needs a cluster.
        let script = |marker: &Path| format!("echo ran >>{}\nkill -TERM $PPID\n", marker.display());
        let k3s = "#!/bin/sh\necho 'k3s version v1.35.5+k3s1 (abc)'\n".to_owned();
        for (name, text) in [("k3s", k3s), ("install.sh", script(&good)), ("other", script(&evil))] {
            fs::write(artifacts.join(name), text).expect("ours");
        }
        fs::write(artifacts.join(k3s_images()), "images").expect("ours");
        let files = ["k3s", "install.sh", k3s_images()];
        let sums = Command::new("sha256sum").args(files).current_dir(&artifacts).output();
        fs::write(artifacts.join("SHA256SUMS"), sums.expect("coreutils").stdout).expect("ours");
        let attack = Attack::exchange(&artifacts.join("install.sh"), &artifacts.join("other"));
        let call = sandbox.bootstrap(["run", "--mode", "server", "--yes", "--accept-warnings"]);
        let id = MALLORY.to_string();
        let call = call.args(["--skip", "helm"]).env("SUDO_UID", &id).env("SUDO_GID", &id);
        let outcome = on_a_machine(call.args(["--artifacts-dir"]).args([&artifacts])).run();
        drop(attack);
        assert!(!evil.exists(), "the attacker's script ran: {outcome}");
        match outcome.code() {
            // By preflight or, when it was exchanged only later, by the step.
            1 | 3 if outcome.stderr.contains("checksum mismatch") => refused += 1,
            // It is asked to stop by its script, or finds that the script has installed no service.
            1 | 143 if good.exists() => ran += 1,
            _ => panic!("neither ran nor refused: {outcome}"),
        }
    }
    tell(TEST, &[("the checked script ran", ran), ("refused", refused), ("the attacker's script ran", 0)]);
}

/// Rule 2: the caller of sudo gets no directory inside one of root's, whatever the caller swaps meanwhile.
#[test]
fn no_directory_of_the_attacker_comes_into_one_of_roots() {
    const TEST: &str = "no_directory_of_the_attacker_comes_into_one_of_roots";
    if !can_have_a_machine(TEST) {
        return;
    }
    let sandbox = Sandbox::new();
    fs::set_permissions(sandbox.root(), fs::Permissions::from_mode(0o755)).expect("ours");
    let home = directory(sandbox.root().join("mallory"));
    let roots = sandbox.root().join("roots");
    fs::create_dir(&roots).expect("ours");
    directory(home.join("place"));
    symlink(&roots, home.join("link")).expect("ours");
    let attack = Attack::exchange(&home.join("place"), &home.join("link"));
    let mut gained = 0;
    for round in 0..rounds() {
        let runs = home.join("place").join(round.to_string()).join("runs");
        let call = sandbox.dry_run("server").args(["--runs-dir"]).args([&runs]);
        let id = MALLORY.to_string();
        // Refused or not: what counts is what is left.
        call.env("SUDO_UID", &id).env("SUDO_GID", &id).env("TELEMETRY_ENABLED", "true").run();
        let found = fs::read_dir(&roots).expect("ours").map(|entry| entry.expect("an entry"));
        gained += found.filter(|entry| entry.metadata().is_ok_and(|data| data.uid() == MALLORY)).count();
    }
    drop(attack);
    tell(TEST, &[("directories of the attacker in one of root's", gained)]);
    assert_eq!(gained, 0);
}

/// Rule 2: a run that changes the host is refused below a directory that the attacker can replace, and leaves nothing.
#[test]
fn root_changes_no_host_from_a_directory_that_the_attacker_can_replace() {
    const TEST: &str = "root_changes_no_host_from_a_directory_that_the_attacker_can_replace";
    if !can_have_a_machine(TEST) {
        return;
    }
    let sandbox = Sandbox::new();
    fs::set_permissions(sandbox.root(), fs::Permissions::from_mode(0o755)).expect("ours");
    let home = directory(sandbox.root().join("mallory"));
    let roots = sandbox.root().join("roots");
    fs::create_dir_all(roots.join("runs")).expect("ours");
    directory(home.join("place"));
    symlink(&roots, home.join("link")).expect("ours");
    let attack = Attack::exchange(&home.join("place"), &home.join("link"));
    for _ in 0..rounds() {
        let call = sandbox.bootstrap(["run", "--mode", "server", "--yes", "--accept-warnings", "--runs-dir"]);
        let outcome = on_a_machine(call.args([home.join("place/runs")])).run().expect(1);
        let said = outcome.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("belongs to another user") && said.contains("--runs-dir"), "{outcome}");
        assert!(said.contains(&home.display().to_string()), "it names the directory: {outcome}");
    }
    drop(attack);
    assert_eq!(tree(&home, None).len(), 2, "nothing was made: {:?}", tree(&home, None).keys());
    assert_eq!(fs::read_dir(roots.join("runs")).expect("ours").count(), 0);
    tell(TEST, &[("refused", rounds())]);
}

/// Rule 2: a rollback removes nothing through a link that the attacker puts on the way.
#[test]
fn no_directory_of_root_is_removed_through_a_link_of_the_attacker() {
    const TEST: &str = "no_directory_of_root_is_removed_through_a_link_of_the_attacker";
    if !can_have_a_machine(TEST) {
        return;
    }
    let sandbox = Sandbox::new();
    fs::set_permissions(sandbox.root(), fs::Permissions::from_mode(0o755)).expect("ours");
    sandbox.dry_run("single-node").run().expect(0);
    let run = sandbox.only_run();
    let home = directory(sandbox.root().join("mallory"));
    let roots = sandbox.root().join("roots");
    let precious = roots.join("export");
    fs::create_dir_all(&precious).expect("ours");
    directory(home.join("place"));
    directory(home.join("place/export"));
    symlink(&roots, home.join("link")).expect("ours");
    // Root's run exported an existing directory, below one of the attacker's: the operator asked for it.
    let mut record = run.context();
    record["execution"] = "apply".into();
    record["steps"] = serde_json::json!([{ "seq": 1, "component": "nfs", "action": "x", "state": "done",
        "at": "2026-11-22T07:00:00Z", "before": { "found": "absent" },
        "undo": { "kind": "directory", "path": home.join("place/export") } }]);
    fs::write(&run.private, record.to_string()).expect("ours");
    let attack = Attack::exchange(&home.join("place"), &home.join("link"));
    let mut refused = 0;
    for _ in 0..rounds() {
        let call = sandbox.bootstrap(["rollback", "--apply", "--yes", "--include", "moderate", "--to"]);
        let outcome = on_a_machine(call.args([&run.public])).run();
        assert!(precious.exists(), "root removed its own directory through the link: {outcome}");
        let said = outcome.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("belongs to another user"), "{outcome}");
        assert_eq!(outcome.code(), 1, "{outcome}");
        refused += 1;
    }
    drop(attack);
    tell(TEST, &[("refused", refused), ("root's directory removed", 0)]);
}

/// Rule 3: root acts on no record of the attacker, whenever it replaces root's own.
#[test]
fn no_record_of_the_attacker_is_obeyed() {
    const TEST: &str = "no_record_of_the_attacker_is_obeyed";
    if !can_have_a_machine(TEST) {
        return;
    }
    let sandbox = Sandbox::new();
    fs::set_permissions(sandbox.root(), fs::Permissions::from_mode(0o755)).expect("ours");
    let id = MALLORY.to_string();
    let as_caller = |call: Invocation| call.env("SUDO_UID", &id).env("SUDO_GID", &id);
    given(sandbox.cwd());
    as_caller(sandbox.dry_run("server")).run().expect(0);
    let run = sandbox.only_run();
    let canary = sandbox.root().join("canary");
    fs::write(&canary, "root's\n").expect("ours");
    let mut forged = run.context();
    let sum = Command::new("sha256sum").arg(&canary).output().expect("coreutils").stdout;
    let sum = String::from_utf8(sum).expect("ASCII");
    forged["execution"] = "apply".into();
    forged["steps"] = serde_json::json!([{ "seq": 1, "component": "local_hosts", "action": "x", "state": "done",
        "at": "2026-11-22T07:00:00Z", "before": { "found": "absent" },
        "undo": { "kind": "file", "path": canary, "sha256": &sum[..64], "previous": { "state": "absent" } } }]);
    let forgery = given(sandbox.file("runs/forged", &forged.to_string(), 0o600));
    let attack = Attack::exchange(&run.private, &forgery);
    let (mut dry, mut foreign) = (0, 0);
    for _ in 0..rounds() {
        let call = sandbox.bootstrap(["rollback", "--apply", "--yes", "--include", "moderate", "--to"]);
        let outcome = on_a_machine(as_caller(call.args([&run.public]))).run();
        assert!(canary.exists(), "root obeyed the attacker: {outcome}");
        match outcome.code() {
            2 => dry += 1,
            1 if outcome.stderr.contains("another user") => foreign += 1,
            _ => panic!("neither the one record nor the other: {outcome}"),
        }
    }
    drop(attack);
    tell(TEST, &[("root's own record read", dry), ("the attacker's refused", foreign), ("obeyed", 0)]);
    // Even as root's own, it would name something that no run of the component makes.
    for path in [&run.private, &forgery] {
        fs::write(path, forged.to_string()).expect("ours");
        chown(path, Some(0), Some(0)).expect("root takes what it likes");
    }
    let call = sandbox.bootstrap(["rollback", "--apply", "--yes", "--include", "moderate", "--to"]);
    let outcome = on_a_machine(as_caller(call.args([&run.public]))).run();
    assert!(canary.exists() && outcome.stdout.contains("no run of this component"), "{outcome}");
}

/// Rule 4: root in the outbox of a user, and the user's commands afterwards.
#[test]
fn the_users_telemetry_works_after_root_was_there() {
    if !is_root() {
        return skip("the_users_telemetry_works_after_root_was_there", "there is no second user");
    }
    let sandbox = Sandbox::unprivileged();
    sandbox.dry_run("server").env("TELEMETRY_ENABLED", "true").run().expect(0);
    sandbox.wait_for_deliveries();
    let before = tree(&sandbox.outbox(), None);
    let root = |words: &[&str]| {
        let call = Sandbox::new().bootstrap(words.iter().copied());
        let call = call.current_dir(&sandbox.cwd()).env("TELEMETRY_ENABLED", "true");
        call.run()
    };
    let flushed = root(&["telemetry", "flush"]).expect(1);
    assert!(flushed.stderr.contains("another user"), "{flushed}");
    root(&["telemetry", "status"]).expect(1);
    let purged = root(&["telemetry", "purge", "--yes"]).expect(0);
    assert!(purged.stderr.contains("were not deleted"), "{purged}");
    // A dry run of root's is not refused. Its records are root's, and its documents stay out of the user's outbox.
    let planned = root(&["run", "--mode", "server", "--dry-run", "--yes"]).expect(0);
    assert!(planned.stderr.contains("another user"), "{planned}");
    assert_eq!(tree(&sandbox.outbox(), None), before, "nothing is set aside, given away or left");
    let waiting = sandbox.queued().len();
    let status = sandbox.bootstrap(["telemetry", "status", "--json"]).run().expect(0).json();
    assert_eq!(status["queued"].as_array().map(Vec::len), Some(waiting));
    sandbox.dry_run("server").env("TELEMETRY_ENABLED", "true").run().expect(0);
    sandbox.wait_for_deliveries();
    let purged = sandbox.bootstrap(["telemetry", "purge", "--yes", "--json"]).run().expect(0).json();
    assert_eq!((&purged["queued"], &purged["left"]), (&(waiting + 5).into(), &0.into()));
    assert!(sandbox.queued().is_empty());
}
