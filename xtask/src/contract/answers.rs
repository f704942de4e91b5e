//! The answers of a receiver: when to give each, and how the sender reacts.
//!
//! The advice is written here; what the sender does comes from `schema::delivery`, which the sender uses.

use schema::delivery::AnswerMeaning;

/// An answer, or a range of them.
#[derive(Debug)]
pub(super) struct AdvisedAnswer {
    /// The status as OpenAPI writes it: three digits, or one and `XX`.
    pub(super) status: &'static str,
    /// When a receiver gives it.
    pub(super) when: &'static str,
    /// Rules that it answers; a name that ends in a dot means all rules with this prefix.
    pub(super) rules: &'static [&'static str],
}

const fn answer(status: &'static str, when: &'static str) -> AdvisedAnswer {
    AdvisedAnswer { status, when, rules: &[] }
}

/// Every answer that a receiver needs, and the ranges that hold the rest.
pub(super) const ANSWERS: [AdvisedAnswer; 15] = [
    answer("202", "The document is stored durably, or was stored before: a known `event_id` is no error."),
    answer("2XX", "As 202."),
    answer("3XX", "Never: redirects are not followed."),
    AdvisedAnswer {
        status: "400",
        when: "The marker header is missing or wrong, or the body cannot be read as one document.",
        rules: &["utf8", "syntax", "depth", "duplicate_key"],
    },
    answer("401", "A token is required and no valid one was sent."),
    answer("407", "Never from a receiver: a proxy requires credentials."),
    answer("408", "The body did not arrive in time."),
    AdvisedAnswer { status: "413", when: "The body is larger than a document may be.", rules: &["size"] },
    answer("415", "The body is of another media type."),
    AdvisedAnswer {
        status: "422",
        when: "The document was read and breaks the schema or the denylist. Name the rule and the masked pointer in the body, never the value.",
        rules: &["schema.", "key.", "value."],
    },
    answer("425", "The request came in the early data of TLS and could be a replay."),
    answer("429", "Too many requests at once."),
    answer(
        "503",
        "Not now: starting, stopping or full; or the document states a newer contract than the receiver knows.",
    ),
    answer("4XX", "Avoid: see how the sender reacts."),
    answer("5XX", "A fault of the receiver itself."),
];

impl AdvisedAnswer {
    /// The statuses that it covers, except those with an answer of their own.
    pub(super) fn statuses(&self) -> Vec<u16> {
        let of = |status: &u16| match self.status.strip_suffix("XX") {
            Some(first) => status.to_string().starts_with(first) && !is_listed(*status),
            None => status.to_string() == self.status,
        };
        (100..=599).filter(of).collect()
    }

    /// How the sender reacts.
    pub(super) fn meaning(&self) -> AnswerMeaning {
        self.statuses().first().map_or(AnswerMeaning::Misconfigured, |status| AnswerMeaning::of(*status))
    }

    /// Whether the sender reads a `Retry-After` header.
    pub(super) fn may_ask_to_wait(&self) -> bool {
        self.meaning() == AnswerMeaning::TryAgain
    }
}

/// Whether an answer covers only this status.
fn is_listed(status: u16) -> bool {
    ANSWERS.iter().any(|answer| answer.status == status.to_string())
}

/// One word for what the sender does, for machines.
pub(super) const fn word_of(meaning: AnswerMeaning) -> &'static str {
    match meaning {
        AnswerMeaning::Delivered => "delivered",
        AnswerMeaning::Refused => "refused",
        AnswerMeaning::TryAgain => "try_again",
        AnswerMeaning::Misconfigured => "misconfigured",
    }
}

/// What the sender does, for people.
pub(super) const fn action_of(meaning: AnswerMeaning) -> &'static str {
    match meaning {
        AnswerMeaning::Delivered => "deletes the document",
        AnswerMeaning::Refused => {
            "rejects the document and does not send it again; it still sends the others"
        }
        AnswerMeaning::TryAgain => "pauses, tries the same document again, and honours `Retry-After`",
        AnswerMeaning::Misconfigured => {
            "keeps every document, sends nothing more in this pass, and tries again in the next one"
        }
    }
}

/// A rule as people write a family of them.
pub(super) fn shown(rule: &str) -> String {
    if rule.ends_with('.') { format!("{rule}*") } else { rule.to_owned() }
}

#[cfg(test)]
mod tests {
    use schema::denylist::{DOCUMENT_RULES, KEYS, VALUE_RULES};

    use super::*;

    #[test]
    fn every_status_has_one_answer_and_every_answer_one_meaning() {
        for status in 200..=599_u16 {
            let of = ANSWERS.iter().filter(|answer| answer.statuses().contains(&status));
            assert_eq!(of.count(), 1, "{status}");
        }
        for answer in &ANSWERS {
            let statuses = answer.statuses();
            assert!(!statuses.is_empty(), "{}", answer.status);
            for status in statuses {
                assert_eq!(AnswerMeaning::of(status), answer.meaning(), "{status}");
            }
        }
    }

    #[test]
    fn every_rule_has_one_answer() {
        let keys = [KEYS.shape.id, KEYS.token.id, KEYS.sequence.id];
        let ids = DOCUMENT_RULES.iter().map(|rule| rule.id).chain(keys).chain(["schema.pattern"]);
        for id in ids.chain(VALUE_RULES.iter().map(|rule| rule.id)) {
            let names = |rule: &&&str| **rule == id || (rule.ends_with('.') && id.starts_with(**rule));
            let answers = ANSWERS.iter().filter(|answer| answer.rules.iter().any(|rule| names(&rule)));
            assert_eq!(answers.count(), 1, "{id}");
        }
    }

    #[test]
    fn a_document_is_lost_only_where_it_was_judged() {
        for answer in ANSWERS.iter().filter(|answer| answer.meaning() == AnswerMeaning::Refused) {
            assert!(!answer.rules.is_empty(), "{}", answer.status);
        }
    }
}
