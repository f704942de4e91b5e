//! Random runs with random changes by others in between: a rollback never removes what the run did not create.

#![expect(clippy::disallowed_methods, reason = "it sets a scene, nothing of ours")]

use std::collections::BTreeMap;
use std::fs;

use manifest::PreviousFile;
use proptest::prelude::*;

use super::*;
use bootstrap::component::{Dependent, Identity};
use bootstrap::host::ProbeError;
use bootstrap::host::{Host, RootAccess, RunLog};
use bootstrap::rollback::LiveStates;
use bootstrap::rollback::{Divergence, LiveState};

/// What a run does to one of a few places.
#[derive(Clone, Debug)]
enum TestAction {
    File { place: usize, content: u8 },
    Folder { place: usize },
    Line { content: u8 },
    Block { content: u8 },
}

impl TestAction {
    fn is_about_the_place_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File { place, .. }, Self::File { place: other, .. }) => place == other,
            (Self::Block { .. }, Self::Block { .. }) => true,
            _ => false,
        }
    }
}

/// What somebody else does afterwards.
#[derive(Clone, Debug)]
enum Outside {
    Write { place: usize, content: u8 },
    Remove { place: usize },
    Put { folder: usize },
    AddLine { content: u8 },
    EditBlock,
    Nothing,
}

fn deed() -> impl Strategy<Value = TestAction> {
    prop_oneof![
        (0..4usize, 0..3u8).prop_map(|(place, content)| TestAction::File { place, content }),
        (0..3usize).prop_map(|place| TestAction::Folder { place }),
        (0..3u8).prop_map(|content| TestAction::Line { content }),
        (0..3u8).prop_map(|content| TestAction::Block { content }),
    ]
}

fn outside() -> impl Strategy<Value = Outside> {
    prop_oneof![
        (0..4usize, 0..3u8).prop_map(|(place, content)| Outside::Write { place, content }),
        (0..4usize).prop_map(|place| Outside::Remove { place }),
        (0..3usize).prop_map(|folder| Outside::Put { folder }),
        (0..3u8).prop_map(|content| Outside::AddLine { content: content + 100 }),
        Just(Outside::EditBlock),
        Just(Outside::Nothing),
    ]
}

/// A machine that is a folder. No program is ever called.
struct Machine(tempfile::TempDir);

const LINES: &str = "/etc/exports";
const BLOCKS: &str = "/etc/hosts";
const TEXTS: [&str; 2] = [LINES, BLOCKS];
const MARKER: &str = "productive-k3s";
const FOLDERS: [&str; 3] = ["/srv/a", "/srv/a/b", "/etc/docker/certs.d/made"];
const FILES: [&str; 4] = [
    "/etc/docker/certs.d/one/ca.crt",
    "/etc/docker/certs.d/two/ca.crt",
    "/etc/docker/certs.d/made/ca.crt",
    "/etc/docker/certs.d/none/ca.crt",
];

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().expect("a folder"));
        for folder in ["srv", "etc/docker/certs.d/one", "etc/docker/certs.d/two"] {
            fs::create_dir_all(machine.0.path().join(folder)).expect("a folder");
        }
        for path in TEXTS {
            machine.write(path, "foreign line\n# other\n");
        }
        machine
    }

    fn host(&self) -> Host {
        Host::stand_in(self.0.path(), Vec::new(), RootAccess::Root, RunLog::discard())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    /// Writes a file if its folder is there.
    fn write(&self, path: &str, text: &str) -> bool {
        fs::write(self.path(path), text).is_ok()
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect("lines")
    }

    fn texts(&self) -> String {
        TEXTS.map(|path| self.text(path)).concat()
    }

    fn tree(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut found = BTreeMap::new();
        collect(self.0.path(), &mut found);
        found
    }

    /// Does what a run would do, and writes it down as a run does.
    fn run(&self, deeds: &[TestAction]) -> PrivateContext {
        let mut steps = Vec::new();
        for (index, deed) in deeds.iter().enumerate() {
            // A run comes to each place once.
            if deeds[..index].iter().any(|former| former.is_about_the_place_of(deed)) {
                continue;
            }
            let component = match deed {
                TestAction::File { .. } => Component::DockerRegistryTrust,
                TestAction::Folder { place } if FOLDERS[*place].starts_with("/etc") => {
                    Component::DockerRegistryTrust
                }
                TestAction::Folder { .. } | TestAction::Line { .. } => Component::Nfs,
                TestAction::Block { .. } => Component::LocalHosts,
            };
            steps.extend(self.take(deed).map(|undo| (component, undo)));
        }
        record_of(steps)
    }

    fn take(&self, deed: &TestAction) -> Option<Undo> {
        use bootstrap::step::lines;
        match deed {
            TestAction::File { place, content } => {
                let (path, text) = (FILES[*place], format!("ours {content}"));
                let former = fs::read(self.path(path)).ok();
                if former.as_deref() == Some(text.as_bytes()) {
                    return None;
                }
                let previous = former.map_or(PreviousFile::Absent, |former| PreviousFile::of(&former, 0o644));
                let undo = Undo::file(Path::new(path), text.as_bytes(), previous);
                self.write(path, &text).then_some(undo)
            }
            TestAction::Folder { place } => {
                let made = fs::create_dir(self.path(FOLDERS[*place])).is_ok();
                made.then(|| Undo::Directory { path: FOLDERS[*place].into() })
            }
            TestAction::Line { content } => {
                let (text, line) = (self.text(LINES), format!("/srv/ours{content} 10.0.0.0/8(rw)"));
                if lines::has_line(&text, &line) {
                    return None;
                }
                self.write(LINES, &lines::with_line(&text, &line));
                Some(Undo::Line { path: LINES.into(), line })
            }
            TestAction::Block { content } => {
                let (text, wanted) = (self.text(BLOCKS), vec![format!("block {content}")]);
                let previous = lines::find_block(&text, MARKER).map(str::to_owned);
                if previous.as_ref() == Some(&lines::block(MARKER, &wanted)) {
                    return None;
                }
                self.write(BLOCKS, &lines::with_block(&text, MARKER, &wanted));
                let sha256 = manifest::sha256_hex(lines::block(MARKER, &wanted).as_bytes());
                let (path, marker) = (BLOCKS.into(), MARKER.to_owned());
                Some(Undo::LineBlock { path, marker, sha256, previous, former_mode: None })
            }
        }
    }

    /// Does what somebody else would do; all of it is marked by a text of theirs.
    fn tamper(&self, deeds: &[Outside]) {
        for outside in deeds {
            self.meddle_once(outside);
        }
    }

    fn meddle_once(&self, outside: &Outside) {
        match outside {
            Outside::Write { place, content } => {
                self.write(FILES[*place], &format!("theirs {content}"));
            }
            Outside::Remove { place } => drop(fs::remove_file(self.path(FILES[*place]))),
            Outside::Put { folder } => {
                self.write(&format!("{}/theirs", FOLDERS[*folder]), "theirs");
            }
            Outside::AddLine { content } => {
                for path in TEXTS {
                    self.write(path, &format!("{}theirs {content}\n", self.text(path)));
                }
            }
            Outside::EditBlock => {
                let end = format!("# END {MARKER}");
                let edited = self.text(BLOCKS).replace(&end, &format!("theirs in block\n{end}"));
                self.write(BLOCKS, &edited);
            }
            Outside::Nothing => {}
        }
    }
}

/// The lines that nobody but others wrote.
fn foreign(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| line.contains("theirs") || line.contains("foreign") || line.contains("other"))
        .collect()
}

fn roll_back_machine(machine: &Machine, context: &PrivateContext) -> UndoResults {
    let host = machine.host();
    let plan = plan(context, &observe_all(&host, context), Include::Moderate);
    let mut disk = Disk::roomy(context);
    let mut report = |_: RollbackEvent<'_>| {};
    let work = RollbackExecutor::new(&host, &mut disk, &mut report, &|| false);
    work.with_timing(PATIENT).all(&plan)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn undisturbed_runs_are_taken_back_to_the_byte(
        first in prop::collection::vec(deed(), 0..4),
        deeds in prop::collection::vec(deed(), 0..8),
    ) {
        let machine = Machine::new();
        machine.run(&first);
        let before = machine.tree();
        let context = machine.run(&deeds);
        let results = roll_back_machine(&machine, &context);
        prop_assert!(results.values().all(|result| *result == UndoResult::Undone), "{:?}", results);
        prop_assert_eq!(machine.tree(), before);
    }

    #[test]
    fn what_others_made_stays(
        first in prop::collection::vec(outside(), 0..4),
        deeds in prop::collection::vec(deed(), 0..8),
        then in prop::collection::vec(outside(), 0..5),
    ) {
        let machine = Machine::new();
        machine.tamper(&first);
        let context = machine.run(&deeds);
        machine.tamper(&then);
        let (before, lines) = (machine.tree(), machine.texts());
        roll_back_machine(&machine, &context);
        let after = machine.tree();
        for (path, content) in &before {
            let theirs = content.as_ref().is_some_and(|content| content.starts_with(b"theirs"));
            if theirs && TEXTS.iter().all(|text| path != &machine.path(text)) {
                prop_assert_eq!(after.get(path), Some(content), "{}", path.display());
            }
        }
        let after = machine.texts();
        prop_assert_eq!(foreign(&after), foreign(&lines));
    }

    /// Whatever is found, an object is only ever planned to go when it is the run's and nobody is left in it.
    #[test]
    fn only_what_is_certainly_ours_is_ready(
        found in prop::collection::vec((0..6usize, prop::option::of(0..3usize), 0..3usize), 1..12),
    ) {
        let uid = |index: usize| format!("uid-{index}");
        let undo = |index: usize| Undo::Object {
            api_version: "v1".to_owned(),
            object_kind: "Namespace".to_owned(),
            namespace: None,
            name: format!("n{index}"),
            uid: Some(uid(index)),
        };
        let components = [Component::Registry, Component::CertManager, Component::K3s];
        let steps = found.iter().enumerate().map(|(index, (.., component))| (components[*component], undo(index)));
        let mut context = record_of(steps);
        let mut live_states = LiveStates::new();
        for (index, (kind, dependent, _)) in found.iter().enumerate() {
            let seq = u32::try_from(index + 1).expect("few");
            let own = dependent.map_or_else(|| "foreign".to_owned(), |later| uid(index + 1 + later));
            let dependent = Dependent { name: own.clone(), own: vec![Identity::Uid(own)], with: Vec::new() };
            live_states.insert(seq, match kind {
                0 => LiveState::Absent,
                1 => LiveState::Changed(Divergence::OtherContent),
                2 => LiveState::Unknown(ProbeError::NoProgram { program: "kubectl".to_owned() }),
                3 => LiveState::InUse(vec![dependent]),
                _ => LiveState::Unchanged,
            });
            if *kind == 5 {
                context.begin_undo(seq, at(40));
                context.end_undo(seq, manifest::StepState::Done, at(41));
            }
        }
        let plan = plan(&context, &live_states, Include::Moderate);
        let ready: Vec<u32> = plan.in_state(ItemState::Ready).map(|item| item.step).collect();
        for seq in &ready {
            prop_assert!(context.undo_state(*seq).is_none());
            prop_assert_ne!(found[*seq as usize - 1].2, 2, "k3s is manual");
            match &live_states[seq] {
                LiveState::Unchanged => {}
                LiveState::InUse(dependents) => {
                    let later = (*seq + 1..=u32::try_from(found.len()).expect("few"))
                        .any(|later| ready.contains(&later) && dependents[0].name == uid(later as usize - 1));
                    prop_assert!(later, "{} holds {}", seq, dependents[0].name);
                }
                other => prop_assert!(false, "{} is ready by {:?}", seq, other),
            }
        }
    }
}
