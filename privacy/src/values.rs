//! Rules for string values, and which strings are public.
//!
//! A string is first compared with text that cannot be private: the words of the contract and three forms. Every
//! string of a document that passes is one of these, so the rules themselves may be slow: they are compiled when the first
//! other string is seen.

use std::sync::LazyLock;

use foldhash::HashSet;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use schema::denylist::{self, VALUE_RULES, ValueRule};
use schema::{ComponentLabel, DEFAULT_MARKER, Id, ToolVersion};

use crate::decode;
use crate::rejection::RuleViolation;

/// Shorter text occurs too often by chance when a word is decoded that was never encoded.
const MIN_DECODED_CHARS: usize = 8;

/// Reports each rule that a string trips.
pub(crate) fn check(text: &str, report: &mut dyn FnMut(RuleViolation)) {
    if is_allowlisted(text) {
        return;
    }
    for (rule, pattern) in &*PATTERNS {
        if pattern.is_match(text) {
            report(RuleViolation { rule: rule.id, message: rule.words });
        }
    }
}

/// Reports each rule that a decoding of the string trips. Only text that no schema bounds can contain encoded text.
pub(crate) fn check_decoded(text: &str, report: &mut dyn FnMut(RuleViolation)) {
    if is_allowlisted(text) {
        return;
    }
    let readings = decode::readings(text);
    let whole = readings.iter().filter(|reading| reading.is_whole && reading.text.len() >= MIN_DECODED_CHARS);
    whole.for_each(|reading| check(&reading.text, report));
}

static PATTERNS: LazyLock<Vec<(&ValueRule, Regex)>> =
    LazyLock::new(|| VALUE_RULES.iter().map(|rule| (rule, compile(rule))).collect());

/// Compiles what is cheap to compile: the strings are short, so that prefilters and full automata would cost more than
/// they save.
///
/// # Panics
/// Never: a test compiles every pattern of the denylist.
fn compile(rule: &ValueRule) -> Regex {
    Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false).case_insensitive(rule.ignore_case))
        .configure(Regex::config().utf8_empty(false).onepass(false).dfa(false).auto_prefilter(false))
        .build(rule.pattern)
        .expect("a pattern of the denylist compiles")
}

/// Whether the string passes whatever the rules for values say: it is public, or random by its form.
fn is_allowlisted(text: &str) -> bool {
    is_word(text) || is_allowlisted_shape(text)
}

/// Whether the string is the same on every machine: a word of the contract, a time, a version, or what the programs of
/// Productive K3S call themselves. It is public even where a host, a user or a directory has this very name.
pub(crate) fn is_public(text: &str) -> bool {
    is_word(text) || is_time(text) || is_version(text) || is_own_name(text)
}

/// Whether the string is a word of the contract.
pub(crate) fn is_word(text: &str) -> bool {
    static WORDS: LazyLock<HashSet<&str>> =
        LazyLock::new(|| denylist::allowlisted_words().into_iter().collect());
    WORDS.contains(text)
}

/// The default marker, the versions of our programs, and the user agents of all layers. Of any version, pre-releases
/// included: a document that was queued before an upgrade has the user agent of that time.
fn is_own_name(text: &str) -> bool {
    let is_our_version = |version: &str| is_version(version) || ToolVersion::parse(version).is_ok();
    let user_agent = text.strip_prefix("productive-k3s-").and_then(|rest| rest.split_once('/'));
    let is_user_agent = user_agent.is_some_and(|(layer, version)| {
        ComponentLabel::from_word(layer).is_some() && is_our_version(version)
    });
    text == DEFAULT_MARKER || is_our_version(text) || is_user_agent
}

/// Whether the text is what a program of Productive K3S, or all of them, is called.
pub(crate) fn is_product_name(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("productive-k3s") else { return false };
    rest.is_empty() || rest.strip_prefix('-').is_some_and(|layer| ComponentLabel::from_word(layer).is_some())
}

/// Whether the whole text is a time, a random id or a plain version: the forms of
/// [`schema::denylist::ALLOWLISTED_SHAPES`], without a regular expression. Nearly every document holds them, and compiling
/// their patterns would be a good part of a cold start. A test holds the two together.
fn is_allowlisted_shape(text: &str) -> bool {
    is_time(text) || Id::parse(text).is_ok() || is_version(text)
}

fn is_time(text: &str) -> bool {
    const FORM: &str = "dddd-dd-ddTdd:dd:ddZ";
    text.len() == FORM.len()
        && text.bytes().zip(FORM.bytes()).all(|(byte, expected)| match expected {
            b'd' => byte.is_ascii_digit(),
            literal => byte == literal,
        })
}

fn is_version(text: &str) -> bool {
    let is_number =
        |part: &str| matches!(part.len(), 1..=2) && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_year = |part: &str| part.strip_prefix("20").is_some_and(|rest| rest.len() == 2 && is_number(rest));
    let mut parts = text.split('.');
    let first = parts.next().unwrap_or_default();
    (is_number(first) || is_year(first)) && parts.clone().count() <= 2 && parts.all(is_number)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use regex_automata::meta::Regex;
    use schema::denylist::ALLOWLISTED_SHAPES;

    static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        ALLOWLISTED_SHAPES.iter().map(|shape| Regex::new(shape.pattern).expect("a pattern")).collect()
    });

    #[track_caller]
    fn check_agrees(text: &str) {
        assert_eq!(
            super::is_allowlisted_shape(text),
            SHAPES.iter().any(|pattern| pattern.is_match(text)),
            "{text:?}"
        );
    }

    #[test]
    fn what_is_the_same_on_every_machine_is_public_and_nothing_else_is() {
        for text in [
            "single-node",
            "2026-11-26T10:00:00Z",
            "1.35.5",
            schema::DEFAULT_MARKER,
            "productive-k3s-core/1.2.3",
            "productive-k3s-core/1.2.3-rc.1",
            "productive-k3s-cli/2026.11",
        ] {
            assert!(super::is_public(text), "{text}");
        }
        for text in [
            "srv01",
            "productive-k3s-srv01/1.2.3",
            "productive-k3s-core/srv01",
            "productive-k3s-core/1.2.3-srv.1",
        ] {
            assert!(!super::is_public(text), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn forms_agree_with_their_published_patterns(
            time in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
            uuid in "[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
            digits in "[0-9a-f]{16}|[0-9a-f]{32}",
            version in "([0-9]{1,2}|20[0-9]{2})(\\.[0-9]{1,2}){0,2}",
            at in any::<prop::sample::Index>(),
            other in "[0-9a-gA-GTZ.:\\n\u{ff11}-]",
        ) {
            for text in [time, uuid, digits, version] {
                check_agrees(&text);
                let at = at.index(text.len());
                check_agrees(&format!("{}{other}{}", &text[..at], &text[at + 1..]));
                check_agrees(&format!("{}{other}{}", &text[..at], &text[at..]));
                check_agrees(&format!("{}{}", &text[..at], &text[at + 1..]));
                check_agrees(&format!("{text}{other}"));
                check_agrees(&format!("{text}\n"));
            }
        }

        #[test]
        fn no_other_text_is_taken_for_one(text in "\\PC{0,40}", digits in "[0-9.-]{0,16}") {
            check_agrees(&text);
            check_agrees(&digits);
        }
    }
}
