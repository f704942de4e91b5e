//! Whether telemetry is wanted, and the proof of it.
//!
//! Consent is a value that must be presented, not a flag that must be checked: all code that stores or sends takes a
//! [`Consented`], so that a forgotten check does not compile. An explicit yes or no in `TELEMETRY_ENABLED` overrides
//! everything, because a layer above has already asked the operator. What cannot be understood means no.

use std::fmt;

use crate::environment::{EnvReader, Environment, VariableWarning, parse_bool};

pub(crate) const ENABLED: &str = "TELEMETRY_ENABLED";
const DO_NOT_TRACK: &str = "DO_NOT_TRACK";
const CI: &str = "CI";

/// Proof that consent was given for this run. Only a [`Consent`] that was given yields one.
///
/// ```compile_fail,E0423
/// let proof = telemetry::Consented(());
/// ```
///
/// ```compile_fail,E0061
/// let outbox = telemetry::Outbox::open(std::path::Path::new("runs/telemetry-outbox"));
/// ```
#[derive(Debug)]
pub struct Consented(());

/// Why telemetry is on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentReason {
    /// `TELEMETRY_ENABLED` says yes.
    Enabled,
    /// `TELEMETRY_ENABLED` says no.
    Disabled,
    /// `TELEMETRY_ENABLED` says neither.
    Unclear,
    /// `DO_NOT_TRACK` says no, and no other variable was set.
    DoNotTrack,
    /// No variable was set, and there was no terminal to ask on.
    NotInteractive,
    /// The operator was asked and agreed.
    Agreed,
    /// The operator was asked and declined.
    Declined,
}

impl ConsentReason {
    /// The reason in words that follow "telemetry is on" or "telemetry is off" and a colon.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Enabled => "TELEMETRY_ENABLED is true",
            Self::Disabled => "TELEMETRY_ENABLED is false",
            Self::Unclear => "TELEMETRY_ENABLED is invalid, use true or false",
            Self::DoNotTrack => "DO_NOT_TRACK is set",
            Self::NotInteractive => "TELEMETRY_ENABLED is not set, and there is no terminal to ask on",
            Self::Agreed => "you agreed for this run",
            Self::Declined => "you declined for this run",
        }
    }
}

impl fmt::Display for ConsentReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.message())
    }
}

/// The consent of this run, given or not.
#[derive(Debug)]
pub struct Consent {
    proof: Option<Consented>,
    reason: ConsentReason,
}

impl Consent {
    fn granted(reason: ConsentReason) -> Self {
        Self { proof: Some(Consented(())), reason }
    }

    fn denied(reason: ConsentReason) -> Self {
        Self { proof: None, reason }
    }

    /// The proof, if consent was given.
    pub fn proof(&self) -> Option<&Consented> {
        self.proof.as_ref()
    }

    /// Why it was given or not.
    pub fn reason(&self) -> ConsentReason {
        self.reason
    }
}

/// What is known before the operator was asked.
#[derive(Debug)]
pub enum ConsentDecision {
    /// No question is needed.
    Decided(Consent),
    /// The operator is to be asked once, before anything else happens.
    Ask(ConsentQuestion),
}

/// The question to the operator. It is answered once.
#[derive(Debug)]
pub struct ConsentQuestion(());

/// What the operator answered; Enter means yes, the end of input and an interrupt mean no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentAnswer {
    /// Agreed.
    Yes,
    /// Declined.
    No,
}

impl ConsentQuestion {
    /// The consent that the answer amounts to.
    pub fn answered(self, answer: ConsentAnswer) -> Consent {
        match answer {
            ConsentAnswer::Yes => Consent::granted(ConsentReason::Agreed),
            ConsentAnswer::No => Consent::denied(ConsentReason::Declined),
        }
    }
}

/// Whether an operator can answer questions of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interactivity {
    /// Standard input and standard error are terminals.
    Interactive,
    /// At least one of them is not.
    NonInteractive,
}

/// Decides by `TELEMETRY_ENABLED`, then `DO_NOT_TRACK`, then by whether the operator can be asked: on a terminal, unless
/// `CI` is set (seed, Delivery Controls).
pub fn decide_consent(
    environment: Environment<'_>,
    interactivity: Interactivity,
) -> (ConsentDecision, Vec<VariableWarning>) {
    // An explicit answer first, then the weaker wishes, then the question: the order of the table in docs/telemetry.md.
    let mut reader = EnvReader::new(environment);
    let answer = reader.raw(ENABLED).map(|value| value.to_str().and_then(yes_or_no));
    let decision = match answer {
        Some(Some(ConsentAnswer::Yes)) => ConsentDecision::Decided(Consent::granted(ConsentReason::Enabled)),
        Some(Some(ConsentAnswer::No)) => ConsentDecision::Decided(Consent::denied(ConsentReason::Disabled)),
        // Off, not the default: a mistyped "false" must never turn telemetry on.
        Some(None) => {
            reader.warn(ENABLED, "is invalid, use true or false; telemetry is off");
            ConsentDecision::Decided(Consent::denied(ConsentReason::Unclear))
        }
        // Weaker than the answer above: the variable is of the whole session, TELEMETRY_ENABLED of this program.
        None if says_do_not_track(&reader) => {
            ConsentDecision::Decided(Consent::denied(ConsentReason::DoNotTrack))
        }
        // In CI a pseudo-terminal is common and no operator is there: the question would hang the job.
        None if interactivity == Interactivity::Interactive && reader.raw(CI).is_none() => {
            ConsentDecision::Ask(ConsentQuestion(()))
        }
        None => ConsentDecision::Decided(Consent::denied(ConsentReason::NotInteractive)),
    };
    (decision, reader.warnings)
}

/// Any value except a plain no counts: an operator who sets this variable does not want to be tracked.
fn says_do_not_track(reader: &EnvReader<'_>) -> bool {
    reader
        .raw(DO_NOT_TRACK)
        .is_some_and(|value| value.to_str().and_then(yes_or_no) != Some(ConsentAnswer::No))
}

fn yes_or_no(text: &str) -> Option<ConsentAnswer> {
    parse_bool(text).map(|is_yes| if is_yes { ConsentAnswer::Yes } else { ConsentAnswer::No })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::fake_environment;

    /// What is decided, whether it is on, and how many warnings there are. `None` means that the operator is asked.
    fn check(
        variables: &[(&str, &str)],
        interactivity: Interactivity,
    ) -> (Option<ConsentReason>, bool, usize) {
        let (decision, warnings) = decide_consent(&fake_environment(variables), interactivity);
        match decision {
            ConsentDecision::Decided(consent) => {
                (Some(consent.reason()), consent.proof().is_some(), warnings.len())
            }
            ConsentDecision::Ask(_) => (None, false, warnings.len()),
        }
    }

    #[test]
    fn every_reason_is_told_apart() {
        use ConsentReason::{Agreed, Declined, Disabled, DoNotTrack, Enabled, NotInteractive, Unclear};
        let reasons = [Enabled, Disabled, Unclear, DoNotTrack, NotInteractive, Agreed, Declined];
        let told: std::collections::HashSet<_> = reasons.iter().map(ToString::to_string).collect();
        assert!(told.len() == reasons.len() && !told.contains(""), "{told:?}");
    }

    #[test]
    fn what_is_said_is_said() {
        for yes in ["true", "TRUE", "1", "yes", "Y", "on", " true "] {
            for interactivity in [Interactivity::Interactive, Interactivity::NonInteractive] {
                let told =
                    check(&[("TELEMETRY_ENABLED", yes), ("DO_NOT_TRACK", "1"), ("CI", "1")], interactivity);
                assert_eq!(told, (Some(ConsentReason::Enabled), true, 0), "{yes}");
            }
        }
        for no in ["false", "False", "0", "no", "N", "off"] {
            assert_eq!(
                check(&[("TELEMETRY_ENABLED", no)], Interactivity::Interactive),
                (Some(ConsentReason::Disabled), false, 0),
                "{no}"
            );
        }
        for unclear in ["maybe", "2", "tru", "yes please"] {
            let told = check(&[("TELEMETRY_ENABLED", unclear)], Interactivity::Interactive);
            assert_eq!(told, (Some(ConsentReason::Unclear), false, 1), "{unclear}");
        }
    }

    #[test]
    fn a_value_that_is_no_text_is_off_and_warned_about_without_it() {
        use std::os::unix::ffi::OsStringExt;
        let environment = |name: &str| (name == ENABLED).then(|| std::ffi::OsString::from_vec(vec![0xff]));
        let (decision, warnings) = decide_consent(&environment, Interactivity::Interactive);
        assert!(
            matches!(decision, ConsentDecision::Decided(consent) if consent.reason() == ConsentReason::Unclear)
        );
        assert_eq!(
            warnings[0].to_string(),
            "TELEMETRY_ENABLED is invalid, use true or false; telemetry is off"
        );
    }

    #[test]
    fn who_says_nothing_is_asked_if_anybody_is_there() {
        for nothing in
            [&[][..], &[("TELEMETRY_ENABLED", "")], &[("DO_NOT_TRACK", "0")], &[("DO_NOT_TRACK", "")]]
        {
            assert_eq!(check(nothing, Interactivity::Interactive), (None, false, 0), "{nothing:?}");
            assert_eq!(
                check(nothing, Interactivity::NonInteractive),
                (Some(ConsentReason::NotInteractive), false, 0),
                "{nothing:?}"
            );
        }
        assert_eq!(
            check(&[("CI", "true")], Interactivity::Interactive),
            (Some(ConsentReason::NotInteractive), false, 0)
        );
        for set in ["1", "true", "please"] {
            assert_eq!(
                check(&[("DO_NOT_TRACK", set)], Interactivity::Interactive),
                (Some(ConsentReason::DoNotTrack), false, 0)
            );
        }
    }

    #[test]
    fn only_a_yes_to_the_question_is_consent() {
        let (ConsentDecision::Ask(question), _) =
            decide_consent(&fake_environment(&[]), Interactivity::Interactive)
        else {
            panic!("asked")
        };
        assert!(question.answered(ConsentAnswer::No).proof().is_none());
        let (ConsentDecision::Ask(question), _) =
            decide_consent(&fake_environment(&[]), Interactivity::Interactive)
        else {
            panic!("asked")
        };
        let consent = question.answered(ConsentAnswer::Yes);
        assert_eq!((consent.proof().is_some(), consent.reason()), (true, ConsentReason::Agreed));
    }
}
