//! Local identifiers: what is found, and what must not be refused on a common machine.

#[path = "common/documents.rs"]
mod documents;

use privacy::{Gate, LocalIdentifiers, MachineFacts};

fn gate(private: &[&str]) -> Gate {
    Gate::new(LocalIdentifiers::default().with_private(private))
}

#[track_caller]
fn check_found(private: &str, text: &str) {
    assert!(gate(&[private]).check_text(text).is_err(), "{private:?} in {text:?} must be found");
}

#[track_caller]
fn check_passes(private: &str, text: &str) {
    assert_eq!(gate(&[private]).check_text(text), Ok(()), "{private:?} in {text:?}");
}

#[test]
fn five_characters_are_found_anywhere_in_any_case_and_with_any_separators() {
    for text in [
        "srv01",
        "SRV01",
        "sr+v01",
        "s~r|v'0^1!",
        "srv01-5",
        "run_Srv01_5",
        "1srv01",
        "xsrv012",
        "s-r-v-0-1",
        "sr.v/01",
        "S_RV:01",
    ] {
        check_found("srv01", text);
        check_found("srv-01", text);
    }
    check_passes("srv01", "srv0");
    check_passes("srv01", "srv02");
}

#[test]
fn a_directory_that_is_called_like_the_product_says_nothing_of_the_machine() {
    for directory in ["/home/alice/.local/state/productive-k3s/runs", "/opt/productive-k3s-core/runs"] {
        check_passes(directory, "productive-k3s-infra/onprem-basic");
        check_passes(directory, "productive-k3s-core/multipass");
    }
    check_found("/home/alice/productive-k3s/runs", "x-alice");
    // Somebody else's words about it, and a host of this very name.
    check_found("/srv/productive-k3s-acme/runs", "productive-k3s-acme/1");
    check_found("productive-k3s", "x productive-k3s-infra/onprem-basic");
}

#[test]
fn three_and_four_characters_are_found_between_separators_only() {
    for text in ["bob", "BOB", "bob-1", "x-bob", "x_bob.1", "1/bob:2", "b-o-b", "x@bob=1"] {
        check_found("bob", text);
    }
    for text in ["bo+b", "x+bob", "bob~1"] {
        check_found("bob", text);
    }
    for text in ["bobby", "xbob", "bob1", "x-bobby", "bo-by", "x+bobby"] {
        check_passes("bob", text);
    }
    // An occurrence that does not count must not hide one that does.
    check_found("aba", "xaba-aba");
    check_found("anna", "annanna-anna");
    for short in ["ab", "a-b", "x", "", "-", "./"] {
        check_passes(short, "x-ab-a-b");
    }
}

#[test]
fn identifiers_of_hexadecimal_digits_alone_need_eight_of_them_inside_an_id() {
    // Random ids are made of these digits.
    check_passes("facade", "9f8facade1884c7d");
    check_passes("10.0.0.1", "9f8610001c7d65aa");
    check_found("facade", "x-facade");
    check_found("db001", "clusterdb001");
    check_found("10.0.0.12", "node100012");
    // In another encoding even five take ten digits of an id.
    check_found("db001", "64623030319f86d0");
    check_found("10.0.0.1", "x-10001");
    check_found("deadbeef", "9f8deadbeef1884c");
    check_found("203.0.113.77", "9f8cb00714d1884c");
}

#[test]
fn the_groups_of_a_uuid_are_no_words() {
    // Each is the second group of one in 65,536 random UUIDs.
    for name in ["cafe", "24.04", "1.2.3.4", "beef"] {
        let group = name.replace('.', "");
        check_passes(name, &format!("9f86d081-{group}-4c7d-8a5b-0b6f3a2c7d10"));
        check_found(name, &format!("x-{group}-4c7d"));
    }
    // What no random id holds by chance is found there too.
    check_found("deadbeef", "deadbeef-1884-4c7d-8a5b-0b6f3a2c7d10");
    check_found("d0811884", "9f86d081-1884-4c7d-8a5b-0b6f3a2c7d10");
}

#[test]
fn identifiers_are_found_in_other_encodings() {
    for text in [
        "c3J2MDE=",
        "c3J2MDE",
        "C3J2MDE",
        "run-7372763031",
        "%73rv01",
        "Y3J1bi1zcnYwMQ",
        "onzhmmbr",
        "cwByAHYAMAAxAA",
        "xyzc3J2MDExyz",
        // Ids, of both forms.
        "7372763031c7d659",
        "9737276303165aa0",
        "73727630-3165-4a00-9a55-0b6f3a2c7d10",
    ] {
        if text == "C3J2MDE" {
            // Case matters to base64: this decodes to something else.
            check_passes("srv01", text);
        } else {
            check_found("srv01", text);
        }
    }
    check_found("bob", "Ym9i");
    check_found("müller", "bcO8bGxlcg");
}

#[test]
fn parts_of_private_settings_are_identifiers_too() {
    check_found("https://srv01:6443", "srv01");
    check_found("https://rancher.acme-corp.lan:6443/v3", "acmecorp");
    check_found("alice@example.com", "alice");
    check_found("/srv/nfs/customer-data", "customer-data");
    check_found("C:\\Users\\alice", "alice");
    check_found("[2001:db8::77]:443", "20010db8000000000000000000000077");
    check_found("10.20.30.0/24", "0a141e00");
    check_found("8472", "8472-x");
    // Short numbers inside a setting are no names.
    check_passes("https://srv01:6443", "x-6443");
    check_passes("https://srv01:65535/2026", "x-65535-2026");
    check_found("4700123456.corp.example.com", "asset-4700123456");
    check_found("4700123456.corp.example.com", "0000004700123456");
    check_found("/srv/customers/40012345", "customer-40012345");
    check_found("/srv/customers/400123", "customer/400123");
    // Random ids contain as few digits by chance.
    check_passes("/srv/customers/400123", "9f8400123c7d65aa");
    // Nor is what every machine has.
    check_passes("127.0.0.1", "x-127001");
    check_found("müller", "m-ü-l-ler");
    // A password may have hardly a letter.
    for text in ["#a!^", "x#A!^y", "#A-!^", "I0EhXg=="] {
        check_found("#A!^", text);
    }
    check_found("p~#A!^", "xyzcH4jQSFe");
    check_passes("#A!^", "x#A!");
}

#[test]
fn a_password_of_few_letters_and_digits_is_found_inside_words_with_its_marks() {
    for text in ["toolXy#9!/1", "xy#9!", "tool-xy-9", "dG9vbFh5IzkhLzE="] {
        check_found("Xy#9!", text);
    }
    for text in ["toolaB1~c/1", "x+AB1~Cx", "tool/ab1c"] {
        check_found("aB1~c", text);
    }
    // Without its marks, so few characters are found between borders only.
    check_passes("Xy#9!", "toolxy9/1");
    check_passes("aB1~c", "toolab1c/1");
    // One mark of a short name is no password.
    check_passes("o'be", "adobe~o'bey");
}

#[test]
fn labels_that_every_network_has_are_no_names_by_themselves() {
    for host in ["kelvin.home", "kelvin.svc.cluster.local", "kelvin.ec2.internal", "kelvin.localdomain"] {
        check_passes(host, "my-home-lab/1");
        check_passes(host, "internal-cluster-tool/2");
        check_found(host, "run-kelvin");
        check_found(host, &host.replace('.', "-"));
    }
    check_found("https://internal.local:6443", "internal-local");
    // In the place of the host, such a label is the name of one machine.
    for host in [
        "compute-1.acme.example",
        "https://compute-1.acme.example/v3",
        "https://admin:secret@compute-1:6443",
        "compute-1:6443",
    ] {
        check_found(host, "on-compute-1");
    }
    check_found("https://cluster:6443", "x-cluster");
    for setting in ["kelvin.compute-1.amazonaws.com", "https://kelvin.acme/compute-1", "/home/compute-1"] {
        check_passes(setting, "on-compute-1");
    }
    // A domain is no host. One that only one company has may be made of such labels.
    let domains = vec!["corp.google.com".to_owned()];
    let gate = Gate::new(LocalIdentifiers::of_facts(&MachineFacts { domains, ..MachineFacts::default() }));
    assert!(gate.check_text("at-corp-google-com").is_err() && gate.check_text("at-corp").is_ok());
    // Who is called so is known by it.
    let named = machine("home", "cluster", "/");
    let gate = Gate::new(LocalIdentifiers::of_facts(&named));
    assert!(gate.check_text("x-home").is_err() && gate.check_text("cluster7").is_err());
}

/// The operator gives the domain of the host names, and an address for notices. A label that many domains begin with is then
/// the name of no machine.
#[test]
fn the_domain_of_hosts_or_of_an_address_is_no_host() {
    for settings in [
        ["internal.acme.example", "rancher.internal.acme.example"],
        ["registry.internal.acme.example", "internal.acme.example"],
        ["ops@internal.acme.example", "https://kelvin.acme.example:6443"],
    ] {
        let gate = gate(&settings);
        assert_eq!(gate.check_text("internal-cluster-tool/2"), Ok(()), "{settings:?}");
        for named in ["my-acme-tool/2", "at.internal.acme.example"] {
            assert!(gate.check_text(named).is_err(), "{settings:?}: {named}");
        }
    }
    check_found("internal.acme.example", "internal-cluster-tool/2");
}

/// The hosts file of a node that is called like a domain, with what runs on it.
#[test]
fn a_host_is_known_by_its_short_name_whatever_is_called_below_it() {
    let names = ["cluster.acme.example", "rancher.cluster.acme.example"].map(str::to_owned).into();
    let gate = Gate::new(LocalIdentifiers::of_facts(&MachineFacts { names, ..MachineFacts::default() }));
    for named in ["cluster-7", "rancher-7", "my-acme-tool/2"] {
        assert!(gate.check_text(named).is_err(), "{named}");
    }
}

fn machine(user: &str, host: &str, directory: &str) -> MachineFacts {
    MachineFacts {
        names: [host, user, "Debian,,,"].map(str::to_owned).into(),
        domains: Vec::new(),
        directories: [&format!("/home/{user}"), "/root", directory].map(str::to_owned).into(),
        serials: ["52:54:00:ab:cd:ef", "4c4c4544-0042-3010-8051-b2c04f4d3132"].map(str::to_owned).into(),
        addresses: ["127.0.0.1", "::1", "10.0.2.15", "192.168.1.10", "fe80::5054:ff:feab:cdef"]
            .map(|address| address.parse().expect("an address"))
            .into(),
    }
}

#[test]
fn common_machines_lose_nothing() {
    for user in ["root", "ubuntu", "debian", "core", "server", "admin", "productive", "pi"] {
        for host in [
            "server",
            "localhost",
            "localhost.localdomain",
            "k3s",
            "core",
            "ubuntu",
            "debian-12",
            "agent.run.lan",
        ] {
            for directory in [
                "/",
                "/root",
                "/srv/24.04",
                "/srv/0.1.0",
                "/home/core/productive-k3s-core",
                "/opt/pk3s-public-v1",
                "/srv/public/2026",
            ] {
                let gate = Gate::new(LocalIdentifiers::of_facts(&machine(user, host, directory)));
                let context = format!("{user} on {host} in {directory}");
                assert!(gate.vet(&documents::full_manifest()).is_ok(), "{context}");
                for document in documents::telemetry() {
                    assert!(gate.vet(&document).is_ok(), "{context}");
                }
                let user_agent = format!("{}/{}", schema::TOOL_NAME, env!("CARGO_PKG_VERSION"));
                for ours in [
                    &user_agent,
                    schema::DEFAULT_MARKER,
                    "productive-k3s-cli/1.4.0",
                    "productive-k3s-core/1.2.3-rc.1",
                ] {
                    assert_eq!(gate.check_text(ours), Ok(()), "{context}");
                }
            }
        }
    }
}

#[test]
fn facts_of_a_machine_are_refused() {
    let facts = machine("alice", "srv01.acme.example", "/home/alice/acme-rollout");
    let gate = Gate::new(LocalIdentifiers::of_facts(&facts));
    for text in [
        "alice",
        "srv01",
        "SRV01-1",
        "acmerollout7",
        "acme-1",
        "10-0-2-15",
        "x-0a00020f",
        "010000002015",
        "525400abcdef",
        "52.54.00.ab.cd.ef",
        // The interface part of `fe80::5054:ff:feab:cdef`, and the whole.
        "505400fffeabcdef",
        "50-5400ff.feabcdef",
        "fe80000000000000505400fffeabcdef",
        "4c4c4544004230108051b2c04f4d3132",
        // Its halves, which have the form of an id.
        "4c4c454400423010",
        "8051b2c04f4d3132",
    ] {
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
    let machine_id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    assert!(machine_id.trim().is_empty() || gate.check_text(machine_id.trim()).is_err());
    let one_of_each_kind = LocalIdentifiers::default().with_private(["srv01", "x!9#~"]);
    assert_eq!(format!("{one_of_each_kind:?}"), "LocalIdentifiers { count: 3, .. }");
}
