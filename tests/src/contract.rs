//! The published contract, as a receiver reads it: from the committed files.

use std::fs;

use jsonschema::{PatternOptions, Validator};
use schema::DocumentKind;
use serde_json::Value;

use crate::workspace;

/// Validators made of the published schemas, formats asserted.
#[derive(Debug)]
pub struct Contract {
    manifest: Validator,
    telemetry: Validator,
}

impl Contract {
    /// Reads the published files.
    pub fn published() -> Self {
        Self { manifest: validator(DocumentKind::RunManifest), telemetry: validator(DocumentKind::Telemetry) }
    }

    /// Fails unless `document` is a valid run manifest.
    pub fn check_manifest(&self, document: &Value) {
        check(&self.manifest, document);
    }

    /// Fails unless `document` is a valid telemetry document.
    pub fn check_telemetry(&self, document: &Value) {
        check(&self.telemetry, document);
    }
}

fn validator(kind: DocumentKind) -> Validator {
    let path = workspace().join("schema/contract/v1").join(kind.schema_file());
    let text = fs::read_to_string(&path).expect("the contract is committed");
    let schema = serde_json::from_str(&text).expect("JSON");
    jsonschema::options()
        .offline()
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .with_pattern_options(PatternOptions::regex())
        .build(&schema)
        .expect("a schema")
}

fn check(validator: &Validator, document: &Value) {
    let errors: Vec<String> = validator.iter_errors(document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {document:#}");
}
