//! Making Longhorn's storage class the default for good.
//!
//! k3s applies the manifest of its own class at every start, and with it the mark of the default. A file beside the manifest
//! makes k3s leave it alone; it does not take the mark away, so both are needed: the file, and then the switch. Disabling
//! the manifest by an argument of k3s would delete the class and its provisioner from under the volumes that use them. What
//! the file costs: k3s' upgrades do not upgrade the provisioner any more.

use std::path::Path;

use serde_json::Value;

use super::super::Probe;
use crate::host::ProbeError;
use crate::step::{Action, Check, Condition, Content, Step, text};

/// k3s' own storage class.
const LOCAL_PATH: &str = "local-path";
pub(super) const SKIP: &str = "/var/lib/rancher/k3s/server/manifests/local-storage.yaml.skip";
const WHY: &str = "Keeps k3s from marking local-path as the default storage class at each start.\nIt also keeps k3s' \
                   upgrades from upgrading the provisioner of local-path.\n";

/// The steps, for `class`, which Longhorn may not have made yet.
pub(super) fn steps(class: &str) -> [Step; 3] {
    let there = Condition::StorageClass(class.to_owned());
    let skip = Action::Write { path: SKIP.into(), mode: 0o600, content: Content::Text(WHY.to_owned()) };
    [
        Step::new("storage class exists", Action::Wait(Check::within(300, there))),
        Step::new("keep k3s from resetting the default class", skip),
        Step::new("default storage class", Action::MakeDefaultClass(class.to_owned())),
    ]
}

/// Whether k3s would undo the switch at its next start. The directory is root's alone: who may not look is not told, and
/// that is no reason to know nothing of Longhorn.
pub(super) fn is_undone_at_start(probe: &Probe<'_>, classes: &Value) -> Result<bool, ProbeError> {
    let all = classes.get("items").and_then(Value::as_array);
    let has_own =
        all.is_some_and(|all| all.iter().any(|class| text(class, "/metadata/name") == Some(LOCAL_PATH)));
    if !has_own {
        return Ok(false);
    }
    match probe.host.exists(Path::new(SKIP)) {
        Ok(there) => Ok(!there),
        Err(error) if error.is_denied() => Ok(false),
        Err(error) => Err(error.into()),
    }
}
