//! What the operator can do about records and outboxes that cannot be used: the longer answers of [`super::error`].

use std::path::Path;

use manifest::ManifestError;
use privacy::disk::DiskError;
use telemetry::TelemetryError;

/// Empty or not an URL: the warning about the variable says which.
pub(super) const ENDPOINT: &str =
    "set TELEMETRY_ENDPOINT to an http or https URL, or unset it for the default";

/// What helps where the record of a run cannot be used.
pub(super) fn of_record(error: &ManifestError) -> &'static str {
    match error {
        ManifestError::NotARunFile { .. } => {
            "pass bootstrap-<run id>.json or bootstrap-<run id>-private.json from the runs directory"
        }
        ManifestError::Disk(DiskError::Missing { .. }) => {
            "pass the private record, bootstrap-<run id>-private.json, from the runs directory of the machine of the run"
        }
        ManifestError::Disk(DiskError::Replaceable { .. }) => {
            "as root, move the runs directory to where only root and you can change it, then rerun with its new path"
        }
        ManifestError::OtherMachine { .. } => "roll back on the machine that the run was made on",
        ManifestError::Damaged { .. } | ManifestError::OtherRun { .. } => {
            "restore the file as the run wrote it; without it, undo the changes in the log by hand"
        }
        ManifestError::UnknownVersion { .. } => "roll back with the program version that made the run",
        ManifestError::StillRunning { .. } | ManifestError::Held { .. } => {
            "wait until it ends, or stop it, then rerun the same command"
        }
        ManifestError::TooManyRecords { .. } => {
            "move old records of dry runs, which changed nothing, to another directory, then rerun the same command"
        }
        ManifestError::Disk(DiskError::Foreign { .. } | DiskError::Denied { .. }) => of_another_user(),
        _ => "fix this, then rerun the same command",
    }
}

/// A record counts for the user who acted: root after `sudo bootstrap run`, and else who made the run, also where that run
/// used sudo itself. So neither can answer for the other.
fn of_another_user() -> &'static str {
    if rustix::process::geteuid().is_root() {
        "rerun the same command as the user who made the run, without sudo"
    } else {
        "rerun the same command with sudo if the run was made with sudo, otherwise as the user who made it"
    }
}

/// What helps where the outbox or the settings of telemetry cannot be used.
pub(super) fn of_telemetry(error: &TelemetryError, outbox_dir: &Path) -> Option<String> {
    let hint = match error {
        TelemetryError::Disk(DiskError::Foreign { .. }) => {
            "run the same command as the owner of the outbox, or pass your own with --runs-dir"
        }
        TelemetryError::Disk(_) => {
            return Some(format!("ls -la {}", outbox_dir.display()));
        }
        TelemetryError::NoEndpoint => ENDPOINT,
        TelemetryError::NotQueued(_) => "bootstrap telemetry status",
        TelemetryError::Client(_) => {
            "install the package ca-certificates, or name a file of trusted certificates in SSL_CERT_FILE"
        }
        TelemetryError::NotAManifest | TelemetryError::Rejected(_) => {
            "pass a public manifest: runs/bootstrap-<run_id>.json"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}
