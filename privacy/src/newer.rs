//! Documents of a contract that is newer than the one this gate was built with.

use schema::{CONTRACT_VERSION, ContractVersion};
use serde::Deserialize;

use crate::rejection::Rejection;

impl Rejection {
    /// Whether the refused `document` states a contract of this major version that is newer than the gate's, and its schema
    /// refuses it. A receiver that refused it for good would lose it; the contract (Evolution) says how to keep it.
    ///
    /// Nothing else of the document is read.
    pub fn is_of_newer_contract(&self, document: &[u8]) -> bool {
        self.violations().iter().any(|violation| violation.rule().starts_with("schema."))
            && states_newer(document)
    }
}

fn states_newer(document: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Stated {
        telemetry_meta: Meta,
    }
    #[derive(Deserialize)]
    struct Meta {
        contract_version: ContractVersion,
    }
    let stated = serde_json::from_slice::<Stated>(document);
    stated.is_ok_and(|stated| {
        numbers(stated.telemetry_meta.contract_version.as_str()) > numbers(CONTRACT_VERSION)
    })
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').filter_map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Gate;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(numbers("1.10.0") > numbers("1.9.9"));
        assert!(numbers("1.0.1") > numbers("1.0.0"));
    }

    #[test]
    fn only_what_the_schema_refuses_and_a_newer_contract_explains_is_newer() {
        let is_newer = |document: &str| {
            let rejection = Gate::default().check(document.as_bytes()).expect_err("refused");
            rejection.is_of_newer_contract(document.as_bytes())
        };
        let stating = |version: &str| {
            format!(r#"{{"event_family":"later","telemetry_meta":{{"contract_version":"{version}"}}}}"#)
        };
        assert!(is_newer(&stating("1.99.0")));
        assert!(!is_newer(&stating(CONTRACT_VERSION)));
        assert!(!is_newer(&stating("2.0.0")));
        // Read strictly, it is refused before any schema is asked.
        assert!(!is_newer(
            &stating("1.99.0").replace(r#""event_family""#, r#""event_family":"","event_family""#)
        ));
        assert!(!is_newer("{"));
    }
}
