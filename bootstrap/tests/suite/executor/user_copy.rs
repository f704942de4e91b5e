//! The copy of the credentials in the caller's home, where it is asked for.

#![expect(clippy::disallowed_methods, reason = "it sets a scene")]

use std::os::unix::fs::{PermissionsExt, symlink};

use super::faults::only;
use super::*;
use bootstrap::rollback::{Include, ItemState, RollbackExecutor, UndoResult, observe_all, plan};
use manifest::{PreviousFile, PriorState, Undo};

const SOURCE: &str = "etc/rancher/k3s/k3s.yaml";

/// A kubeconfig of the cluster with this authority; `user` stands for a client's certificate, which k3s renews.
fn kubeconfig(authority: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: default\n\
         clusters:\n- name: default\n  cluster: {{server: 'https://127.0.0.1:6443', certificate-authority-data: {authority}}}\n\
         contexts:\n- name: default\n  context: {{cluster: default, user: default}}\n\
         users:\n- name: default\n  user: {{client-certificate-data: {user}}}\n"
    )
}

fn asked() -> Settings {
    Settings { user_kubeconfig: true, ..only(Component::K3s) }
}

/// The directory `.kube` of the caller on this host, whose home there is from now on.
fn kube(stub: &StubHost) -> PathBuf {
    let home = stub.host().caller_home().expect("every user of tests has a home");
    let home = stub.path(&home.to_string_lossy());
    std::fs::create_dir_all(&home).expect("made");
    home.join(".kube")
}

fn copied(stub: &StubHost) -> String {
    std::fs::read_to_string(kube(stub).join("k3s.yaml")).unwrap_or_default()
}

#[test]
fn whoever_asks_has_a_private_copy_and_nobody_else_has_one() {
    let stub = StubHost::fresh();
    stub.put(SOURCE, kubeconfig("T1VSUw==", "first"));
    let kube = kube(&stub);
    run(&stub, &only(Component::K3s)).results();
    assert!(!kube.exists(), "nobody has asked");
    let ran = run(&stub, &asked());
    assert_eq!(ran.changed, ["copy of the credentials"]);
    let undo = |index: usize| &ran.journal.steps()[index].undo;
    assert!(matches!(undo(0), Undo::Directory { path } if path.ends_with(".kube")));
    let is_new = |undo: &Undo| matches!(undo, Undo::File { previous: PreviousFile::Absent, .. });
    assert!(is_new(undo(1)) && ran.journal.steps().len() == 2);
    assert_eq!(ran.first(), ComponentResult::Configured);
    assert_eq!(copied(&stub), kubeconfig("T1VSUw==", "first"));
    let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&kube), mode(&kube.join("k3s.yaml"))), (0o700, 0o600));
    assert!(!stub.log().contains("client-certificate-data"), "credentials are for no log");
    assert_eq!(run(&stub, &asked()).first(), ComponentResult::Reused);
}

#[test]
fn a_fresh_host_gets_the_copy_with_its_cluster() {
    let stub = StubHost::fresh();
    kube(&stub);
    let ran = run(&stub, &asked());
    assert!(ran.changed.iter().any(|title| title == "copy of the credentials"), "{:?}", ran.changed);
    assert_eq!(ran.first(), ComponentResult::Installed);
    assert!(kube(&stub).join("k3s.yaml").is_file());
}

#[test]
fn what_others_can_read_or_is_out_of_date_is_made_anew() {
    let stub = StubHost::fresh().with_server();
    stub.put(SOURCE, kubeconfig("T1VSUw==", "first"));
    let copy = kube(&stub).join("k3s.yaml");
    run(&stub, &asked()).results();
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    assert_eq!(run(&stub, &asked()).first(), ComponentResult::Configured);
    assert_eq!(copy.metadata().expect("there").permissions().mode() & 0o777, 0o600);
    stub.put(SOURCE, kubeconfig("T1VSUw==", "second"));
    let ran = run(&stub, &asked());
    let step = &ran.journal.steps()[0];
    assert!(matches!(&step.undo, Undo::File { previous: PreviousFile::Absent, .. }), "it was of a run");
    assert!(matches!(&step.before, PriorState::Present { what: Some(_) }));
    assert_eq!((ran.first(), copied(&stub)), (ComponentResult::Configured, kubeconfig("T1VSUw==", "second")));
}

/// As the shell core leaves one: it is brought up to date, and stays when the run is taken back.
#[test]
fn a_copy_of_somebody_else_is_refreshed_and_stays() {
    let stub = StubHost::fresh().with_server();
    stub.put(SOURCE, kubeconfig("T1VSUw==", "second"));
    std::fs::create_dir(kube(&stub)).expect("made");
    std::fs::write(kube(&stub).join("k3s.yaml"), kubeconfig("T1VSUw==", "first")).expect("written");
    let ran = run(&stub, &asked());
    assert_eq!(copied(&stub), kubeconfig("T1VSUw==", "second"));
    let taken =
        plan(&ran.journal.context, &observe_all(&stub.host(), &ran.journal.context), Include::Moderate);
    assert_eq!(taken.items.iter().map(|item| item.state).collect::<Vec<_>>(), [ItemState::Manual]);
}

#[test]
fn credentials_of_another_cluster_are_not_replaced() {
    for stub in [StubHost::fresh(), StubHost::fresh().with_server()] {
        std::fs::create_dir(kube(&stub)).expect("made");
        for other in [kubeconfig("T1RIRVI=", "mine"), "no kubeconfig".to_owned()] {
            stub.put(SOURCE, kubeconfig("T1VSUw==", "first"));
            std::fs::write(kube(&stub).join("k3s.yaml"), &other).expect("written");
            let ran = run(&stub, &asked());
            assert!(
                ran.failure().message.contains("is not for the cluster of this host"),
                "{:?}",
                ran.failure()
            );
            assert_eq!(copied(&stub), other);
        }
    }
}

#[test]
fn a_link_in_the_place_of_the_copy_leads_nowhere() {
    let stub = StubHost::fresh().with_server();
    std::fs::create_dir(kube(&stub)).expect("made");
    stub.put("etc/shadow", "theirs");
    symlink(stub.path("etc/shadow"), kube(&stub).join("k3s.yaml")).expect("a link");
    let ran = run(&stub, &asked());
    assert!(ran.failure().message.contains("is a symbolic link"), "{:?}", ran.failure());
    assert_eq!(stub.text("etc/shadow"), "theirs");
}

#[test]
fn a_rollback_removes_the_copy_while_it_is_the_runs_and_k3s_stays() {
    for (change, left) in [("", 0), ("changed since", 1)] {
        let stub = StubHost::fresh().with_server();
        stub.put(SOURCE, kubeconfig("T1VSUw==", "first"));
        let copy = kube(&stub).join("k3s.yaml");
        let mut journal = run(&stub, &asked()).journal;
        if !change.is_empty() {
            std::fs::write(&copy, change).expect("written");
        }
        let host = stub.host();
        let taken = plan(&journal.context, &observe_all(&host, &journal.context), Include::Safe);
        let (mut report, stop) = (|_: bootstrap::rollback::RollbackEvent<'_>| {}, || false);
        let results = RollbackExecutor::new(&host, &mut journal, &mut report, &stop).all(&taken);
        assert!(results.values().all(|result| *result == UndoResult::Undone), "{results:?}");
        assert_eq!(results.len(), 2 - 2 * left, "the copy and its directory, or neither");
        assert_eq!(std::fs::read_dir(kube(&stub)).into_iter().flatten().count(), left, "{change}");
        assert_eq!(kube(&stub).exists(), left > 0, "a directory that is empty goes too");
        assert!(stub.path(SOURCE).exists());
    }
}
