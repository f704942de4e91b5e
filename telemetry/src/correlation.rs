//! The ids that the documents of one chain of commands share.
//!
//! Ids come from other programs, so each passes the gate: a layer above may build one from a host name. One that
//! cannot be used is replaced by a random one and not dropped, so that documents of this run still belong together.

use privacy::Gate;
use schema::{ComponentLabel, Envelope, Id};
use uuid::Uuid;

use crate::consent::{Consent, ENABLED};
use crate::environment::{EnvReader, Environment, VariableWarning};

const SESSION_ID: &str = "TELEMETRY_SESSION_ID";
const RUN_ID: &str = "TELEMETRY_RUN_ID";
const PARENT_RUN_ID: &str = "TELEMETRY_PARENT_RUN_ID";
const COMPONENT: &str = "TELEMETRY_COMPONENT";

/// A run id with this ending would give the public manifest the name of another run's private file.
const PRIVATE_ENDING: &str = "-private";

const REPLACED: &str = "is not an id that may be sent, so a fresh one is used";

/// The envelope of this run's documents (seed, Correlation model).
///
/// With a parent run id we are called by another layer: its session goes on, and our run id is fresh, whatever run id
/// it left exported. Without one, session and run id may be given from outside. Ids that are none, or tell of this
/// machine, are replaced.
pub fn envelope_from_env(environment: Environment<'_>, gate: &Gate) -> (Envelope, Vec<VariableWarning>) {
    let mut reader = EnvReader::new(environment);
    let is_delegated = reader.raw(PARENT_RUN_ID).is_some();
    let parent_run_id = is_delegated.then(|| id(&mut reader, PARENT_RUN_ID, gate));
    let session_id = id(&mut reader, SESSION_ID, gate);
    // A parent exports its own run id to all its children; taking it over would give several runs one id.
    let run_id = if is_delegated { Id::from(Uuid::new_v4()) } else { id(&mut reader, RUN_ID, gate) };
    let component = reader
        .parsed(COMPONENT, "is not core, infra or cli, so core is used", ComponentLabel::from_word)
        .unwrap_or(ComponentLabel::Core);
    (Envelope { session_id, run_id, parent_run_id, component }, reader.warnings)
}

/// The variables by which a telemetry-aware child process continues the chain and inherits the consent.
pub fn child_environment(envelope: &Envelope, consent: &Consent) -> [(&'static str, String); 3] {
    [
        (SESSION_ID, envelope.session_id.to_string()),
        (PARENT_RUN_ID, envelope.run_id.to_string()),
        (ENABLED, consent.proof().is_some().to_string()),
    ]
}

fn id(reader: &mut EnvReader<'_>, variable: &'static str, gate: &Gate) -> Id {
    let usable = |text: &str| {
        let misleads = variable == RUN_ID && text.ends_with(PRIVATE_ENDING);
        Id::parse(text).ok().filter(|_| !misleads && gate.check_text(text).is_ok())
    };
    reader.parsed(variable, REPLACED, usable).unwrap_or_else(|| Id::from(Uuid::new_v4()))
}

#[cfg(test)]
mod tests {
    use privacy::LocalIdentifiers;

    use super::*;
    use crate::consent::{ConsentDecision, Interactivity, decide_consent};
    use crate::environment::fake_environment;

    fn gate() -> Gate {
        Gate::new(LocalIdentifiers::default().with_private(["srv01"]))
    }

    fn check(variables: &[(&str, &str)]) -> (Envelope, Vec<&'static str>) {
        let (envelope, warnings) = envelope_from_env(&fake_environment(variables), &gate());
        (envelope, warnings.iter().map(|warning| warning.variable).collect())
    }

    fn is_fresh(id: &Id) -> bool {
        Uuid::try_parse(id.as_str()).is_ok_and(|uuid| uuid.get_version() == Some(uuid::Version::Random))
    }

    #[test]
    fn standalone_takes_what_is_given_and_makes_the_rest() {
        let (envelope, warnings) = check(&[]);
        assert!(is_fresh(&envelope.session_id) && is_fresh(&envelope.run_id) && warnings.is_empty());
        assert_eq!((envelope.parent_run_id, envelope.component), (None, ComponentLabel::Core));
        let given = [(SESSION_ID, "9f86d081884c7d65"), (RUN_ID, "20261122-075002-3078-565430571")];
        let (envelope, warnings) = check(&given);
        assert_eq!(envelope.session_id.as_str(), "9f86d081884c7d65");
        assert_eq!(envelope.run_id.as_str(), "20261122-075002-3078-565430571");
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
        assert_eq!(envelope.component, ComponentLabel::Infra);
    }

    #[test]
    fn evil_ids_are_replaced_with_one_warning_each() {
        let long = "a".repeat(65);
        for evil in ["../../x", "a.b", "a b", "a\n", &long, "caf\u{e9}", "-a", "run-srv01-7"] {
            let (envelope, warnings) = check(&[(SESSION_ID, evil), (RUN_ID, evil)]);
            assert!(is_fresh(&envelope.session_id) && is_fresh(&envelope.run_id), "{evil:?}");
            assert_eq!(warnings, [SESSION_ID, RUN_ID], "{evil:?}");
            let (envelope, warnings) = check(&[(PARENT_RUN_ID, evil), (RUN_ID, evil)]);
            assert!(envelope.parent_run_id.as_ref().is_some_and(is_fresh), "{evil:?}");
            assert_eq!(warnings, [PARENT_RUN_ID], "{evil:?}");
        }
        let (_, warnings) = envelope_from_env(&fake_environment(&[(SESSION_ID, "../../x")]), &gate());
        assert_eq!(warnings[0].to_string(), format!("{SESSION_ID} {REPLACED}"));
    }

    #[test]
    fn a_run_id_cannot_name_another_runs_private_file() {
        let (envelope, warnings) = check(&[(RUN_ID, "a-private"), (SESSION_ID, "a-private")]);
        assert!(is_fresh(&envelope.run_id));
        assert_eq!((envelope.session_id.as_str(), warnings), ("a-private", vec![RUN_ID]));
    }

    #[test]
    fn unknown_layers_become_core() {
        let (envelope, warnings) = check(&[(COMPONENT, "srv01")]);
        assert_eq!((envelope.component, warnings), (ComponentLabel::Core, vec![COMPONENT]));
    }

    #[test]
    fn children_go_on_with_the_chain_and_the_consent() {
        let (envelope, _) = check(&[]);
        for (word, expected) in [("yes", "true"), ("no", "false")] {
            let said = [(ENABLED, word)];
            let (ConsentDecision::Decided(consent), _) =
                decide_consent(&fake_environment(&said), Interactivity::Interactive)
            else {
                panic!("decided")
            };
            let [session, parent, enabled] = child_environment(&envelope, &consent);
            assert_eq!(session, (SESSION_ID, envelope.session_id.to_string()));
            assert_eq!(parent, (PARENT_RUN_ID, envelope.run_id.to_string()));
            assert_eq!(enabled, (ENABLED, expected.to_owned()));
        }
    }
}
