//! How a body is judged: by the same gate as the sender's, on the bytes as they arrived.

use privacy::{Gate, Rejection};
use schema::DocumentKind;

use crate::arrival::Arrival;

/// The verdict of the gate and the contract on a body.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It may be stored.
    Pass(Box<Arrival>),
    /// It is too large, not UTF-8, not one JSON value, too deep, or has a key twice.
    Malformed(Rejection),
    /// The schema or the denylist refuses it.
    Refused(Rejection),
    /// It is a run manifest and no telemetry document.
    NotAnEvent,
    /// It is of a contract that this build does not know yet, so refusing it permanently would lose it.
    Newer,
}

/// Judges a body. A receiver has no local identifiers of the sender; schema and denylist apply in full.
pub(crate) fn judge(body: &[u8]) -> Verdict {
    match Gate::default().check(body) {
        Ok(DocumentKind::RunManifest) => Verdict::NotAnEvent,
        // If the gate passed a document and the types did not, that would be our fault; the schemas are made from the types.
        Ok(DocumentKind::Telemetry) => {
            Arrival::read(body).map_or(Verdict::NotAnEvent, |arrival| Verdict::Pass(Box::new(arrival)))
        }
        Err(rejection) if is_malformed(&rejection) => Verdict::Malformed(rejection),
        Err(rejection) if rejection.is_of_newer_contract(body) => Verdict::Newer,
        Err(rejection) => Verdict::Refused(rejection),
    }
}

/// The rules about a document as a whole have ids of one part; the others are `schema.` or `value.` and so on.
fn is_malformed(rejection: &Rejection) -> bool {
    const RULES: [&str; 5] = ["size", "syntax", "utf8", "depth", "duplicate_key"];
    rejection.violations().iter().any(|violation| RULES.contains(&violation.rule()))
}

#[cfg(test)]
mod tests {
    use schema::CONTRACT_VERSION;

    use super::*;

    #[test]
    fn only_a_newer_contract_of_our_major_version_is_parked() {
        let judged = |version: &str| {
            judge(
                format!(r#"{{"event_family":"later","telemetry_meta":{{"contract_version":"{version}"}}}}"#)
                    .as_bytes(),
            )
        };
        assert!(matches!(judged("1.99.0"), Verdict::Newer));
        assert!(matches!(judged(CONTRACT_VERSION), Verdict::Refused(_)));
        assert!(matches!(judged("2.0.0"), Verdict::Refused(_)));
        assert!(matches!(judge(b"{"), Verdict::Malformed(_)));
    }
}
