//! Whether telemetry is wanted, and the proof of it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::environment::{Environment, Reader, Warning};

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
pub enum Reason {
    /// `TELEMETRY_ENABLED` says yes.
    Enabled,
    /// `TELEMETRY_ENABLED` says no.
    Disabled,
    /// `TELEMETRY_ENABLED` says neither.
    Unclear,
    /// `DO_NOT_TRACK` says no, and nothing else was said.
    DoNotTrack,
    /// Nothing was said and nobody could be asked.
    NotInteractive,
    /// The operator was asked and agreed.
    Agreed,
    /// The operator was asked and declined.
    Declined,
}

impl Reason {
    /// The reason in words that follow "telemetry is on" or "telemetry is off" and a colon.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Enabled => "TELEMETRY_ENABLED says yes",
            Self::Disabled => "TELEMETRY_ENABLED says no",
            Self::Unclear => "TELEMETRY_ENABLED is neither yes nor no",
            Self::DoNotTrack => "DO_NOT_TRACK is set",
            Self::NotInteractive => "TELEMETRY_ENABLED is not set and nobody can be asked",
            Self::Agreed => "you agreed for this run",
            Self::Declined => "you declined for this run",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.words())
    }
}

/// The consent of this run, given or not.
#[derive(Debug)]
pub struct Consent {
    proof: Option<Consented>,
    why: Reason,
}

impl Consent {
    fn given(why: Reason) -> Self {
        Self { proof: Some(Consented(())), why }
    }

    fn refused(why: Reason) -> Self {
        Self { proof: None, why }
    }

    /// The proof, if consent was given.
    pub fn proof(&self) -> Option<&Consented> {
        self.proof.as_ref()
    }

    /// Why it was given or not.
    pub fn why(&self) -> Reason {
        self.why
    }
}

/// What is known before anybody was asked.
#[derive(Debug)]
pub enum Decision {
    /// Nobody needs to be asked.
    Decided(Consent),
    /// The operator is to be asked once, before anything else happens.
    Ask(Question),
}

/// The question to the operator. It is answered once.
#[derive(Debug)]
pub struct Question(());

/// What the operator answered; Enter means yes, the end of input and an interrupt mean no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Agreed.
    Yes,
    /// Declined.
    No,
}

impl Question {
    /// The consent that the answer amounts to.
    pub fn answered(self, answer: Answer) -> Consent {
        match answer {
            Answer::Yes => Consent::given(Reason::Agreed),
            Answer::No => Consent::refused(Reason::Declined),
        }
    }
}

/// Whether an operator sits in front of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminals {
    /// Standard input and standard error are terminals.
    Both,
    /// At least one of them is not.
    NotBoth,
}

/// Decides by `TELEMETRY_ENABLED`, then `DO_NOT_TRACK`, then by whether anybody can be asked: on terminals, unless `CI`
/// is set (seed, Delivery Controls).
pub fn decide(environment: Environment<'_>, terminals: Terminals) -> (Decision, Vec<Warning>) {
    let mut reader = Reader::new(environment);
    let flag = reader.raw(ENABLED).map(|value| value.to_str().and_then(yes_or_no));
    let decision = match flag {
        Some(Some(Answer::Yes)) => Decision::Decided(Consent::given(Reason::Enabled)),
        Some(Some(Answer::No)) => Decision::Decided(Consent::refused(Reason::Disabled)),
        Some(None) => {
            reader.warn(ENABLED, "is neither yes nor no, so telemetry is off");
            Decision::Decided(Consent::refused(Reason::Unclear))
        }
        None if says_do_not_track(&reader) => Decision::Decided(Consent::refused(Reason::DoNotTrack)),
        None if terminals == Terminals::Both && reader.raw(CI).is_none() => Decision::Ask(Question(())),
        None => Decision::Decided(Consent::refused(Reason::NotInteractive)),
    };
    (decision, reader.warnings)
}

/// Anything but a plain no counts: who sets this variable at all does not want to be tracked.
fn says_do_not_track(reader: &Reader<'_>) -> bool {
    reader.raw(DO_NOT_TRACK).is_some_and(|value| value.to_str().and_then(yes_or_no) != Some(Answer::No))
}

fn yes_or_no(text: &str) -> Option<Answer> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "y" | "on" => Some(Answer::Yes),
        "false" | "0" | "no" | "n" | "off" => Some(Answer::No),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::of;

    /// What is decided, whether it is on, and how many warnings there are. `None` means that the operator is asked.
    fn check(variables: &[(&str, &str)], terminals: Terminals) -> (Option<Reason>, bool, usize) {
        let (decision, warnings) = decide(&of(variables), terminals);
        match decision {
            Decision::Decided(consent) => (Some(consent.why()), consent.proof().is_some(), warnings.len()),
            Decision::Ask(_) => (None, false, warnings.len()),
        }
    }

    #[test]
    fn what_is_said_is_said() {
        for yes in ["true", "TRUE", "1", "yes", "Y", "on", " true "] {
            for terminals in [Terminals::Both, Terminals::NotBoth] {
                let told =
                    check(&[("TELEMETRY_ENABLED", yes), ("DO_NOT_TRACK", "1"), ("CI", "1")], terminals);
                assert_eq!(told, (Some(Reason::Enabled), true, 0), "{yes}");
            }
        }
        for no in ["false", "False", "0", "no", "N", "off"] {
            assert_eq!(
                check(&[("TELEMETRY_ENABLED", no)], Terminals::Both),
                (Some(Reason::Disabled), false, 0),
                "{no}"
            );
        }
        for unclear in ["maybe", "2", "tru", "yes please"] {
            let told = check(&[("TELEMETRY_ENABLED", unclear)], Terminals::Both);
            assert_eq!(told, (Some(Reason::Unclear), false, 1), "{unclear}");
        }
    }

    #[test]
    fn a_value_that_is_no_text_is_off_and_warned_about_without_it() {
        use std::os::unix::ffi::OsStringExt;
        let environment = |name: &str| (name == ENABLED).then(|| std::ffi::OsString::from_vec(vec![0xff]));
        let (decision, warnings) = decide(&environment, Terminals::Both);
        assert!(matches!(decision, Decision::Decided(consent) if consent.why() == Reason::Unclear));
        assert_eq!(warnings[0].to_string(), "TELEMETRY_ENABLED is neither yes nor no, so telemetry is off");
    }

    #[test]
    fn who_says_nothing_is_asked_if_anybody_is_there() {
        for nothing in
            [&[][..], &[("TELEMETRY_ENABLED", "")], &[("DO_NOT_TRACK", "0")], &[("DO_NOT_TRACK", "")]]
        {
            assert_eq!(check(nothing, Terminals::Both), (None, false, 0), "{nothing:?}");
            assert_eq!(
                check(nothing, Terminals::NotBoth),
                (Some(Reason::NotInteractive), false, 0),
                "{nothing:?}"
            );
        }
        assert_eq!(check(&[("CI", "true")], Terminals::Both), (Some(Reason::NotInteractive), false, 0));
        for set in ["1", "true", "please"] {
            assert_eq!(
                check(&[("DO_NOT_TRACK", set)], Terminals::Both),
                (Some(Reason::DoNotTrack), false, 0)
            );
        }
    }

    #[test]
    fn only_a_yes_to_the_question_is_consent() {
        let (Decision::Ask(question), _) = decide(&of(&[]), Terminals::Both) else { panic!("asked") };
        assert!(question.answered(Answer::No).proof().is_none());
        let (Decision::Ask(question), _) = decide(&of(&[]), Terminals::Both) else { panic!("asked") };
        let consent = question.answered(Answer::Yes);
        assert_eq!((consent.proof().is_some(), consent.why()), (true, Reason::Agreed));
    }
}
