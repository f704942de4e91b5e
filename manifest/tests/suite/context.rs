//! The private context: its form on disk, its journal, and what is refused.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::common::{at, context, id, machine, run, scratch};
use crate::local_facts::share;
use manifest::{
    FormerMode, Intent, JournalOutcome, ManifestError, ManifestEvent, PreviousFile, PriorState,
    PrivateContext, RegistryFacts, RunsDir, StepState, Undo, sha256_hex,
};
use privacy::disk::DiskError;
use proptest::prelude::*;
use schema::{Bounded, Component, ComponentLabel, Envelope, EventId, Status};

const HOSTS: &str = "/etc/hosts";

/// A block with a secret, in a file that others could read before.
fn closed_block() -> Undo {
    Undo::LineBlock {
        path: "/etc/rancher/k3s/registries.yaml".into(),
        marker: "productive-k3s".to_owned(),
        sha256: sha256_hex(b"block"),
        previous: None,
        former_mode: Some(FormerMode { mode: 0o644, rest_sha256: sha256_hex(b"others") }),
    }
}

fn every_undo() -> Vec<(Component, Undo)> {
    let text = |text: &str| text.to_owned();
    vec![
        (Component::K3s, Undo::Service { name: text("k3s.service") }),
        (Component::Helm, Undo::file(Path::new("/usr/local/bin/helm"), b"binary", PreviousFile::Absent)),
        (Component::CertManager, Undo::None),
        (
            Component::Clusterissuer,
            Undo::Object {
                api_version: text("cert-manager.io/v1"),
                object_kind: text("ClusterIssuer"),
                namespace: None,
                name: text("selfsigned"),
                uid: None,
            },
        ),
        (Component::Longhorn, Undo::Package { name: text("open-iscsi") }),
        (
            Component::Longhorn,
            Undo::DefaultStorageClass { from: Some(text("local-path")), to: text("longhorn-single") },
        ),
        (
            Component::Rancher,
            Undo::HelmRelease {
                release: text("rancher"),
                namespace: text("cattle-system"),
                revision: Some(1),
            },
        ),
        (Component::Nfs, Undo::Directory { path: "/srv/nfs/k8s-share".into() }),
        (
            Component::Nfs,
            Undo::Line { path: "/etc/exports".into(), line: text("/srv/nfs/k8s-share 192.168.0.0/24(rw)") },
        ),
        (
            Component::LocalHosts,
            Undo::LineBlock {
                path: HOSTS.into(),
                marker: text("productive-k3s"),
                sha256: sha256_hex(b"block"),
                previous: Some(text("former block")),
                former_mode: None,
            },
        ),
        (Component::Registry, closed_block()),
        (
            Component::DockerRegistryTrust,
            Undo::file(
                Path::new("/etc/docker/certs.d/registry.example.local/ca.crt"),
                b"new",
                PreviousFile::of(b"old certificate\n", 0o100_644),
            ),
        ),
    ]
}

fn full_context() -> PrivateContext {
    let mut context = context(&run("one"));
    context.manifest_event = Some(ManifestEvent {
        event_id: EventId::parse("0d5a1c7e-6a53-4a9e-8c0f-51b7a2f4d3c8").expect("an id"),
        envelope: Envelope {
            session_id: id("session"),
            run_id: id("one"),
            parent_run_id: None,
            component: ComponentLabel::Core,
        },
    });
    context.local.private_inputs = vec!["example.local".into()];
    context.local.rancher_host = Some("rancher.example.local".into());
    context.local.components = [Component::Registry, Component::Nfs].into();
    context.local.registry = Some(RegistryFacts {
        host: "registry.example.local".into(),
        pvc_size_gib: Bounded::clamped(20),
        storage_class: None,
        user: None,
    });
    context.local.nfs = Some(share("/srv/nfs/k8s-share".as_ref()));
    context.local.versions.insert(Component::Longhorn, "v1.11.1".into());
    for (component, undo) in every_undo() {
        let before = PriorState::Present { what: Some("1.0".into()) };
        context.begin_step(Intent { component, action: "do it".into(), before, undo }, at(3));
    }
    let uid = Undo::Object {
        api_version: "cert-manager.io/v1".into(),
        object_kind: "ClusterIssuer".into(),
        namespace: None,
        name: "selfsigned".into(),
        uid: Some("5f0c".into()),
    };
    context.end_step(
        4,
        JournalOutcome::Done { wrote: Some("ClusterIssuer selfsigned".into()), undo: Some(uid) },
        at(4),
    );
    context.end_step(5, JournalOutcome::Failed, at(5));
    context.finish(Status::Failed, at(6));
    context.begin_undo(4, at(7));
    context.end_undo(4, StepState::Done, at(8));
    context.begin_undo(1, at(9));
    context
}

fn store(runs: &RunsDir, context: &PrivateContext) {
    runs.claim(&run("one")).expect("claimed").write_private(context).expect("written");
}

#[test]
fn the_form_on_disk() {
    let (_temp, runs) = scratch();
    store(&runs, &full_context());
    let mut form: serde_json::Value =
        serde_json::from_slice(&fs::read(runs.private_path(&run("one"))).expect("read")).expect("JSON");
    form["machine"] = "[salted]".into();
    form["tool_version"] = "[version]".into();
    insta::assert_json_snapshot!(form);
}

#[test]
fn what_is_stored_is_what_is_loaded() {
    let (_temp, runs) = scratch();
    let stored = full_context();
    store(&runs, &stored);
    assert!(runs.load_private(&run("one")).expect("loaded") == stored);
}

#[test]
fn the_journal_tells_how_far_each_step_got() {
    let context = full_context();
    let states: Vec<_> = context.steps.iter().map(|step| (step.seq, step.state)).take(5).collect();
    let intent = StepState::Intent;
    assert_eq!(states, [(1, intent), (2, intent), (3, intent), (4, StepState::Done), (5, StepState::Failed)]);
    assert!(matches!(&context.steps[3].undo, Undo::Object { uid: Some(uid), .. } if uid == "5f0c"));
    assert_eq!(context.undo_state(4), Some(StepState::Done));
    assert_eq!(context.undo_state(1), Some(intent));
    assert_eq!(context.undo_state(2), None);
}

#[test]
fn a_step_that_ends_without_an_undo_keeps_that_of_its_intent() {
    let mut context = full_context();
    let intended = context.steps[0].undo.clone();
    context.end_step(1, JournalOutcome::Done { wrote: Some("k3s.service".into()), undo: None }, at(7));
    let step = &context.steps[0];
    assert!(step.undo == intended);
    assert_eq!((step.state, step.ended_at), (StepState::Done, Some(at(7))));
    assert_eq!(step.wrote.as_deref(), Some("k3s.service"));
}

#[test]
fn steps_that_were_never_begun_are_left_alone() {
    let mut context = full_context();
    let before = context.clone();
    context.end_step(99, JournalOutcome::Failed, at(9));
    context.end_undo(99, StepState::Failed, at(9));
    context.end_undo(2, StepState::Failed, at(9));
    assert!(context == before);
}

#[test]
fn a_run_does_not_end_before_it_started() {
    let mut context = context(&run("one"));
    context.finish(Status::Success, at(1));
    assert_eq!(context.finished_at, Some(at(2)));
    context.finish(Status::Success, at(9));
    assert_eq!(context.finished_at, Some(at(9)));
}

#[test]
fn the_undoing_of_the_last_step_is_part_of_the_journal() {
    let (_temp, runs) = scratch();
    let mut stored = full_context();
    let last = stored.steps.last().expect("steps").seq;
    stored.begin_undo(last, at(10));
    store(&runs, &stored);
    assert!(runs.load_private(&run("one")).expect("loaded") == stored);
}

#[test]
fn a_path_that_json_cannot_express_leaves_the_former_context() {
    let (_temp, runs) = scratch();
    let files = runs.claim(&run("one")).expect("claimed");
    let mut context = full_context();
    files.write_private(&context).expect("written");
    let before = fs::read(runs.private_path(&run("one"))).expect("read");
    context.local.nfs = Some(share(OsStr::from_bytes(b"/srv/\xff")));
    let error = files.write_private(&context).expect_err("not UTF-8");
    assert!(matches!(error, ManifestError::Unwritable { .. }), "{error}");
    assert_eq!(fs::read(runs.private_path(&run("one"))).expect("read"), before);
}

#[test]
fn checksums_are_in_lower_case_hexadecimal() {
    // The example of FIPS 180-2, appendix B.1.
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(sha256_hex(b"abc"), abc);
}

#[test]
fn a_second_attempt_to_undo_counts() {
    let mut context = full_context();
    context.end_undo(1, StepState::Failed, at(10));
    context.begin_undo(1, at(11));
    context.end_undo(1, StepState::Done, at(12));
    let states: Vec<_> =
        context.rollbacks.iter().map(|record| (record.step, record.state, record.ended_at)).collect();
    assert_eq!(
        states,
        [
            (4, StepState::Done, Some(at(8))),
            (1, StepState::Failed, Some(at(10))),
            (1, StepState::Done, Some(at(12)))
        ]
    );
    assert_eq!(context.undo_state(1), Some(StepState::Done));
    assert_eq!(context.rollbacks.len(), 3);
}

#[test]
fn what_cannot_be_put_back_is_not_kept() {
    assert!(matches!(PreviousFile::of(b"\xff\xfe", 0o644), PreviousFile::NotKept { .. }));
    assert!(matches!(PreviousFile::of(&vec![b'x'; 64 * 1024 + 1], 0o644), PreviousFile::NotKept { .. }));
    assert!(matches!(PreviousFile::of(&vec![b'x'; 64 * 1024], 0o644), PreviousFile::Text { .. }));
    assert_eq!(
        PreviousFile::of(b"text", 0o100_640),
        PreviousFile::Text { content: "text".into(), mode: 0o640 }
    );
}

#[test]
fn only_the_machine_that_wrote_it_may_use_it() {
    let (context, path) = (full_context(), Path::new("/runs/x"));
    context.check_machine(&machine("0123456789abcdef\n"), path).expect("the same machine");
    let error = context.check_machine(&machine("fedcba9876543210"), path).expect_err("another machine");
    assert_eq!(error.to_string(), "/runs/x was written on another machine");
}

/// The result of loading a stored context in which `find` is replaced by `with`.
fn refusal(find: &str, with: &str) -> ManifestError {
    let (_temp, runs) = scratch();
    store(&runs, &full_context());
    let path = runs.private_path(&run("one"));
    let text = fs::read_to_string(&path).expect("read");
    assert!(text.contains(find), "{find} is not there to be replaced");
    fs::write(&path, text.replacen(find, with, 1)).expect("written");
    runs.load_private(&run("one")).expect_err(with)
}

#[test]
fn damaged_foreign_and_unknown_contexts_are_refused_without_their_content() {
    let version = refusal("\"version\": 2", "\"version\": 1");
    assert!(matches!(version, ManifestError::UnknownVersion { found: 1, known: 2, .. }), "{version}");
    let other = refusal(id("one").as_str(), id("two").as_str());
    assert!(matches!(other, ManifestError::OtherRun { .. }), "{other}");
    let damages = [
        ("\"kind\": \"service\"", "\"kind\": \"canary\""),
        ("\"private_inputs\"", "\"canary\""),
        ("\"seq\": 2", "\"seq\": 3"),
        ("\"step\": 4", "\"step\": 99"),
        ("\"step\": 4", "\"step\": 0"),
        ("\"version\": 2", "\"version\": \"canary\""),
        ("\"version\": 2", "\"version\": 2, \"version\": 2"),
        ("{", "canary"),
    ];
    for (find, with) in damages {
        let error = refusal(find, with);
        assert!(matches!(error, ManifestError::Damaged { .. }), "{with}: {error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
}

#[test]
fn a_context_is_missing_too_large_or_not_ours() {
    let (_temp, runs) = scratch();
    let load = || runs.load_private(&run("one")).expect_err("refused");
    assert!(matches!(load(), ManifestError::Disk(DiskError::Missing { .. })));
    store(&runs, &full_context());
    let path = runs.private_path(&run("one"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("a mode");
    assert!(matches!(load(), ManifestError::Disk(DiskError::Unsafe { .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
    let file = fs::File::options().write(true).open(&path).expect("open");
    file.set_len(PrivateContext::MAX_BYTES + 1).expect("longer");
    assert!(matches!(load(), ManifestError::Disk(DiskError::TooLarge { .. })));
}

#[test]
fn a_hundred_steps_with_the_largest_former_files_are_read_back() {
    let (_temp, runs) = scratch();
    let mut context = context(&run("one"));
    let former = PreviousFile::of(&vec![b'x'; PreviousFile::MAX_TEXT_BYTES], 0o644);
    for _ in 0..100 {
        let undo = Undo::file(Path::new(HOSTS), b"new", former.clone());
        let intent = Intent {
            component: Component::LocalHosts,
            action: "do it".into(),
            before: PriorState::Absent,
            undo,
        };
        context.begin_step(intent, at(3));
    }
    store(&runs, &context);
    assert_eq!(runs.load_private(&run("one")).expect("loaded").steps.len(), 100);
}

#[test]
fn its_debug_form_withholds_names_and_paths() {
    let context = full_context();
    let shown = format!("{context:?} {:?} {:?}", context.steps, context.local);
    for private in ["example", "srv", "192.168", "longhorn-single", "do it", "certificate"] {
        assert!(!shown.contains(private), "{private} in {shown}");
    }
    let step = format!("{:?}", context.steps[4]);
    assert_eq!(step, "StepRecord { seq: 5, component: Longhorn, state: Failed, .. }");
    assert_eq!(
        format!("{:?} {:?}", context.steps[4].before, context.local),
        "PriorState(withheld) LocalFacts(withheld)"
    );
    assert_eq!(
        format!("{:?} {:?}", Undo::None, PreviousFile::Absent),
        "Undo(withheld) PreviousFile(withheld)"
    );
    let steps = context.steps.len();
    assert!(
        format!("{context:?}").ends_with(&format!("status: Failed, steps: {steps}, .. }}")),
        "{context:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_survives_the_disk(text in any::<String>(), mode in 0_u32..0o10_000) {
        let (_temp, runs) = scratch();
        let mut context = context(&run("one"));
        let undo = Undo::file(Path::new(HOSTS), text.as_bytes(), PreviousFile::of(text.as_bytes(), mode));
        let intent = Intent { component: Component::Nfs, action: text.clone(), before: PriorState::Absent, undo };
        context.begin_step(intent, at(3));
        context.local.private_inputs = vec![text];
        store(&runs, &context);
        prop_assert!(runs.load_private(&run("one")).expect("loaded") == context);
    }
}
