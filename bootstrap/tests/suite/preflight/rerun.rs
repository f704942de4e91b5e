//! A run does not warn of the work of the one before: not of what it installed, and not of what it had begun.

use super::*;
use crate::executor::{run, run_and_die};

/// Everything that a run of the mode can make.
fn all_of(mode: Mode) -> Settings {
    let mut settings = settings(mode);
    settings.longhorn.node = true;
    settings
}

/// What Longhorn leaves where it has volumes, and no stand-in makes.
fn use_disk(stub: &StubHost) {
    stub.put("data/longhorn-disk.cfg", "{}");
}

#[test]
fn what_a_run_installed_is_no_reason_to_warn() {
    for mode in Mode::ALL.iter().copied() {
        let (stub, settings) = (fit_for(mode), all_of(mode));
        assert_eq!(problems(&stub, &settings), [], "{mode}: before the run");
        run(&stub, &settings).results();
        if settings.mode != Mode::Agent {
            use_disk(&stub);
        }
        assert_eq!(problems(&stub, &settings), [], "{mode}");
        // These look at the disk of this machine. What is on it by now is the run's own.
        let report = check(&stub.host(), &debian(), &settings);
        let disks = report.findings.iter().filter(|finding| OF_THIS_MACHINE.contains(&finding.check));
        let warned: Vec<&Finding> = disks.filter(|finding| finding.severity == Severity::Warning).collect();
        assert!(warned.is_empty(), "{mode}: {warned:?}");
    }
}

#[test]
fn what_a_run_had_begun_when_it_was_killed_is_no_reason_to_warn() {
    let settings = all_of(Mode::SingleNode);
    let mut killed = 0;
    for writes in (2..).step_by(11) {
        let stub = fit_for(Mode::SingleNode);
        if !run_and_die(&stub, &settings, writes) {
            break;
        }
        killed += 1;
        assert_eq!(problems(&stub, &settings), [], "killed after {writes} writes");
    }
    assert!(killed > 4, "a run of everything writes often: {killed}");
}
