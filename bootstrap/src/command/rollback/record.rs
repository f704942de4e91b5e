//! The record of the run that is to be rolled back.

use std::path::Path;

use manifest::{MachineId, ManifestError, PrivateContext, RunId, RunsDir};
use privacy::disk::DiskError;

use crate::exit::{Exit, Failure, chain};

/// A record that belongs to this machine and to a run that has ended.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) runs: RunsDir,
    pub(super) run: RunId,
    pub(super) context: PrivateContext,
}

impl Record {
    /// Opens the record that either file of a pair belongs to.
    ///
    /// # Errors
    /// There is no such record, it cannot be used, or its run is still going on.
    pub(super) fn open(file: &Path) -> Result<Self, Failure> {
        let (runs, run) = RunsDir::of_file(file).map_err(|error| refused(&error))?;
        if runs.is_running(&run).map_err(|error| refused(&error))? {
            return Err(refused(&ManifestError::StillRunning { path: runs.private_path(&run) }));
        }
        let context = load(&runs, &run)?;
        Ok(Self { runs, run, context })
    }
}

/// Reads the private context of `run` and makes sure that it is of this machine.
pub(super) fn load(runs: &RunsDir, run: &RunId) -> Result<PrivateContext, Failure> {
    let context = runs.load_private(run).map_err(|error| refused(&error))?;
    let machine = MachineId::read(Path::new("/"));
    context.check_machine(&machine, &runs.private_path(run)).map_err(|error| refused(&error))?;
    Ok(context)
}

/// What the operator is told of a record that cannot be used.
pub(super) fn refused(error: &ManifestError) -> Failure {
    let (exit, hint) = match error {
        ManifestError::NotARunFile { .. } => (
            Exit::Usage,
            "name bootstrap-<run id>.json or bootstrap-<run id>-private.json in the runs folder",
        ),
        ManifestError::Disk(DiskError::Missing { .. }) => (
            Exit::Usage,
            "only the private record, bootstrap-<run id>-private.json, tells what to undo; it stays in the runs \
             folder of the machine that the run was made on",
        ),
        ManifestError::OtherMachine { .. } => {
            (Exit::Usage, "roll back on the machine that the run was made on")
        }
        ManifestError::Damaged { .. } | ManifestError::OtherRun { .. } => (
            Exit::Usage,
            "put the file back as the run wrote it; without it, undo by hand what the log tells",
        ),
        ManifestError::UnknownVersion { .. } => {
            (Exit::Usage, "roll back with the version of this program that made the run")
        }
        ManifestError::StillRunning { .. } | ManifestError::Held { .. } => {
            (Exit::Failed, "wait for it to end, or stop it, and roll back then")
        }
        _ => (Exit::Failed, "roll back as the user who made the run, or as root"),
    };
    Failure::new(exit, format!("cannot roll back: {}", chain(error))).hint(hint)
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
        let run = RunId::new(Id::parse("a").expect("an id")).expect("a run id");
        let files = runs.claim(&run).expect("claimed");
        let machine = MachineFingerprint::of(&MachineId::read(Path::new("/")));
        let context = PrivateContext::begin(&run, Execution::Apply, Mode::Server, machine, now());
        files.write_private(&context).expect("written");
        (files, context)
    }

    /// Lets go of the files of a run and waits until its lock is gone: between fork and exec, a child that another test
    /// of this process starts has a copy of it.
    fn end(files: RunFiles, runs: &RunsDir) {
        let run = files.run().clone();
        drop(files);
        let limit = Instant::now() + Duration::from_mins(2);
        while runs.is_running(&run).expect("told") {
            assert!(Instant::now() < limit, "the lock is never released");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// A runs folder with the private record of a run that has ended, changed by `change`.
    fn ended(change: impl Fn(String) -> String) -> (tempfile::TempDir, RunsDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let runs = RunsDir::open_or_create(folder.path()).expect("opened");
        end(begun(&runs).0, &runs);
        let path = folder.path().join("bootstrap-a-private.json");
        let text = change(fs::read_to_string(&path).expect("read"));
        fs::write(&path, text).expect("written");
        (folder, runs)
    }

    fn check(folder: &Path, name: &str, exit: Exit, said: &str) {
        let failure = Record::open(&folder.join(name)).expect_err(said);
        assert_eq!(failure.exit, exit, "{failure}");
        assert!(failure.message.contains(said), "{failure}");
        assert!(failure.hint.is_some());
    }

    #[test]
    fn either_file_of_a_pair_is_accepted() {
        let (folder, _runs) = ended(|text| text);
        for name in ["bootstrap-a.json", "bootstrap-a-private.json"] {
            assert_eq!(Record::open(&folder.path().join(name)).expect("opened").run.to_string(), "a");
        }
    }

    #[test]
    fn what_is_no_record_of_an_ended_run_of_this_machine_is_refused() {
        const PRIVATE: &str = "bootstrap-a-private.json";
        let (folder, _runs) = ended(|text| text);
        check(folder.path(), "notes.json", Exit::Usage, "is not named");
        check(folder.path(), "bootstrap-b.json", Exit::Usage, "does not exist");
        let (folder, _runs) = ended(|text| text[..text.len() / 2].to_owned());
        check(folder.path(), PRIVATE, Exit::Usage, "is damaged");
        let (folder, _runs) = ended(|text| text.replace("\"version\": 1", "\"version\": 2"));
        check(folder.path(), PRIVATE, Exit::Usage, "has version 2");
        let (folder, _runs) = ended(|text| text.replace("\"run_id\": \"a\"", "\"run_id\": \"b\""));
        check(folder.path(), PRIVATE, Exit::Usage, "was written by another run");
        let (folder, _runs) = ended(|text| text.replace("\"salt\": \"", "\"salt\": \"0"));
        check(folder.path(), PRIVATE, Exit::Usage, "was written on another machine");
    }

    #[test]
    fn a_run_that_goes_on_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let runs = RunsDir::open_or_create(folder.path()).expect("opened");
        let (files, _) = begun(&runs);
        check(folder.path(), "bootstrap-a.json", Exit::Failed, "is still going on");
        end(files, &runs);
        assert!(Record::open(&folder.path().join("bootstrap-a.json")).is_ok());
    }
}
