//! The JSON of `validate` as the layers read it.

use serde::Serialize;

use crate::verify::{VerifyOutcome, VerifyReport};

/// The document. What could not be found out counts as a failure: a cluster that nobody could look at is not validated.
#[derive(Debug, Serialize)]
pub struct StackValidation {
    status: &'static str,
    strict: bool,
    failures: usize,
    warnings: usize,
    results: Vec<ValidationResult>,
}

#[derive(Debug, Serialize)]
struct ValidationResult {
    level: &'static str,
    check: &'static str,
    message: String,
}

impl StackValidation {
    /// The document of what was verified. Checks that this installation has no use for are left out.
    pub fn new(report: &VerifyReport, strict: bool) -> Self {
        let results: Vec<ValidationResult> = report
            .checks
            .iter()
            .filter_map(|check| {
                let level = match check.outcome {
                    VerifyOutcome::Ok => "ok",
                    VerifyOutcome::Failed | VerifyOutcome::Unknown => "fail",
                    VerifyOutcome::Skipped => return None,
                };
                let evidence = check.evidence.as_deref().map_or_else(String::new, |text| format!(": {text}"));
                let message = format!("{}{evidence}", check.check);
                Some(ValidationResult { level, check: check.component.as_str(), message })
            })
            .collect();
        let failures = results.iter().filter(|result| result.level == "fail").count();
        let status = if failures > 0 { "fail" } else { "ok" };
        Self { status, strict, failures, warnings: 0, results }
    }

    /// Whether it is as it should be.
    pub const fn passed(&self) -> bool {
        self.failures == 0
    }
}
