//! What a record tells of what its run has left.

use super::*;
use bootstrap::rollback::{RunTrace, run_trace};
use manifest::StepState;

const ANY: Component = Component::Nfs;

/// Passes if a run that made these, and of which the steps with these numbers were undone, has left this.
fn check(made: &[Undo], undone: &[u32], expected: RunTrace) {
    let mut context = record_of(made.iter().map(|undo| (ANY, undo.clone())));
    for step in undone.iter().copied() {
        context.begin_undo(step, at(30));
        context.end_undo(step, StepState::Done, at(31));
    }
    assert_eq!(run_trace(&context, ANY), expected, "{undone:?}");
    assert_eq!(run_trace(&context, Component::K3s), RunTrace::Nothing, "it has no steps");
}

#[test]
fn what_no_rollback_undoes_keeps_no_component() {
    let directory = Undo::Directory { path: "/srv/share".into() };
    let line = Undo::Line { path: "/etc/exports".into(), line: "/srv/share".to_owned() };
    let package = Undo::Package { name: "nfs-kernel-server".to_owned() };
    // The line is undone; the package is left to the operator, the directory has data, and the command is no item.
    let made = [package.clone(), directory, line, Undo::None];
    check(&made, &[3], RunTrace::Undone(at(31)));
    check(&made, &[], RunTrace::Added);
    check(&[package, Undo::None], &[], RunTrace::Nothing);
}

#[test]
fn what_works_is_kept_whatever_else_was_undone() {
    let release = Undo::HelmRelease { release: "r".to_owned(), namespace: "n".to_owned(), revision: Some(1) };
    let file = Undo::file(Path::new("/etc/r"), b"r", manifest::PreviousFile::Absent);
    check(&[release.clone(), file.clone()], &[2], RunTrace::Kept);
    check(&[release, file], &[1], RunTrace::Undone(at(31)));
}

#[test]
fn an_undo_that_failed_undid_nothing() {
    let mut context = record_of([(ANY, Undo::Directory { path: "/srv/share".into() })]);
    context.begin_undo(1, at(30));
    assert_eq!(run_trace(&context, ANY), RunTrace::Added);
    context.end_undo(1, StepState::Failed, at(31));
    assert_eq!(run_trace(&context, ANY), RunTrace::Added);
}

/// The host has no k3s any more, and so no deployment. The certificate is still there.
#[test]
fn what_was_gone_before_the_rollback_keeps_no_component() {
    let (stub, authority) = (StubHost::fresh(), "etc/rancher/k3s/registry-ca.crt");
    stub.put(authority, "ca");
    let deployment = Undo::Object {
        api_version: "apps/v1".to_owned(),
        object_kind: "Deployment".to_owned(),
        namespace: Some("registry".to_owned()),
        name: "registry".to_owned(),
        uid: Some("u".to_owned()),
    };
    let certificate = Undo::file(&Path::new("/").join(authority), b"ca", manifest::PreviousFile::Absent);
    let made = [deployment, certificate].map(|undo| (Component::Registry, undo));
    let mut disk = Disk::roomy(&record_of(made));
    let (plan, results) = roll_back_on(&stub, &mut disk, Include::Moderate);
    assert_eq!((plan.in_state(ItemState::Gone).count(), results.len()), (1, 1), "{plan:#?}");
    assert_eq!(run_trace(&disk.stored, Component::Registry), RunTrace::Undone(at(59)));
    assert_eq!(planned(&stub, &disk.stored, Include::Moderate).in_state(ItemState::Undone).count(), 2);
}
