//! Local identifiers: what is found, and what a common machine must not lose to them.

#[path = "common/documents.rs"]
mod documents;

use privacy::{Gate, LocalIdentifiers, MachineFacts};

fn gate(private: &[&str]) -> Gate {
    Gate::new(LocalIdentifiers::default().with_private(private))
}

#[track_caller]
fn check_found(private: &str, text: &str) {
    let refused = gate(&[private]).check_text(text).expect_err("must be found");
    assert!(refused.rule() == "local_identifier" || refused.rule().starts_with("value."), "{refused}");
    assert!(Gate::default().check_text(text).is_ok() || refused.rule().starts_with("value."), "{refused}");
}

#[track_caller]
fn check_passes(private: &str, text: &str) {
    assert_eq!(gate(&[private]).check_text(text), Ok(()), "{text:?}");
}

#[test]
fn identifiers_are_found_on_token_borders_in_any_case() {
    for text in ["srv01", "SRV01", "srv01-5", "run-srv01", "run_Srv01_5", "1-srv01"] {
        check_found("srv01", text);
    }
    for text in ["srv012", "xsrv01", "srv0", "srv-01", "1srv01"] {
        check_passes("srv01", text);
    }
    // An occurrence that does not count must not hide one that does.
    check_found("a-a-a", "xa-a-a-a");
    // An end that is no letter or digit is a border by itself.
    check_found("-x-", "a-x-b");
}

#[test]
fn identifiers_are_found_in_other_encodings() {
    check_found("srv01", "c3J2MDE=");
    check_found("srv01", "c3J2MDE");
    check_found("srv01", "run-7372763031");
    check_found("srv01", "%73rv01");
    check_found("srv01", "ｓｒｖ０１");
    check_found("srv01", "Y3J1bi1zcnYwMQ");
}

#[test]
fn parts_of_private_settings_are_identifiers_too() {
    check_found("https://srv01:6443", "srv01");
    check_found("alice@example.com", "alice");
    check_found("/srv/nfs/customer-data", "customer-data");
    check_found("C:\\Users\\alice", "alice");
    check_found("8472", "8472-x");
    // Numbers inside a setting are no names.
    check_passes("https://srv01:6443", "20261122-075002-6443-565430571");
    check_passes("ab", "ab");
    check_passes("", "x");
}

fn machine(user: &str, host: &str, folder: &str) -> MachineFacts {
    let mut facts = MachineFacts::default();
    facts.add_host_name(host);
    facts.names.extend([user.to_owned(), "127.0.0.1".to_owned(), "10.0.2.15".to_owned()]);
    facts.directories.extend([format!("/home/{user}"), "/root".to_owned(), folder.to_owned()]);
    facts
}

#[test]
fn common_machines_lose_nothing() {
    for user in ["root", "ubuntu", "debian", "core", "server", "admin", "productive"] {
        for host in
            ["server", "localhost", "localhost.localdomain", "k3s", "core", "ubuntu", "debian-12", "agent"]
        {
            for folder in [
                "/",
                "/root",
                "/srv/24.04",
                "/home/core/productive-k3s-core",
                "/opt/pk3s-public-v1",
                "/srv/public/2026",
            ] {
                let gate = Gate::new(LocalIdentifiers::of_facts(&machine(user, host, folder)));
                let context = format!("{user} on {host} in {folder}");
                assert!(gate.vet(&documents::full_manifest()).is_ok(), "{context}");
                for document in documents::telemetry() {
                    assert!(gate.vet(&document).is_ok(), "{context}");
                }
                let user_agent = format!("{}/{}", schema::TOOL_NAME, env!("CARGO_PKG_VERSION"));
                assert_eq!(gate.check_text(&user_agent), Ok(()), "{context}");
                assert_eq!(gate.check_text(schema::DEFAULT_MARKER), Ok(()), "{context}");
            }
        }
    }
}

#[test]
fn names_of_a_machine_are_refused_in_ids() {
    let gate = Gate::new(LocalIdentifiers::of_facts(&machine(
        "alice",
        "srv01.example.com",
        "/home/alice/acme-rollout",
    )));
    for text in ["alice", "srv01", "SRV01-1", "acme-rollout", "run-alice-1", "10-0-2-15"] {
        assert!(gate.check_text(text).is_err(), "{text}");
    }
}

#[test]
fn this_machine_is_collected_and_not_shown() {
    let identifiers = LocalIdentifiers::of_machine();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let gate = Gate::new(identifiers.clone());
    assert!(
        host.len() < 3
            || schema::denylist::allowlisted_words().contains(&host.as_str())
            || gate.check_text(&host).is_err()
    );
    assert!(!format!("{identifiers:?} {gate:?}").contains(&host));
    assert!(gate.vet(&documents::full_manifest()).is_ok());
}
