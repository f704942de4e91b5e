//! No random id is refused by chance, whatever common name a machine and its user have.

#[path = "common/documents.rs"]
mod documents;

use privacy::{Gate, LocalIdentifiers, MachineFacts};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use schema::Id;
use uuid::{Builder, Variant, Version};

/// Ids of each form.
const IDS: usize = 10_000;

/// Each is once a host and once a user.
const NAMES: [&str; 30] = [
    "root",
    "ubuntu",
    "debian",
    "core",
    "server",
    "k3s",
    "run",
    "test",
    "dev",
    "prod",
    "node",
    "pi",
    "a",
    "abc",
    "admin",
    "localhost",
    "raspberrypi",
    "fedora",
    "centos",
    "vagrant",
    "ec2-user",
    "master",
    "worker-1",
    "k3s-agent-02",
    "nas",
    "home",
    "gateway",
    "alice",
    "deploy",
    "jenkins",
];

/// A machine and its user, with what else such a machine has.
fn machine(host: &str, user: &str) -> LocalIdentifiers {
    let facts = MachineFacts {
        names: vec![format!("{host}.home.lan"), user.to_owned(), format!("{user},,,")],
        domains: vec!["home.lan".to_owned()],
        directories: vec![format!("/home/{user}"), "/root".to_owned(), "/opt/k3s/2026".to_owned()],
        serials: vec!["52:54:00:12:34:56".to_owned(), "To be filled by O.E.M.".to_owned(), "0".to_owned()],
        addresses: ["127.0.0.1", "::1", "10.0.0.1", "10.42.0.0", "192.168.1.10", "172.17.0.1", "fe80::1"]
            .map(|address| address.parse().expect("an address"))
            .into(),
    };
    LocalIdentifiers::of_facts(&facts).with_private(SETTINGS)
}

const SETTINGS: [&str; 5] =
    ["https://10.0.0.1:6443", "registry.home.lan", "rancher.home.lan", "/srv/nfs", "10.0.0.0/8"];

fn machines() -> impl Iterator<Item = (String, LocalIdentifiers)> {
    let pairs = NAMES.iter().zip(NAMES.iter().rev());
    pairs.map(|(host, user)| (format!("{user} on {host}"), machine(host, user)))
}

/// One id of each form.
fn forms(bytes: [u8; 16]) -> [String; 4] {
    let uuid =
        |version| Builder::from_bytes(bytes).with_variant(Variant::RFC4122).with_version(version).into_uuid();
    let number = u128::from_be_bytes(bytes);
    [
        format!("{number:032x}")[..16].to_owned(),
        format!("{number:032x}"),
        uuid(Version::Random).to_string(),
        uuid(Version::SortRand).to_string(),
    ]
}

#[test]
fn random_ids_pass_on_every_common_machine() {
    // What passes a gate that knows the names of all machines passes the gate of each.
    let all = machine("localhost", "root")
        .with_private(NAMES.iter().map(|name| format!("/home/{name}:{name}.home.lan")));
    let gate = Gate::new(all);
    // Always the same ids, so that a failure can be repeated.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
    for _ in 0..IDS {
        let bytes = any::<[u8; 16]>().new_tree(&mut runner).expect("bytes").current();
        for id in forms(bytes) {
            assert!(Id::parse(&id).is_ok(), "{id}");
            assert_eq!(gate.check_text(&id), Ok(()), "{id}");
        }
    }
}

#[test]
fn documents_and_our_own_headers_pass_on_every_common_machine() {
    for (machine, identifiers) in machines() {
        let gate = Gate::new(identifiers);
        assert!(gate.vet(&documents::full_manifest()).is_ok(), "{machine}");
        for document in documents::telemetry() {
            assert!(gate.vet(&document).is_ok(), "{machine}");
        }
        let user_agent = format!("{}/{}", schema::TOOL_NAME, schema::ToolVersion::current());
        for header in [&user_agent, schema::DEFAULT_MARKER, schema::CONTRACT_VERSION] {
            assert_eq!(gate.check_text(header), Ok(()), "{machine}");
        }
    }
}
