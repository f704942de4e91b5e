//! Files of the host.

use std::path::{Path, PathBuf};

use super::contents::{Backup, BackupFile, SecretsInBackup};
use crate::host::Host;
use crate::step::may_hold_secret;

/// What a file may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sensitivity {
    /// Settings.
    Open,
    /// A token, a password or a key, or a place for one.
    Secret,
}

/// Files, and directories whose files are meant.
const PLACES: [(&str, Sensitivity); 13] = [
    ("/etc/hosts", Sensitivity::Open),
    ("/etc/exports", Sensitivity::Open),
    ("/etc/exports.d", Sensitivity::Open),
    ("/etc/docker/certs.d", Sensitivity::Open),
    ("/etc/systemd/system/k3s.service", Sensitivity::Open),
    ("/etc/systemd/system/k3s-agent.service", Sensitivity::Open),
    ("/var/lib/rancher/k3s/server/manifests", Sensitivity::Open),
    ("/etc/systemd/system/k3s.service.env", Sensitivity::Secret),
    ("/etc/systemd/system/k3s-agent.service.env", Sensitivity::Secret),
    ("/etc/rancher/k3s", Sensitivity::Secret),
    ("/etc/rancher/node", Sensitivity::Secret),
    ("/var/lib/rancher/k3s/server/token", Sensitivity::Secret),
    ("/var/lib/rancher/k3s/server/tls", Sensitivity::Secret),
];

/// Directories in directories are followed so deep; ours are two deep.
const MAX_DEPTH: usize = 4;

pub(super) fn collect(host: &Host, secrets: SecretsInBackup, backup: &mut Backup) {
    for (place, content) in PLACES {
        let place = Path::new(place);
        match host.exists(place) {
            Ok(false) => {}
            Ok(true) if content == Sensitivity::Secret && secrets == SecretsInBackup::Excluded => {
                backup.excluded.push(place.display().to_string());
            }
            Ok(true) => add(host, place, secrets, MAX_DEPTH, backup),
            Err(error) => backup.problems.push(error.to_string()),
        }
    }
}

fn add(host: &Host, path: &Path, secrets: SecretsInBackup, depth: usize, backup: &mut Backup) {
    // A link is not followed: it could lead anywhere, and a restore would put a file in its place.
    let status = match host.file_status(path) {
        Ok(Some(status)) => status,
        Ok(None) => return,
        Err(error) => return backup.problems.push(error.to_string()),
    };
    if status.is_dir() && depth > 0 {
        match host.entries(path) {
            Ok(mut names) => {
                names.sort();
                for name in names {
                    add(host, &path.join(name), secrets, depth - 1, backup);
                }
            }
            Err(error) => backup.problems.push(error.to_string()),
        }
    } else if status.is_file() {
        match host.read(path) {
            Ok(Some(bytes)) if secrets == SecretsInBackup::Excluded && is_secret(path, &bytes) => {
                backup.excluded.push(path.display().to_string());
            }
            Ok(Some(bytes)) => backup.files.push(BackupFile {
                path: in_backup(path),
                bytes,
                mode: Some(status.permissions()),
            }),
            Ok(None) => {}
            Err(error) => backup.problems.push(error.to_string()),
        }
    }
}

/// A manifest that k3s applies by itself may be that of a Secret, in YAML or in JSON, alone or in a list; and beside the
/// certificates of a registry there may be the key with which Docker logs in. Where somebody installed k3s by hand, the
/// token may be among the arguments in its unit.
fn is_secret(path: &Path, bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    if path.extension().is_some_and(|extension| extension == "service") {
        return text.lines().any(may_hold_secret);
    }
    let is_kind = |(at, word): (usize, &str)| {
        let rest = text[at + word.len()..].trim_start_matches(['"', '\'']).trim_start();
        let value = rest.strip_prefix(':').map(str::trim_start).unwrap_or_default();
        value.trim_start_matches(['"', '\'']).starts_with("Secret")
    };
    text.contains("PRIVATE KEY-----") || text.match_indices("kind").any(is_kind)
}

fn in_backup(path: &Path) -> String {
    let below = path.strip_prefix("/").unwrap_or(path);
    PathBuf::from("host").join(below).to_string_lossy().into_owned()
}
