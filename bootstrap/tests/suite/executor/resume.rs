//! A process that dies, and the run after it.

use super::charts;
use super::faults::{only, prepared};
use super::registry::INGRESS;
use super::*;

#[test]
fn after_a_death_at_any_record_the_next_run_completes_to_the_same_end() {
    for_each_component(|component| {
        let settings = only(component);
        let (writes, end) = {
            let stub = prepared(component);
            let ran = run(&stub, &settings);
            assert!(ran.result.is_ok());
            (ran.journal.writes, names(&stub))
        };
        assert!(writes > 0);
        for last in 0..writes {
            let stub = prepared(component);
            let journal = Records::dying_after(Some(last));
            let died = run_with(&stub, &settings, journal, &|| false);
            assert!(died.result.is_err(), "did not die at write {last}");
            run(&stub, &settings).result.unwrap_or_else(|error| {
                panic!("after a death at write {last} of {writes}, the next run fails: {error:?}");
            });
            assert_eq!(names(&stub), end, "after a death at write {last}");
        }
    });
}

#[test]
fn lines_and_blocks_do_not_accumulate() {
    let stub = StubHost::fresh().with_server();
    let mut settings = only(Component::LocalHosts);
    for host in ["one.example.local", "two.example.local", "two.example.local"] {
        settings.registry.host = host.to_owned();
        // A registry gets another name once its ingress is removed.
        let _ = std::fs::remove_file(stub.path(INGRESS));
        run(&stub, &settings).results();
    }
    let hosts = stub.text("etc/hosts");
    assert_eq!(hosts.matches("BEGIN").count(), 1);
    assert!(hosts.contains("10.0.0.5 two.example.local") && !hosts.contains("one.example.local"));
}

#[test]
fn a_release_that_a_killed_helm_left_pending_is_taken_over() {
    let stub = StubHost::fresh().with_server();
    let secret = r#"{"metadata":{"name":"sh.helm.release.v1.rancher.v1","labels":{"owner":"helm",
        "name":"rancher","version":"1","status":"pending-install","modifiedAt":"1"}}}"#;
    stub.put("stub/api/api/v1/namespaces/cattle-system/secrets/sh.helm.release.v1.rancher.v1.json", secret);
    let ran = run(&stub, &only(Component::Rancher));
    assert!(ran.result.is_ok(), "{:?}", ran.result);
    let deleted = "[delete] [secret] [--namespace] [cattle-system] [sh.helm.release.v1.rancher.v1]";
    assert!(stub.calls().iter().any(|call| call.ends_with(deleted)));
}

/// Nobody knows a Rancher by a name under which it never was ready, and helm itself refuses to upgrade a pending release.
#[test]
fn the_host_name_of_an_installation_that_did_not_end_can_be_corrected() {
    for state in ["pending-install", "failed"] {
        let stub = StubHost::fresh().with_server();
        let mut mistyped = only(Component::Rancher);
        mistyped.rancher.host = "canary.example.local".to_owned();
        run(&stub, &mistyped).results();
        let secret = format!(
            r#"{{"metadata":{{"name":"sh.helm.release.v1.rancher.v1","labels":{{"owner":"helm",
            "name":"rancher","version":"1","status":"{state}","modifiedAt":"1"}}}}}}"#
        );
        stub.put(charts::RELEASE, secret);
        let results = run(&stub, &only(Component::Rancher)).results();
        assert!(results.contains(&(Component::Rancher, ComponentResult::Configured)), "{state}: {results:?}");
        assert!(stub.text(charts::INGRESS).contains("rancher.example.local"), "{state}");
    }
}

#[test]
fn a_helm_that_is_still_at_work_is_waited_for() {
    let stub = StubHost::fresh().with_server();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("clock").as_secs();
    let secret = format!(
        r#"{{"metadata":{{"name":"sh.helm.release.v1.rancher.v1","labels":{{"owner":"helm",
        "name":"rancher","version":"1","status":"pending-install","modifiedAt":"{now}"}}}}}}"#
    );
    stub.put("stub/api/api/v1/namespaces/cattle-system/secrets/sh.helm.release.v1.rancher.v1.json", secret);
    let looks = std::cell::Cell::new(0);
    let stop = || {
        looks.set(looks.get() + 1);
        looks.get() > 8
    };
    let ran = run_with(&stub, &only(Component::Rancher), Records::default(), &stop);
    assert!(matches!(ran.result, Err(ExecutionError::Interrupted)), "{:?}", ran.result);
    assert!(ran.waited.iter().any(|what| what.contains("another helm")));
    assert!(stub.calls().iter().all(|call| !call.starts_with("helm [upgrade]")));
}

/// Names of all files; contents hold generated ids.
fn names(stub: &StubHost) -> Vec<PathBuf> {
    let root = stub.path("");
    tree(stub).into_iter().map(|(path, _)| path.strip_prefix(&root).expect("under root").to_owned()).collect()
}
