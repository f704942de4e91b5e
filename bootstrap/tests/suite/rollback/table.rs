//! The plan as a pure table of record and live states.

use manifest::{PreviousFile, StepState};

use super::*;
use bootstrap::component::RollbackClass;
use bootstrap::component::{Dependent, Identity};
use bootstrap::host::ProbeError;
use bootstrap::rollback::LiveStates;
use bootstrap::rollback::{Divergence, LiveState};

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

fn state(
    component: Component,
    undo: Undo,
    live_state: LiveState,
    include: Include,
) -> (RollbackClass, ItemState) {
    let context = record_of([(component, undo)]);
    let plan = plan(&context, &LiveStates::from([(1, live_state)]), include);
    (only(&plan).class, only(&plan).state)
}

#[test]
fn each_component_has_its_class() {
    use Component::{
        CertManager, Clusterissuer, DockerRegistryTrust, Helm, K3s, LocalHosts, Longhorn, Nfs, Rancher,
        Registry,
    };
    let table = [
        (K3s, file(), RollbackClass::Manual),
        (Helm, file(), RollbackClass::Manual),
        (CertManager, object("a"), RollbackClass::Safe),
        (Clusterissuer, object("a"), RollbackClass::Safe),
        (LocalHosts, file(), RollbackClass::Safe),
        (DockerRegistryTrust, file(), RollbackClass::Safe),
        (DockerRegistryTrust, folder(), RollbackClass::Safe),
        (Longhorn, release(), RollbackClass::Moderate),
        (Rancher, release(), RollbackClass::Moderate),
        (Registry, object("a"), RollbackClass::Moderate),
        (Nfs, Undo::Line { path: "/etc/exports".into(), line: "l".to_owned() }, RollbackClass::Moderate),
        (Nfs, Undo::Package { name: "nfs-kernel-server".to_owned() }, RollbackClass::Manual),
        (Longhorn, Undo::Service { name: "iscsid".to_owned() }, RollbackClass::Manual),
        (Longhorn, Undo::DefaultStorageClass { from: None, to: "l".to_owned() }, RollbackClass::Moderate),
    ];
    for (component, undo, class) in table {
        let expected = match class {
            RollbackClass::Safe => (ItemState::Ready, ItemState::Ready),
            RollbackClass::Moderate => (ItemState::Excluded, ItemState::Ready),
            RollbackClass::Manual => (ItemState::Manual, ItemState::Manual),
        };
        assert_eq!(
            state(component, undo.clone(), LiveState::Unchanged, Include::Safe),
            (class, expected.0),
            "{component}"
        );
        assert_eq!(
            state(component, undo, LiveState::Unchanged, Include::Moderate),
            (class, expected.1),
            "{component}"
        );
    }
}

#[test]
fn each_sight_has_its_state() {
    let component = Component::DockerRegistryTrust;
    let dependent =
        Dependent { name: "t".to_owned(), own: vec![Identity::Path("/f/b".into())], with: Vec::new() };
    let table = [
        (LiveState::Unchanged, ItemState::Ready),
        (LiveState::Absent, ItemState::Gone),
        (LiveState::Changed(Divergence::OtherContent), ItemState::Manual),
        (LiveState::Unknown(ProbeError::NoProgram { program: "kubectl".to_owned() }), ItemState::Manual),
        (LiveState::InUse(vec![dependent]), ItemState::Manual),
    ];
    for (live_state, expected) in table {
        assert_eq!(
            state(component, folder(), live_state.clone(), Include::Safe).1,
            expected,
            "{live_state:?}"
        );
    }
    let context = record_of([(component, folder())]);
    assert_eq!(
        only(&plan(&context, &LiveStates::new(), Include::Safe)).state,
        ItemState::Manual,
        "not looked at"
    );
}

#[test]
fn what_leaves_first_does_not_keep_what_it_is_in() {
    let inside =
        Dependent { name: "a".to_owned(), own: vec![Identity::Path("/f/a".into())], with: Vec::new() };
    let trust = Component::DockerRegistryTrust;
    let live_states = |file| LiveStates::from([(1, LiveState::InUse(vec![inside.clone()])), (2, file)]);
    let context = record_of([(trust, folder()), (trust, file())]);
    let both = plan(&context, &live_states(LiveState::Unchanged), Include::Safe);
    assert_eq!(
        both.items.iter().map(|item| (item.step, item.state)).collect::<Vec<_>>(),
        [(2, ItemState::Ready), (1, ItemState::Ready)]
    );
    let none = plan(&context, &live_states(LiveState::Changed(Divergence::OtherContent)), Include::Safe);
    assert!(none.items.iter().all(|item| item.state == ItemState::Manual));
    // A class that is left out does not leave, so neither does what it is in.
    let context = record_of([(trust, folder()), (Component::Nfs, file())]);
    let left = plan(&context, &live_states(LiveState::Unchanged), Include::Safe);
    assert_eq!(
        left.items.iter().map(|item| item.state).collect::<Vec<_>>(),
        [ItemState::Excluded, ItemState::Manual]
    );
}

/// A certificate of an ingress of ours leaves with it, and the request of the certificate with that.
#[test]
fn what_belongs_to_what_leaves_leaves_too() {
    let dependent = |uid: &str, owner: &str| Dependent {
        name: uid.to_owned(),
        own: vec![Identity::Uid(uid.to_owned())],
        with: vec![Identity::Uid(owner.to_owned())],
    };
    let chain = vec![dependent("request", "certificate"), dependent("certificate", "ingress")];
    let context =
        record_of([(Component::Clusterissuer, object("issuer")), (Component::Registry, object("ingress"))]);
    let live_states = LiveStates::from([(1, LiveState::InUse(chain)), (2, LiveState::Unchanged)]);
    let states = |include| {
        plan(&context, &live_states, include).items.iter().map(|item| item.state).collect::<Vec<_>>()
    };
    assert_eq!(states(Include::Moderate), [ItemState::Ready, ItemState::Ready]);
    assert_eq!(states(Include::Safe), [ItemState::Excluded, ItemState::Manual]);
}

#[test]
fn a_dry_run_has_nothing_to_undo() {
    let mut context = record_of([(Component::LocalHosts, file())]);
    context.execution = Execution::DryRun;
    assert!(plan(&context, &LiveStates::from([(1, LiveState::Unchanged)]), Include::Safe).items.is_empty());
}

#[test]
fn what_was_undone_is_not_undone_again_and_what_was_begun_is_finished() {
    let states = [
        (Some(StepState::Done), LiveState::Unchanged, ItemState::Undone),
        (Some(StepState::Done), LiveState::Absent, ItemState::Undone),
        (Some(StepState::Intent), LiveState::Absent, ItemState::Ready),
        (Some(StepState::Failed), LiveState::Unchanged, ItemState::Ready),
        (Some(StepState::Failed), LiveState::Changed(Divergence::OtherContent), ItemState::Manual),
        (None, LiveState::Absent, ItemState::Gone),
    ];
    for (undone, live_state, expected) in states {
        let mut context = record_of([(Component::LocalHosts, file())]);
        if let Some(state) = undone {
            context.begin_undo(1, at(40));
            context.end_undo(1, state, at(41));
        }
        let plan = plan(&context, &LiveStates::from([(1, live_state.clone())]), Include::Safe);
        assert_eq!(only(&plan).state, expected, "{undone:?} {live_state:?}");
    }
}

/// What is known by its content is the run's whether or not the step was seen to end; a folder is not.
#[test]
fn steps_that_did_not_end_are_undone_as_far_as_they_can_be_told() {
    for (undo, expected) in [(file(), ItemState::Ready), (folder(), ItemState::Manual)] {
        for ended in [false, true] {
            let mut context = record(Execution::Apply);
            let (component, action) = (Component::LocalHosts, "a step".to_owned());
            let intent = Intent { component, action, before: PriorState::Absent, undo: undo.clone() };
            let seq = context.begin_step(intent, at(1));
            if ended {
                context.end_step(seq, JournalOutcome::Failed, at(2));
            }
            let plan = plan(&context, &LiveStates::from([(1, LiveState::Unchanged)]), Include::Safe);
            assert_eq!(only(&plan).state, expected);
        }
    }
}

#[test]
fn what_the_run_updated_is_named_and_commands_are_not() {
    let mut context = record(Execution::Apply);
    let steps = [
        (Component::Registry, PriorState::Present { what: None }),
        (Component::Nfs, PriorState::Unknown),
        (Component::K3s, PriorState::Unknown),
    ];
    for (component, before) in &steps {
        let (component, before, action) = (*component, before.clone(), "a step".to_owned());
        let seq = context.begin_step(Intent { component, action, before, undo: Undo::None }, at(1));
        let wrote = Some("v1 Namespace registry".to_owned());
        context.end_step(seq, JournalOutcome::Done { wrote, undo: None }, at(2));
    }
    let live_states: LiveStates = (1..=3).map(|seq| (seq, LiveState::Unchanged)).collect();
    let plan = plan(&context, &live_states, Include::Moderate);
    let named: Vec<u32> = plan.items.iter().map(|item| item.step).collect();
    assert_eq!(named, [1]);
    assert_eq!(plan.items[0].state, ItemState::Manual);
    assert_eq!(plan.items[0].inspect, "k3s kubectl get namespace registry -o yaml");
}
