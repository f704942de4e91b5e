//! Users of sudo: they are asked about what root does for them, and a record counts for who acted.

mod interrupted;
mod layered;
mod password;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use manifest::{
    Intent, JournalOutcome, MachineFingerprint, MachineId, PriorState, PrivateContext, RunId, RunsDir, Undo,
};
use privacy::Gate;
use rustix::process::Signal;
use schema::{
    Arch, Component, Execution, Finish, Id, Mode, OsFamily, OsId, OsVersion, Platform, RunManifest, Status,
    Support, UtcSeconds,
};
use serde_json::Value;
use tests::{
    Invocation, NOBODY, Outcome, Response, Sandbox, Server, TerminalSession, can_have_a_machine, eventually,
    is_root, on_a_machine, program, skip,
};

/// Becomes root as sudo does, with little of the caller's environment (`env_reset`). With `password` beside it, it wants one,
/// and remembers that one was typed.
const SUDO: &str = r#"#!/bin/sh
here=${0%/bin/*}
printf 'sudo %s\n' "$*" >>"$here/calls"
case $1 in
-k) exec /bin/rm -f "$here/stamp" ;;
-v)
    if [ -e "$here/password" ]; then printf '[sudo] password: ' >/dev/tty; read -r typed </dev/tty; fi
    : >"$here/stamp"
    exit 0
    ;;
-n) shift ;;
esac
if [ -e "$here/password" ] && [ ! -e "$here/stamp" ]; then
    echo 'sudo: a password is required' >&2
    exit 1
fi
[ "$1" = -- ] && shift
exec "$here/setpriv" --reuid=0 --regid=0 --clear-groups -- \
    /usr/bin/env -i PATH="$PATH" LC_ALL="$LC_ALL" HOME=/root "$@"
"#;

/// A cluster with the issuer of a run, which only root may ask.
const K3S: &str = r#"#!/bin/sh
gone=${0%/bin/*}/gone
case "$*" in
*delete*clusterissuers/selfsigned*)
    : >"$gone"
    if [ -e "${gone%gone}interrupts" ]; then kill -INT "$PPID"; fi
    echo '{}'
    ;;
*/clusterissuers/selfsigned*)
    if [ -e "$gone" ]; then
        echo 'Error from server (NotFound): clusterissuers "selfsigned" not found' >&2
        exit 1
    fi
    echo '{"metadata":{"name":"selfsigned","uid":"of-the-run"}}'
    ;;
*/clusterissuers/letsencrypt-staging*)
    if [ -e "$gone" ]; then kill -INT "$PPID"; fi
    echo '{"metadata":{"name":"letsencrypt-staging","uid":"of-the-run"}}'
    ;;
*) echo '{"items":[]}' ;;
esac
"#;

/// A sandbox of a user who may use sudo.
fn with_sudo() -> Sandbox {
    let sandbox = Sandbox::unprivileged();
    let put = |name: &str, text: &str| {
        let path = sandbox.root().join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    };
    put("bin/sudo", SUDO);
    put("bin/k3s", K3S);
    let setpriv = sandbox.root().join("setpriv");
    fs::copy(program("setpriv").expect("util-linux is on every supported host"), &setpriv).expect("copied");
    fs::set_permissions(&setpriv, fs::Permissions::from_mode(0o4755)).expect("a mode");
    sandbox
}

/// A call with the programs of this machine behind the stand-ins.
fn call(sandbox: &Sandbox, words: &str) -> Invocation {
    let path = format!("{}:/usr/bin:/bin", sandbox.root().join("bin").display());
    let call = sandbox.bootstrap(words.split_whitespace());
    call.env("PATH", path).env("TELEMETRY_ENABLED", "false").env("TERM", "dumb")
}

/// The call on a machine where the directory of the export is as the run has left it.
fn on_the_machine(call: Invocation) -> Invocation {
    let scene = r#"/bin/mkdir /var/lib/share; exec "$@""#;
    on_a_machine(call.through(["/bin/sh", "-euc", scene, "sh"]))
}

fn issuer() -> (Component, Undo) {
    issuer_named("selfsigned")
}

fn issuer_named(name: &str) -> (Component, Undo) {
    let undo = Undo::Object {
        api_version: "cert-manager.io/v1".to_owned(),
        object_kind: "ClusterIssuer".to_owned(),
        namespace: None,
        name: name.to_owned(),
        uid: Some("of-the-run".to_owned()),
    };
    (Component::Clusterissuer, undo)
}

/// What can be seen without root.
fn export() -> (Component, Undo) {
    (Component::Nfs, Undo::Directory { path: "/var/lib/share".into() })
}

/// Writes the records of a run of `user` that has made these, and returns the private one.
fn record(sandbox: &Sandbox, user: u32, made: impl IntoIterator<Item = (Component, Undo)>) -> PathBuf {
    record_of(sandbox, user, ("9f86d081884c7d65", "2026-11-22T07:00:00Z"), made)
}

/// As [`record`], of the run with this id, which began then.
fn record_of(
    sandbox: &Sandbox,
    user: u32,
    (run, began): (&str, &str),
    made: impl IntoIterator<Item = (Component, Undo)>,
) -> PathBuf {
    let at = || UtcSeconds::parse(began).expect("a time");
    let runs = RunsDir::open_or_create(&sandbox.runs_dir()).expect("made");
    let run = RunId::new(Id::parse(run).expect("an id"));
    let files = runs.claim(&run).expect("claimed");
    let machine = MachineFingerprint::of(&MachineId::read(Path::new("/")));
    let mut context = PrivateContext::begin(&run, Execution::Apply, Mode::SingleNode, machine, at());
    for (component, undo) in made {
        let intent = Intent { component, action: "a step".to_owned(), before: PriorState::Absent, undo };
        let seq = context.begin_step(intent, at());
        context.end_step(seq, JournalOutcome::Done { wrote: None, undo: None }, at());
    }
    context.finish(Status::Success, at());
    files.write_private(&context).expect("written");
    let platform = Platform {
        support: Support::Supported,
        os_family: OsFamily::Debian,
        os_id: OsId::Debian,
        os_version: OsVersion::parse("13").expect("a version"),
        arch: Arch::Amd64,
    };
    let mut manifest =
        RunManifest::begin(run.id().clone(), Execution::Apply, Mode::SingleNode, platform, at());
    manifest.finish(Finish::Success, 0, at());
    files.write_public(&manifest, &Gate::default()).expect("written");
    drop(files);
    // Between fork and exec, a child that another test of this process starts holds a copy of the lock.
    let is_free = || !runs.is_running(&run).expect("told");
    assert!(eventually(Duration::from_mins(2), is_free), "the lock is never released");
    let all = fs::read_dir(sandbox.runs_dir()).expect("listed").map(|entry| entry.expect("there").path());
    for path in all.chain([sandbox.runs_dir()]) {
        chown(path, Some(user), Some(user)).expect("root gives away what it likes");
    }
    runs.private_path(&run)
}

fn is_gone(sandbox: &Sandbox) -> bool {
    sandbox.root().join("gone").exists()
}

#[test]
fn clean_asks_a_sudo_user_about_all_that_it_removes() {
    if !can_have_a_machine("clean_asks_a_sudo_user_about_all_that_it_removes") {
        return;
    }
    let sandbox = with_sudo();
    record(&sandbox, NOBODY, [issuer(), export()]);
    let clean = on_the_machine(call(&sandbox, "clean --apply"));
    for (word, code) in [("clean\n", 4), ("CLEAN\n", 0)] {
        let mut session = TerminalSession::start(&clean);
        session.wait_for("Type CLEAN");
        assert!(!is_gone(&sandbox), "nothing is done before the word is typed");
        session.type_keys(word);
        let outcome = session.end().expect(code);
        assert!(outcome.stdout.contains("Items to remove: 2."), "{outcome}");
        assert_eq!(is_gone(&sandbox), code == 0, "{outcome}");
    }
}

#[test]
fn clean_skips_nothing_that_root_would_remove() {
    if !can_have_a_machine("clean_skips_nothing_that_root_would_remove") {
        return;
    }
    let entry = "as-bundle --root /nowhere --entry core -- clean --apply";
    for (words, answers) in [("clean --apply --confirm CLEAN", ""), (entry, "y\nCLEAN\n")] {
        let sandbox = with_sudo();
        record(&sandbox, NOBODY, [issuer()]);
        let clean = || {
            let clean = call(&sandbox, words).env("PRODUCTIVE_K3S_RUNS_DIR", sandbox.runs_dir());
            on_the_machine(clean.stdin(answers)).run().expect(0)
        };
        let outcome = clean();
        assert!(is_gone(&sandbox), "{words}: {outcome}");
        assert!(answers.is_empty() || outcome.stdout.contains("Items to remove: 1."), "{outcome}");
        if answers.is_empty() {
            // Of this run nothing is left. That is written down, or it would count as installed for ever.
            let run = ("b000000000000002", "2026-11-22T07:51:00Z");
            let gone = record_of(&sandbox, NOBODY, run, [issuer()]);
            clean();
            let record: Value = serde_json::from_slice(&fs::read(gone).expect("there")).expect("JSON");
            assert_eq!(record["rollbacks"][0]["state"], "done", "{record}");
        }
    }
}

/// Agreement to a plan that is only to be shown agrees to nothing.
#[test]
fn a_plan_of_clean_removes_nothing_whatever_stands_beside_it() {
    if !can_have_a_machine("a_plan_of_clean_removes_nothing_whatever_stands_beside_it") {
        return;
    }
    for words in ["clean --yes --confirm-clean", "clean --apply --yes --confirm-clean --plan"] {
        let sandbox = with_sudo();
        record(&sandbox, NOBODY, [issuer()]);
        let call = call(&sandbox, &format!("as-bundle --root /nowhere --entry core -- {words}"));
        let clean = call.env("PRODUCTIVE_K3S_RUNS_DIR", sandbox.runs_dir());
        let outcome = on_the_machine(clean).run().expect(0);
        assert!(outcome.stdout.contains("Items to remove: 1."), "{words}: {outcome}");
        assert!(!is_gone(&sandbox), "{words}: {outcome}");
    }
}

/// The plan said that it is excluded, so leaving it is what was agreed to.
#[test]
fn what_the_agreed_plan_leaves_out_is_no_failure() {
    if !can_have_a_machine("what_the_agreed_plan_leaves_out_is_no_failure") {
        return;
    }
    let sandbox = with_sudo();
    let record = record(&sandbox, NOBODY, [issuer(), export()]);
    let words = "as-bundle --root /nowhere --entry core -- rollback --apply --to";
    let outcome = on_the_machine(call(&sandbox, words).args([record]).stdin("y\n")).run().expect(0);
    assert!(is_gone(&sandbox) && !outcome.stdout.contains("agreed to"), "{outcome}");
}

/// Whoever agreed beforehand is told what is left for them.
#[test]
fn what_clean_cannot_do_is_told() {
    if !can_have_a_machine("what_clean_cannot_do_is_told") {
        return;
    }
    let sandbox = with_sudo();
    record(&sandbox, NOBODY, [export()]);
    let scene = r#"/bin/mkdir /var/lib/share; : >/var/lib/share/of-somebody; exec "$@""#;
    let clean = call(&sandbox, "clean --apply --confirm CLEAN").through(["/bin/sh", "-euc", scene, "sh"]);
    let outcome = on_a_machine(clean).run().expect(0);
    assert!(outcome.stdout.contains("ls -la /var/lib/share"), "{outcome}");
}

/// Where nobody can become root, nothing is asked about and nothing is done.
#[test]
fn clean_without_root_says_so_before_it_asks() {
    if !can_have_a_machine("clean_without_root_says_so_before_it_asks") {
        return;
    }
    let sandbox = with_sudo();
    sandbox.file("../password", "", 0o600);
    record(&sandbox, NOBODY, [issuer(), export()]);
    let plan = on_the_machine(call(&sandbox, "clean")).run().expect(0);
    assert!(plan.warnings().iter().any(|told| told.contains("`sudo -v` first")), "{plan}");
    let outcome = on_the_machine(call(&sandbox, "clean --apply --confirm CLEAN")).run().expect(1);
    assert!(outcome.stderr.contains("cannot get root privileges: sudo: a password is required"), "{outcome}");
    assert!(!outcome.stderr.contains("or run as root"), "root would refuse the record: {outcome}");
}

#[test]
fn the_plan_of_a_rollback_is_complete_for_a_sudo_user() {
    if !can_have_a_machine("the_plan_of_a_rollback_is_complete_for_a_sudo_user") {
        return;
    }
    let sandbox = with_sudo();
    let record = record(&sandbox, NOBODY, [issuer()]);
    let outcome = on_the_machine(call(&sandbox, "rollback --to").args([record])).run().expect(0);
    assert!(outcome.stdout.contains("To undo this: add --apply"), "{outcome}");
    assert!(outcome.warnings().is_empty(), "{outcome}");
    assert!(!is_gone(&sandbox));
}

/// What neither may obey of the other is told, with who may.
#[test]
fn a_record_of_another_user_is_told_and_left() {
    if !is_root() {
        return skip("a_record_of_another_user_is_told_and_left", "only root can give records away");
    }
    let roots = Sandbox::new();
    let by_root = record(&roots, NOBODY, [export()]);
    let users = Sandbox::unprivileged();
    let by_user = record(&users, 0, [export()]);
    chown(users.runs_dir(), Some(NOBODY), Some(NOBODY)).expect("as sudo leaves it");
    chown(by_user.with_file_name("bootstrap-9f86d081884c7d65.json"), Some(NOBODY), Some(NOBODY))
        .expect("as sudo leaves it");
    for (sandbox, record, who) in
        [(&roots, by_root, "as the user who made the run, without sudo"), (&users, by_user, "with sudo if")]
    {
        let hint = |outcome: &Outcome| {
            let text = outcome.stderr.replace("\n      ", " ");
            assert!(text.contains(who) && !text.contains("or as root"), "{outcome}");
        };
        hint(&sandbox.bootstrap(["rollback", "--to"]).args([record]).run().expect(1));
        let plan = sandbox.bootstrap(["clean"]).run().expect(0);
        assert!(plan.warnings()[0].starts_with("1 record cannot be used"), "{plan}");
        let document = sandbox.bootstrap(["clean", "--json"]).run().expect(0).json();
        assert_eq!(document["unusable_records"], 1);
        hint(&sandbox.bootstrap(["clean", "--apply", "--confirm", "CLEAN"]).run().expect(1));
    }
}

/// A proxy with a login would stand in the arguments of sudo. Without it apt-get reaches nothing and does not say why.
#[test]
fn a_run_tells_of_the_proxy_that_root_does_not_get() {
    if !can_have_a_machine("a_run_tells_of_the_proxy_that_root_does_not_get") {
        return;
    }
    let sandbox = with_sudo();
    let run = call(&sandbox, "run --mode server --skip k3s --yes --accept-warnings");
    let run = run.env("HTTPS_PROXY", "http://alice:canary@proxy.test:3128").env("NO_PROXY", "10.0.0.0/8");
    let outcome = on_a_machine(run).run().expect(1);
    let warnings = outcome.warnings();
    assert!(warnings.iter().any(|told| told.starts_with("HTTPS_PROXY: a proxy with a login")), "{outcome}");
    let calls = sandbox.calls_made();
    assert!(
        calls.iter().any(|call| call.starts_with("sudo -n -- ") && call.contains(" NO_PROXY=10.0.0.0/8 "))
    );
    assert!(!calls.concat().contains("canary") && !outcome.output().contains("canary"), "{outcome}");
}

/// What parses the answers of a server on the network is the caller, with none of root's rights.
#[test]
fn a_delivery_under_sudo_is_made_by_the_caller() {
    if !is_root() {
        return skip("a_delivery_under_sudo_is_made_by_the_caller", "only root can become another user");
    }
    let (sandbox, server) = (Sandbox::new(), Server::start([Response::Never]));
    let id = NOBODY.to_string();
    let under_sudo = |call: Invocation| {
        let call = call.env("TELEMETRY_ENABLED", "true").env("TELEMETRY_ENDPOINT", server.url());
        let call = call.env("TELEMETRY_REQUEST_TIMEOUT_SECONDS", "120");
        call.env("SUDO_UID", &id).env("SUDO_GID", &id)
    };
    let asked = |times: usize| eventually(Duration::from_mins(1), || server.received().len() >= times);
    // The user and the groups of a process, see `proc_pid_status(5)`.
    let identity = |pid: u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let fields = ["Uid:", "Gid:", "Groups:"];
        let lines = status.lines().filter(|line| fields.iter().any(|field| line.starts_with(field)));
        lines.map(|line| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    let four = [id.as_str(); 4].join(" ");
    let caller = [four.clone(), four, id.clone()];
    under_sudo(sandbox.dry_run("server")).run().expect(0);
    assert!(asked(1), "the delivery of the run asks nobody");
    // The one that asks is joined by that of the end of the run, which may not have become the caller yet.
    let is_callers = || {
        let deliveries = sandbox.deliveries();
        !deliveries.is_empty() && deliveries.iter().all(|pid| identity(*pid) == caller)
    };
    assert!(eventually(Duration::from_mins(1), is_callers), "detached: {:?}", sandbox.deliveries());
    sandbox.kill_deliveries();
    sandbox.wait_for_deliveries();
    let before = server.received().len();
    let flush = under_sudo(sandbox.bootstrap(["telemetry", "flush"])).start();
    assert!(asked(before + 1), "flush asks nobody");
    assert_eq!(identity(flush.pid()), caller, "flush");
    flush.signal(Signal::KILL);
    flush.end();
}

/// kubectl and helm keep caches in a home: those of root belong into root's.
#[test]
fn what_root_runs_for_a_caller_has_the_home_of_root() {
    if !is_root() {
        return skip("what_root_runs_for_a_caller_has_the_home_of_root", "it runs as root");
    }
    let sandbox = Sandbox::unprivileged();
    let homes = sandbox.root().join("homes");
    let script = format!("#!/bin/sh\necho \"$HOME\" >>'{}'\nexit 3\n", homes.display());
    let helm = sandbox.root().join("bin/helm");
    fs::write(&helm, script).expect("written");
    fs::set_permissions(&helm, fs::Permissions::from_mode(0o755)).expect("a mode");
    let plain = Sandbox::new();
    let run = plain.dry_run("single-node").args(["--runs-dir"]).args([sandbox.cwd().join("runs")]);
    let run = run.env("HOME", sandbox.home()).env("PATH", sandbox.root().join("bin"));
    run.env("SUDO_UID", NOBODY.to_string()).env("SUDO_GID", NOBODY.to_string()).run().expect(0);
    let homes = fs::read_to_string(homes).expect("it was asked");
    assert!(homes.lines().all(|home| home != sandbox.home().display().to_string()), "{homes}");
}
