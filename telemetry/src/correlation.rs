//! The ids that the documents of one chain of commands share.
//!
//! Ids come from other programs, so each must be random by its form and pass the gate: a layer above may build one from a
//! host name. A session or run id that cannot be used is replaced by a fresh one, so that documents of this run still
//! belong together. An unusable parent is left out instead: an invented one would name a run that never existed.

use privacy::Gate;
use schema::{ComponentLabel, Envelope, EventId, Id, RunManifest, TelemetryDocument, TelemetryEvent};

use crate::consent::{Consent, ENABLED};
use crate::environment::{EnvReader, Environment, VariableWarning};
use crate::outbox::now;
use crate::request::VettedHeaderValue;
use crate::settings::{DeliverySettings, MARKER};

const SESSION_ID: &str = "TELEMETRY_SESSION_ID";
const RUN_ID: &str = "TELEMETRY_RUN_ID";
const PARENT_RUN_ID: &str = "TELEMETRY_PARENT_RUN_ID";
const COMPONENT: &str = "TELEMETRY_COMPONENT";

/// What is accepted, and how to make it. The gate may also have refused a random form: a host name can look like a UUID.
macro_rules! not_an_id {
    ($instead:literal) => {
        concat!(
            "is not a random id that may be sent, so ",
            $instead,
            "; accepted is a UUID of version 4 or 7 in lower case, or 16 or 32 lower-case hexadecimal digits; \
             make one with: uuidgen"
        )
    };
}

const REPLACED: &str = not_an_id!("a fresh one is used");
const LEFT_OUT: &str = not_an_id!("no parent is reported");

/// The envelope of this run's documents (seed, Correlation model).
///
/// With a parent run id, another layer has called us: its session continues, and our run id is fresh, whatever run id
/// it exported; the component is then core, whatever is exported. Without one, session and run id may come from
/// outside. Text that is no id, and an id that identifies this machine, is replaced; such a parent is left out.
pub fn envelope_from_env(environment: Environment<'_>, gate: &Gate) -> (Envelope, Vec<VariableWarning>) {
    let mut reader = EnvReader::new(environment);
    let is_delegated = reader.raw(PARENT_RUN_ID).is_some();
    let parent_run_id = reader.parsed(PARENT_RUN_ID, LEFT_OUT, |text| usable(text, gate));
    let mut given = |variable| reader.parsed(variable, REPLACED, |text| usable(text, gate));
    let session_id = given(SESSION_ID).unwrap_or_else(|| fresh(gate));
    // A parent exports its own run id to all its children; using it would give several runs one id.
    let run_id = if is_delegated { None } else { given(RUN_ID) }.unwrap_or_else(|| fresh(gate));
    // A layer above exports its own label as well; that label is its name and not ours.
    let label = if is_delegated {
        None
    } else {
        reader.parsed(COMPONENT, "is not core, infra or cli, so core is used", ComponentLabel::from_word)
    };
    let component = label.unwrap_or(ComponentLabel::Core);
    (Envelope { session_id, run_id, parent_run_id, component }, reader.warnings)
}

/// The document that delivers the manifest of a run that has ended. Under the same ids it is the same document, whether the
/// run stores it or an operator sends it later, so that a receiver counts it once.
///
/// Its run is that of the manifest, whatever run sends it.
pub fn manifest_document(manifest: RunManifest, envelope: &Envelope, event_id: EventId) -> TelemetryDocument {
    let of_run = Envelope { run_id: manifest.run_id.clone(), ..envelope.clone() };
    // Not when it is stored: receivers know a document by this time too.
    let occurred_at = manifest.finished_at.unwrap_or_else(now);
    of_run.document(TelemetryEvent::Manifest(Box::new(manifest)), event_id, occurred_at)
}

/// The variables by which a telemetry-aware child process continues the chain and inherits the consent and the marker.
pub fn child_environment(
    envelope: &Envelope,
    consent: &Consent,
    settings: &DeliverySettings,
) -> [(&'static str, String); 4] {
    let marker = settings.chosen_marker.as_ref().map_or("", VettedHeaderValue::as_str);
    [
        (SESSION_ID, envelope.session_id.to_string()),
        (PARENT_RUN_ID, envelope.run_id.to_string()),
        // The child must not ask a question that was answered for the whole chain already.
        (ENABLED, consent.proof().is_some().to_string()),
        // Only a marker that this process may send: the child does not know its private settings. Empty is none.
        (MARKER, marker.to_owned()),
    ]
}

/// What the log says where a parent is given and a run id is exported too. It is no warning: layers above export theirs
/// always, and nothing is lost.
pub fn ignored_run_id(environment: Environment<'_>) -> Option<VariableWarning> {
    let reader = EnvReader::new(environment);
    let is_ignored = reader.raw(PARENT_RUN_ID).is_some() && reader.raw(RUN_ID).is_some();
    is_ignored.then_some(VariableWarning {
        variable: RUN_ID,
        message: "is ignored, because TELEMETRY_PARENT_RUN_ID is given: this run has an id of its own",
    })
}

/// The id, if it may be sent. An unusable one is no error: a run must not fail for what only telemetry needs.
fn usable(text: &str, gate: &Gate) -> Option<Id> {
    Id::parse(text).ok().filter(|id| gate.check_text(id.as_str()).is_ok())
}

/// A random id that does not contain a name of this machine by chance. Only a name of a few hexadecimal digits can
/// occur in one, and another id then does not contain it.
fn fresh(gate: &Gate) -> Id {
    let mut ids = std::iter::repeat_with(Id::random).take(16);
    ids.find(|id| gate.check_text(id.as_str()).is_ok()).unwrap_or_else(Id::random)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::consent::{ConsentDecision, Interactivity, decide_consent};
    use crate::environment::fake_environment;
    use crate::outbox::OutboxDir;
    use privacy::LocalIdentifiers;

    fn gate() -> Gate {
        Gate::new(LocalIdentifiers::default().with_private(["srv01"]))
    }

    fn check(variables: &[(&str, &str)]) -> (Envelope, Vec<&'static str>) {
        let (envelope, warnings) = envelope_from_env(&fake_environment(variables), &gate());
        (envelope, warnings.iter().map(|warning| warning.variable).collect())
    }

    fn is_fresh(id: &Id) -> bool {
        id.as_str().len() == 36 && id.as_str().as_bytes()[14] == b'4'
    }

    #[test]
    fn standalone_takes_what_is_given_and_makes_the_rest() {
        let (envelope, warnings) = check(&[]);
        assert!(is_fresh(&envelope.session_id) && is_fresh(&envelope.run_id) && warnings.is_empty());
        assert_eq!((envelope.parent_run_id, envelope.component), (None, ComponentLabel::Core));
        let given = [(SESSION_ID, "9f86d081884c7d65"), (RUN_ID, "4bf92f3577b34da6a3ce929d0e0e4736")];
        let (envelope, warnings) = check(&given);
        assert_eq!(envelope.session_id.as_str(), "9f86d081884c7d65");
        assert_eq!(envelope.run_id.as_str(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(warnings.is_empty());
    }

    #[test]
    fn delegated_goes_on_with_the_session_and_has_its_own_run_id() {
        let (envelope, warnings) = check(&[
            (SESSION_ID, "9f86d081884c7d65"),
            (RUN_ID, "0123456789abcdef"),
            (PARENT_RUN_ID, "0123456789abcdef"),
            (COMPONENT, "infra"),
        ]);
        assert_eq!(envelope.session_id.as_str(), "9f86d081884c7d65");
        assert_eq!(envelope.parent_run_id.as_ref().map(Id::as_str), Some("0123456789abcdef"));
        assert!(is_fresh(&envelope.run_id) && warnings.is_empty());
        assert_eq!(envelope.component, ComponentLabel::Core, "the label is that of the layer above");
    }

    #[test]
    fn evil_ids_are_replaced_with_one_warning_each() {
        let evil = [
            "../../x",
            "a.b",
            "9f86d081 84c7d65",
            "9f86d081884c7d65\n",
            "caf\u{e9}",
            "-a",
            "run-srv01-7",
            "session-123",
            "1795334402",
            "20261122-075002-3078-565430571",
            "9F86D081884C7D65",
            "9f86d081884c7d65-private",
            // `srv01` in hexadecimal, in both forms of an id.
            "7372763031c7d659",
            "73727630-31c7-4d53-9a55-0b6f3a2c7d10",
        ];
        for evil in evil {
            let (envelope, warnings) = check(&[(SESSION_ID, evil), (RUN_ID, evil)]);
            assert!(is_fresh(&envelope.session_id) && is_fresh(&envelope.run_id), "{evil:?}");
            assert_ne!(envelope.session_id.as_str(), evil);
            assert_eq!(warnings, [SESSION_ID, RUN_ID], "{evil:?}");
            let (envelope, warnings) = check(&[(PARENT_RUN_ID, evil), (RUN_ID, evil)]);
            assert_eq!(envelope.parent_run_id, None, "{evil:?}");
            assert!(is_fresh(&envelope.run_id) && envelope.run_id.as_str() != evil, "{evil:?}");
            assert_eq!(warnings, [PARENT_RUN_ID], "{evil:?}");
        }
    }

    #[test]
    fn a_warning_says_what_is_accepted_and_how_to_make_it() {
        let variables = [(SESSION_ID, "session-123"), (PARENT_RUN_ID, "pipeline-7")];
        let (_, warnings) = envelope_from_env(&fake_environment(&variables), &gate());
        let [parent, session] = &warnings[..] else { panic!("{warnings:?}") };
        assert_eq!(
            session.to_string(),
            "TELEMETRY_SESSION_ID is not a random id that may be sent, so a fresh one is used; accepted is a UUID of \
             version 4 or 7 in lower case, or 16 or 32 lower-case hexadecimal digits; make one with: uuidgen"
        );
        assert!(parent.to_string().contains("no parent is reported"), "{parent}");
    }

    #[test]
    fn an_exported_run_id_beside_a_parent_is_worth_a_line_in_the_log() {
        let given = ("9f86d081884c7d65", "0123456789abcdef");
        let note = |variables: &[(&str, &str)]| ignored_run_id(&fake_environment(variables));
        assert_eq!(note(&[(RUN_ID, given.0)]), None);
        assert_eq!(note(&[(PARENT_RUN_ID, given.1)]), None);
        let note = note(&[(RUN_ID, given.0), (PARENT_RUN_ID, given.1)]).expect("a note").to_string();
        assert!(note.starts_with("TELEMETRY_RUN_ID is ignored") && !note.contains(given.0), "{note}");
    }

    #[test]
    fn our_own_ids_name_no_machine() {
        // A host of four hexadecimal digits may stand between the hyphens of a UUID: here a quarter of all do.
        let gate = Gate::new(
            LocalIdentifiers::default().with_private((0..0x4000).map(|name| format!("{name:04x}"))),
        );
        for _ in 0..50 {
            let (envelope, _) = envelope_from_env(&fake_environment(&[]), &gate);
            assert_eq!(gate.check_text(envelope.run_id.as_str()), Ok(()));
        }
    }

    #[test]
    fn unknown_layers_become_core() {
        let (envelope, warnings) = check(&[(COMPONENT, "srv01")]);
        assert_eq!((envelope.component, warnings), (ComponentLabel::Core, vec![COMPONENT]));
    }

    #[test]
    fn children_go_on_with_the_chain_the_consent_and_the_marker_that_may_be_sent() {
        let (envelope, _) = check(&[]);
        for (word, expected, marker, vetted) in
            [("yes", "true", "fleet-7", "fleet-7"), ("no", "false", "on-srv01", "")]
        {
            let said = [(ENABLED, word)];
            let (ConsentDecision::Decided(consent), _) =
                decide_consent(&fake_environment(&said), Interactivity::Interactive)
            else {
                panic!("decided")
            };
            let (settings, _) = DeliverySettings::from_env(
                &fake_environment(&[(MARKER, marker)]),
                &gate(),
                OutboxDir::below(Path::new("runs")),
            );
            let [session, parent, enabled, own_marker] = child_environment(&envelope, &consent, &settings);
            assert_eq!(session, (SESSION_ID, envelope.session_id.to_string()));
            assert_eq!(parent, (PARENT_RUN_ID, envelope.run_id.to_string()));
            assert_eq!(enabled, (ENABLED, expected.to_owned()));
            assert_eq!(own_marker, (MARKER, vetted.to_owned()));
        }
    }
}
