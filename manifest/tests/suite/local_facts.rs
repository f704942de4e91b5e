//! What a run was told, in its private context.

use std::ffi::OsStr;

use crate::common::{context, machine, run, scratch};
use manifest::{
    LocalFacts, LonghornFacts, MachineFingerprint, ManifestError, NfsFacts, RegistryFacts, TlsFacts,
};
use privacy::disk::DiskError;
use schema::{Component, Execution};

pub(crate) fn share(path: &OsStr) -> NfsFacts {
    NfsFacts { export_path: path.into(), allowed_network: "192.168.0.0/24".into() }
}

fn all_facts() -> LocalFacts {
    let (storage_class, user) = (Some("gold".into()), Some("pusher".into()));
    LocalFacts {
        private_inputs: vec!["https://10.0.0.1:6443".into()],
        components: Component::ALL.iter().copied().collect(),
        tls: Some(TlsFacts {
            issuer: schema::Issuer::LetsencryptStaging,
            email: Some("ops@example.test".into()),
        }),
        rancher_host: Some("rancher.example.test".into()),
        registry: Some(RegistryFacts {
            host: "registry.example.test".into(),
            pvc_size_gib: schema::Bounded::clamped(20),
            storage_class,
            user,
        }),
        docker_trust_path: Some("/etc/docker/certs.d/registry.example.test".into()),
        longhorn: Some(LonghornFacts {
            data_path: "/data".into(),
            replica_count: schema::Bounded::clamped(3),
            minimal_available_percentage: schema::Bounded::clamped(10),
            make_default: true,
        }),
        nfs: Some(share("/srv/share".as_ref())),
        versions: [(Component::Longhorn, "v1.11.1".to_owned())].into(),
    }
}

/// A component of the contract that is told something and is forgotten here would be told nothing.
#[test]
fn what_a_run_was_told_of_each_component_is_taken_over() {
    let (all, mut found) = (all_facts(), LocalFacts::default());
    for component in Component::ALL {
        found.take_over(*component, &all);
    }
    found.private_inputs.clone_from(&all.private_inputs);
    found.versions.clone_from(&all.versions);
    assert!(found == all);
}

#[test]
fn what_any_run_was_told_is_read_or_an_error() {
    let (_temp, runs) = scratch();
    for (name, execution, machine) in [
        ("dry", Execution::DryRun, "0123456789abcdef"),
        ("one", Execution::Apply, "0123456789abcdef"),
        ("elsewhere", Execution::Apply, "fedcba9876543210"),
    ] {
        let files = runs.claim(&run(name)).expect("claimed");
        let mut context = context(&run(name));
        context.execution = execution;
        context.machine = MachineFingerprint::of(&self::machine(machine));
        context.local.rancher_host = Some(format!("{name}.example"));
        files.write_private(&context).expect("written");
    }
    let mut hosts: Vec<_> =
        runs.local_facts().expect("read").into_iter().map(|facts| facts.rancher_host).collect();
    hosts.sort_unstable();
    assert_eq!(hosts, ["dry", "elsewhere", "one"].map(|name| Some(format!("{name}.example"))));
    let record = runs.private_path(&run("dry"));
    std::fs::write(&record, "{").expect("damaged");
    assert!(matches!(runs.local_facts(), Err(ManifestError::Damaged { .. })));
    std::fs::remove_file(&record).expect("removed");
    std::os::unix::fs::symlink(runs.private_path(&run("one")), &record).expect("a link");
    assert!(matches!(runs.local_facts(), Err(ManifestError::Disk(DiskError::Symlink { .. }))));
}

#[test]
fn its_private_values_are_all_names_addresses_and_paths() {
    let local = all_facts();
    let mut found: Vec<_> = local.private_values().collect();
    found.sort_unstable();
    let expected = [
        "/data",
        "/etc/docker/certs.d/registry.example.test",
        "/srv/share",
        "192.168.0.0/24",
        "gold",
        "https://10.0.0.1:6443",
        "ops@example.test",
        "pusher",
        "rancher.example.test",
        "registry.example.test",
    ];
    assert_eq!(found, expected);
    assert_eq!(LocalFacts::default().private_values().count(), 0);
}
