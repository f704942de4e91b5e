//! The checksums of the pinned releases as their releases state them: what `cargo xtask pins` writes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use schema::Arch;

use super::pins::{BuiltInSums, place};
use super::{Detection, PlanContext, plan, selected};
use crate::settings::Settings;
use crate::step::{Action, Artifact, Executor, StepError};

/// The content of `pins.sha256` for every artifact that a single node with `settings` fetches, on each architecture. Each
/// is downloaded and must be what its release states.
///
/// # Errors
/// An artifact could not be fetched, or is something else than its release states.
pub fn published_sums(executor: &mut Executor<'_>, settings: &Settings) -> Result<String, StepError> {
    let mut sums = BTreeMap::new();
    for arch in [Arch::Amd64, Arch::Arm64] {
        for artifact in artifacts(settings, arch) {
            let Some(place) = place(&artifact.origin) else { continue };
            if let Entry::Vacant(entry) = sums.entry(place) {
                let sum = executor.published_sum(&artifact)?;
                entry.insert(sum);
            }
        }
    }
    let mut lines: Vec<String> = sums.iter().map(|(place, sum)| format!("{sum}  {place}\n")).collect();
    lines.sort();
    Ok(lines.concat())
}

fn artifacts(settings: &Settings, arch: Arch) -> Vec<Artifact> {
    let staging = Path::new("/");
    let context = PlanContext { settings, arch, staging, sums: BuiltInSums::NONE };
    let steps = selected(settings).flat_map(|spec| plan(spec.id(), &Detection::Missing, &context).steps);
    let fetched = steps.filter_map(|step| match step.action {
        Action::Fetch { artifact, .. } => Some(artifact),
        _ => None,
    });
    fetched.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::COMPONENTS;
    use crate::step::Sha256Sum;

    #[test]
    fn each_built_in_sum_is_one_of_a_pin() {
        let pins = COMPONENTS.iter().filter_map(|spec| spec.pin());
        let versions: Vec<&str> = pins.map(|pin| pin.default.trim_start_matches('v')).collect();
        for line in BuiltInSums::PROGRAM.lines() {
            let (sum, place) = line.split_once("  ").expect("a sum and a place");
            assert!(Sha256Sum::parse(sum).is_some(), "{line}");
            let place = place.replace("%2B", "+");
            assert!(versions.iter().any(|version| place.contains(version)), "{place} is of no pin any more");
        }
    }
}
