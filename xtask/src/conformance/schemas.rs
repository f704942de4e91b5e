//! Whether the published schemas are sound schemas themselves. That ajv compiles them in strict mode without a warning
//! is part of its own run.

use std::path::{Path, PathBuf};
use std::process::Command;

use schema::DocumentKind;

use super::{Outcome, checked, install};

/// Checks both schemas against the metaschema; what is wrong.
pub(super) fn check(contract: &Path, python: &Outcome<PathBuf>) -> Option<String> {
    let outcome = match python {
        Outcome::Ran(programs) => {
            let schemas = DocumentKind::ALL.map(|kind| contract.join(kind.schema_file()));
            let mut command = Command::new(programs.join("check-jsonschema"));
            Outcome::Ran(
                install::output_of(command.arg("--check-metaschema").args(schemas))
                    .map(|said| said.trim().to_owned()),
            )
        }
        Outcome::Skipped(reason) => Outcome::Skipped(reason.clone()),
    };
    checked("check-jsonschema --check-metaschema", outcome)
}
