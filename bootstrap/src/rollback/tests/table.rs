//! The plan as a pure table of record and sights.

use manifest::{PreviousFile, StepState};

use super::super::item::Class;
use super::super::sight::{Mark, Sight, Tenant};
use super::*;
use crate::rollback::Sights;

fn release() -> Undo {
    Undo::HelmRelease { release: "r".to_owned(), namespace: "n".to_owned(), revision: Some(1) }
}

fn folder() -> Undo {
    Undo::Directory { path: "/f".into() }
}

fn file() -> Undo {
    Undo::file(Path::new("/f/a"), b"a", PreviousFile::Absent)
}

fn object(uid: &str) -> Undo {
    Undo::Object {
        api_version: "v1".to_owned(),
        object_kind: "ConfigMap".to_owned(),
        namespace: Some("n".to_owned()),
        name: uid.to_owned(),
        uid: Some(uid.to_owned()),
    }
}

fn state(component: Component, undo: Undo, sight: Sight, include: Option<Include>) -> (Class, State) {
    let context = record_of([(component, undo)]);
    let plan = plan(&context, &Sights::from([(1, sight)]), include);
    (only(&plan).class, only(&plan).state)
}

#[test]
fn each_component_has_its_class() {
    use Component::{
        CertManager, Clusterissuer, DockerRegistryTrust, Helm, K3s, LocalHosts, Longhorn, Nfs, Rancher,
        Registry,
    };
    let table = [
        (K3s, file(), Class::Manual),
        (Helm, file(), Class::Manual),
        (CertManager, object("a"), Class::Safe),
        (Clusterissuer, object("a"), Class::Safe),
        (LocalHosts, file(), Class::Safe),
        (DockerRegistryTrust, file(), Class::Safe),
        (DockerRegistryTrust, folder(), Class::Safe),
        (Longhorn, release(), Class::Moderate),
        (Rancher, release(), Class::Moderate),
        (Registry, object("a"), Class::Moderate),
        (Nfs, Undo::Line { path: "/etc/exports".into(), line: "l".to_owned() }, Class::Moderate),
        (Nfs, Undo::Package { name: "nfs-kernel-server".to_owned() }, Class::Manual),
        (Longhorn, Undo::Service { name: "iscsid".to_owned() }, Class::Manual),
        (Longhorn, Undo::DefaultStorageClass { from: None, to: "l".to_owned() }, Class::Moderate),
    ];
    for (component, undo, class) in table {
        let expected = match class {
            Class::Safe => (State::Ready, State::Ready),
            Class::Moderate => (State::LeftOut, State::Ready),
            Class::Manual => (State::Manual, State::Manual),
        };
        assert_eq!(state(component, undo.clone(), Sight::Ours, None), (class, expected.0), "{component}");
        assert_eq!(
            state(component, undo, Sight::Ours, Some(Include::Moderate)),
            (class, expected.1),
            "{component}"
        );
    }
}

#[test]
fn each_sight_has_its_state() {
    let component = Component::DockerRegistryTrust;
    let tenant = Tenant { name: "t".to_owned(), own: vec![Mark::Path("/f/b".into())], with: Vec::new() };
    let table = [
        (Sight::Ours, State::Ready),
        (Sight::Gone, State::Gone),
        (Sight::Changed("c".to_owned()), State::Manual),
        (Sight::Unknown("u".to_owned()), State::Manual),
        (Sight::Inhabited(vec![tenant]), State::Manual),
    ];
    for (sight, expected) in table {
        assert_eq!(state(component, folder(), sight.clone(), None).1, expected, "{sight:?}");
    }
    let context = record_of([(component, folder())]);
    assert_eq!(only(&plan(&context, &Sights::new(), None)).state, State::Manual, "not looked at");
}

#[test]
fn what_leaves_first_does_not_keep_what_it_is_in() {
    let inside = Tenant { name: "a".to_owned(), own: vec![Mark::Path("/f/a".into())], with: Vec::new() };
    let trust = Component::DockerRegistryTrust;
    let sights = |file| Sights::from([(1, Sight::Inhabited(vec![inside.clone()])), (2, file)]);
    let context = record_of([(trust, folder()), (trust, file())]);
    let both = plan(&context, &sights(Sight::Ours), None);
    assert_eq!(
        both.items.iter().map(|item| (item.step, item.state)).collect::<Vec<_>>(),
        [(2, State::Ready), (1, State::Ready)]
    );
    let none = plan(&context, &sights(Sight::Changed("c".to_owned())), None);
    assert!(none.items.iter().all(|item| item.state == State::Manual));
    // A class that is left out does not leave, so neither does what it is in.
    let context = record_of([(trust, folder()), (Component::Nfs, file())]);
    let left = plan(&context, &sights(Sight::Ours), None);
    assert_eq!(left.items.iter().map(|item| item.state).collect::<Vec<_>>(), [State::LeftOut, State::Manual]);
}

/// A certificate of an ingress of ours leaves with it, and the request of the certificate with that.
#[test]
fn what_belongs_to_what_leaves_leaves_too() {
    let tenant = |uid: &str, owner: &str| Tenant {
        name: uid.to_owned(),
        own: vec![Mark::Uid(uid.to_owned())],
        with: vec![Mark::Uid(owner.to_owned())],
    };
    let chain = vec![tenant("request", "certificate"), tenant("certificate", "ingress")];
    let context =
        record_of([(Component::Clusterissuer, object("issuer")), (Component::Registry, object("ingress"))]);
    let sights = Sights::from([(1, Sight::Inhabited(chain)), (2, Sight::Ours)]);
    let states =
        |include| plan(&context, &sights, include).items.iter().map(|item| item.state).collect::<Vec<_>>();
    assert_eq!(states(Some(Include::Moderate)), [State::Ready, State::Ready]);
    assert_eq!(states(None), [State::LeftOut, State::Manual]);
}

#[test]
fn a_dry_run_has_nothing_to_undo() {
    let mut context = record_of([(Component::LocalHosts, file())]);
    context.execution = Execution::DryRun;
    assert!(plan(&context, &Sights::from([(1, Sight::Ours)]), None).items.is_empty());
}

#[test]
fn what_was_undone_is_not_undone_again_and_what_was_begun_is_finished() {
    let states = [
        (Some(StepState::Done), Sight::Ours, State::Undone),
        (Some(StepState::Done), Sight::Gone, State::Undone),
        (Some(StepState::Intent), Sight::Gone, State::Ready),
        (Some(StepState::Failed), Sight::Ours, State::Ready),
        (Some(StepState::Failed), Sight::Changed("c".to_owned()), State::Manual),
        (None, Sight::Gone, State::Gone),
    ];
    for (undone, sight, expected) in states {
        let mut context = record_of([(Component::LocalHosts, file())]);
        if let Some(state) = undone {
            context.begin_undo(1, at(40));
            context.end_undo(1, state, at(41));
        }
        let plan = plan(&context, &Sights::from([(1, sight.clone())]), None);
        assert_eq!(only(&plan).state, expected, "{undone:?} {sight:?}");
    }
}

/// What is known by its content is the run's whether or not the step was seen to end; a folder is not.
#[test]
fn steps_that_did_not_end_are_undone_as_far_as_they_can_be_told() {
    for (undo, expected) in [(file(), State::Ready), (folder(), State::Manual)] {
        for ended in [false, true] {
            let mut context = record(Execution::Apply);
            let (component, action) = (Component::LocalHosts, "a step".to_owned());
            let intent = Intent { component, action, before: PriorState::Absent, undo: undo.clone() };
            let seq = context.begin_step(intent, at(1));
            if ended {
                context.end_step(seq, JournalOutcome::Failed, at(2));
            }
            let plan = plan(&context, &Sights::from([(1, Sight::Ours)]), None);
            assert_eq!(only(&plan).state, expected);
        }
    }
}

#[test]
fn what_the_run_updated_is_named_and_commands_are_not() {
    let mut context = record(Execution::Apply);
    let steps = [
        (Component::Registry, PriorState::Present { what: None }, true),
        (Component::Nfs, PriorState::Unknown, false),
        (Component::K3s, PriorState::Unknown, true),
    ];
    for (component, before, _) in &steps {
        let (component, before, action) = (*component, before.clone(), "a step".to_owned());
        let seq = context.begin_step(Intent { component, action, before, undo: Undo::None }, at(1));
        let wrote = Some("v1 Namespace registry".to_owned());
        context.end_step(seq, JournalOutcome::Done { wrote, undo: None }, at(2));
    }
    let sights: Sights = (1..=3).map(|seq| (seq, Sight::Ours)).collect();
    let plan = plan(&context, &sights, Some(Include::Moderate));
    let named: Vec<u32> = plan.items.iter().map(|item| item.step).collect();
    assert_eq!(named, [3, 1]);
    assert!(plan.items.iter().all(|item| item.state == State::Manual));
    assert!(plan.items[0].reason.contains("k3s-uninstall.sh"));
    assert_eq!(plan.items[1].look, "k3s kubectl get namespace registry -o yaml");
}
