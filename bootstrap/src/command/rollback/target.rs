//! The run that is to be rolled back: its record, and the plan that is made from it.

use std::collections::BTreeSet;
use std::path::Path;

use manifest::{MachineId, ManifestError, PrivateContext, RunId, RunsDir};
use schema::Execution;

use crate::command::error::Error;
use crate::host::Host;
use crate::rollback::{Include, LiveStates, RollbackPlan, observe_all, plan, plan_agreed};
use crate::terminal::Printer;

/// Which steps of a run somebody has agreed to undo.
#[derive(Clone, Debug)]
pub(in crate::command) enum Agreement {
    /// Whatever the plan has; it is asked for, unless `--yes` says that nobody need be.
    ToPlan,
    /// Those with these numbers, which were shown before.
    To(BTreeSet<u32>),
}

/// A record that belongs to this machine and to a run that has ended.
#[derive(Debug)]
pub(super) struct RollbackTarget {
    pub(super) runs: RunsDir,
    pub(super) run: RunId,
    pub(super) context: PrivateContext,
}

impl RollbackTarget {
    /// Opens the record that either file of a pair belongs to.
    ///
    /// # Errors
    /// There is no such record, it cannot be used, or its run is still going on.
    pub(super) fn open(file: &Path) -> Result<Self, Error> {
        let (runs, run) = RunsDir::of_file(file).map_err(Error::UnusableRecord)?;
        Self::of_run(runs, run)
    }

    /// As [`Self::open`], for a rollback that changes the host: as root, from a directory that nobody else can replace.
    ///
    /// # Errors
    /// As [`Self::open`]; and another user could replace the directory.
    pub(super) fn open_for_change(file: &Path) -> Result<Self, Error> {
        let (runs, run) = RunsDir::of_file_for_change(file).map_err(Error::UnusableRecord)?;
        Self::of_run(runs, run)
    }

    /// Opens the record of `run` in a directory that is open already.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) fn of_run(runs: RunsDir, run: RunId) -> Result<Self, Error> {
        // Before the record is read: that of a running run still changes.
        if runs.is_running(&run).map_err(Error::UnusableRecord)? {
            return Err(Error::UnusableRecord(ManifestError::StillRunning { path: runs.private_path(&run) }));
        }
        let context = load(&runs, &run)?;
        Ok(Self { runs, run, context })
    }
}

/// Reads the private context of `run` and makes sure that it is of this machine.
pub(super) fn load(runs: &RunsDir, run: &RunId) -> Result<PrivateContext, Error> {
    let context = runs.load_private(run).map_err(Error::UnusableRecord)?;
    let machine = MachineId::read(Path::new("/"));
    context.check_machine(&machine, &runs.private_path(run)).map_err(Error::UnusableRecord)?;
    Ok(context)
}

/// Looks at what the run left on the host and plans its rollback.
pub(super) fn observe_and_plan(
    context: &PrivateContext,
    host: &Host,
    include: Option<Include>,
    agreement: &Agreement,
    printer: &mut Printer,
) -> RollbackPlan {
    // A few steps are looked at before anybody wonders; dozens take seconds.
    if context.steps.len() > 10 {
        printer.note("Inspecting what the run left on this host ...");
    }
    let live_states = match context.execution {
        // It left nothing, so there is nothing to look at, and no cluster is asked.
        Execution::DryRun => LiveStates::new(),
        Execution::Apply => observe_all(host, context),
    };
    let include = include.unwrap_or(Include::Safe);
    match agreement {
        Agreement::ToPlan => plan(context, &live_states, include),
        Agreement::To(steps) => plan_agreed(context, &live_states, include, steps),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "it spoils records on purpose")]
mod tests {
    use std::fs;
    use std::time::{Duration, Instant};

    use manifest::{MachineFingerprint, RunFiles};
    use schema::{Execution, Id, Mode};

    use super::*;
    use crate::run::now;

    fn begun(runs: &RunsDir) -> (RunFiles, PrivateContext) {
        let run = RunId::new(Id::parse("aaaaaaaaaaaaaaaa").expect("an id"));
        let files = runs.claim(&run).expect("claimed");
        let machine = MachineFingerprint::of(&MachineId::read(Path::new("/")));
        let context = PrivateContext::begin(&run, Execution::Apply, Mode::Server, machine, now());
        files.write_private(&context).expect("written");
        (files, context)
    }

    /// Lets go of the files of a run and waits until its lock is free: between fork and exec, a child that another test of
    /// this process starts holds a copy of it.
    fn end(files: RunFiles, runs: &RunsDir) {
        let run = files.run().clone();
        drop(files);
        let limit = Instant::now() + Duration::from_mins(2);
        while runs.is_running(&run).expect("told") {
            assert!(Instant::now() < limit, "the lock is never released");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// A runs directory with the private record of a run that has ended, changed by `change`.
    fn ended(change: impl Fn(String) -> String) -> (tempfile::TempDir, RunsDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let runs = RunsDir::open_or_create(folder.path()).expect("opened");
        end(begun(&runs).0, &runs);
        let path = folder.path().join("bootstrap-aaaaaaaaaaaaaaaa-private.json");
        let text = change(fs::read_to_string(&path).expect("read"));
        fs::write(&path, text).expect("written");
        (folder, runs)
    }

    fn check(folder: &Path, name: &str, exit_code: u8, said: &str) {
        let error = RollbackTarget::open(&folder.join(name)).expect_err(said);
        assert_eq!(error.process_exit_code(), exit_code, "{error}");
        assert!(error.message().contains(said), "{}", error.message());
        assert!(error.hint().is_some());
    }

    #[test]
    fn either_file_of_a_pair_is_accepted() {
        let (folder, _runs) = ended(|text| text);
        for name in ["bootstrap-aaaaaaaaaaaaaaaa.json", "bootstrap-aaaaaaaaaaaaaaaa-private.json"] {
            assert_eq!(
                RollbackTarget::open(&folder.path().join(name)).expect("opened").run.to_string(),
                "aaaaaaaaaaaaaaaa"
            );
        }
    }

    #[test]
    fn what_is_no_record_of_an_ended_run_of_this_machine_is_refused() {
        const PRIVATE: &str = "bootstrap-aaaaaaaaaaaaaaaa-private.json";
        let (folder, _runs) = ended(|text| text);
        check(folder.path(), "notes.json", 2, "is not named");
        check(folder.path(), "bootstrap-bbbbbbbbbbbbbbbb.json", 2, "does not exist");
        let (folder, _runs) = ended(|text| text[..text.len() / 2].to_owned());
        check(folder.path(), PRIVATE, 2, "is damaged");
        let (folder, _runs) = ended(|text| text.replace("\"version\": 2", "\"version\": 1"));
        check(folder.path(), PRIVATE, 2, "has version 1");
        let (folder, _runs) = ended(|text| text.replace("aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"));
        check(folder.path(), PRIVATE, 2, "was written by another run");
        let (folder, _runs) = ended(|text| text.replace("\"salt\": \"", "\"salt\": \"0"));
        check(folder.path(), PRIVATE, 2, "was written on another machine");
    }

    #[test]
    fn a_run_that_goes_on_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let runs = RunsDir::open_or_create(folder.path()).expect("opened");
        let (files, _) = begun(&runs);
        check(folder.path(), "bootstrap-aaaaaaaaaaaaaaaa.json", 1, "is still running");
        end(files, &runs);
        assert!(RollbackTarget::open(&folder.path().join("bootstrap-aaaaaaaaaaaaaaaa.json")).is_ok());
    }
}
