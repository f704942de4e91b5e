//! Rules for string values, and which strings are allowlisted.
//!
//! A string is first compared with what cannot hold anything private: the words of the contract and three shapes. Only
//! what is left meets the rules, and each rule looks first whether the characters it needs occur at all. The order is
//! what makes the gate fast: most strings of real documents end at the first comparison.

use std::sync::{LazyLock, OnceLock};

use foldhash::HashSet;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use schema::denylist::{self, DECODINGS, VALUE_RULES, ValueRule};

use crate::decode;
use crate::local_identifiers::LocalIdentifiers;
use crate::rejection::RuleViolation;

/// Reports each rule that `text`, or anything that can be decoded from it, trips.
pub(crate) fn check(text: &str, locals: &LocalIdentifiers, report: &mut dyn FnMut(RuleViolation)) {
    check_at_depth(text, 0, locals, report);
}

fn check_at_depth(
    text: &str,
    depth: usize,
    locals: &LocalIdentifiers,
    report: &mut dyn FnMut(RuleViolation),
) {
    if is_allowlisted(text) {
        return;
    }
    let charset = Charset::of(text);
    for matcher in &*MATCHERS {
        if matcher.matches(text, charset) {
            report(RuleViolation { rule: matcher.rule.id, message: matcher.rule.words });
        }
    }
    // Decoded forms are compared with the local identifiers too: a host name in base64 is still a host name.
    if locals.occur_in(text) {
        let rule = denylist::LOCAL_IDENTIFIER;
        report(RuleViolation { rule: rule.id, message: rule.words });
    }
    if depth < DECODINGS.max_depth {
        decode::forms(text).for_each(|form| check_at_depth(&form, depth + 1, locals, report));
    }
}

/// Whether the whole string is a word or a form of the contract that cannot hold anything private.
fn is_allowlisted(text: &str) -> bool {
    static WORDS: LazyLock<HashSet<&str>> =
        LazyLock::new(|| denylist::allowlisted_words().into_iter().collect());
    WORDS.contains(text) || is_allowlisted_shape(text)
}

/// The ASCII characters of a string as bits.
#[derive(Clone, Copy)]
struct Charset(u128);

impl Charset {
    fn of(text: &str) -> Self {
        Self(text.bytes().filter(u8::is_ascii).fold(0, |set, byte| set | (1 << byte)))
    }

    fn has_any_of(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A rule whose pattern is compiled when the first string comes that could match it: most documents hold none.
struct Matcher {
    rule: &'static ValueRule,
    needs: Vec<Charset>,
    regex: OnceLock<Regex>,
}

static MATCHERS: LazyLock<Vec<Matcher>> = LazyLock::new(|| {
    let matcher = |rule: &'static ValueRule| Matcher {
        rule,
        needs: rule.needs.iter().map(|characters| Charset::of(characters)).collect(),
        regex: OnceLock::new(),
    };
    VALUE_RULES.iter().map(matcher).collect()
});

impl Matcher {
    fn matches(&self, text: &str, charset: Charset) -> bool {
        self.needs.iter().all(|needed| charset.has_any_of(*needed))
            && self.regex.get_or_init(|| compile(self.rule)).is_match(text)
    }
}

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

/// Whether the whole text is a time, a random UUID or a plain version: the forms of
/// [`schema::denylist::ALLOWLISTED_SHAPES`], without a regular expression. Nearly every document holds them, and compiling
/// their patterns would be a good part of a cold start. A test holds the two together.
fn is_allowlisted_shape(text: &str) -> bool {
    fits(text, "dddd-dd-ddTdd:dd:ddZ")
        || fits(text, "hhhhhhhh-hhhh-rhhh-vhhh-hhhhhhhhhhhh")
        || is_version(text)
}

/// Compares byte by byte: `d` stands for a digit, `h` for a hexadecimal one, `r` for a version of random UUIDs, `v` for
/// their variant, and everything else for itself.
fn fits(text: &str, template: &str) -> bool {
    text.len() == template.len()
        && text.bytes().zip(template.bytes()).all(|(byte, expected)| match expected {
            b'd' => byte.is_ascii_digit(),
            b'h' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            b'r' => matches!(byte, b'4' | b'7'),
            b'v' => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            literal => byte == literal,
        })
}

fn is_version(text: &str) -> bool {
    let is_number =
        |part: &str| matches!(part.len(), 1..=4) && part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= "9999.9999.9999".len() && text.split('.').count() <= 3 && text.split('.').all(is_number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex_automata::meta::Regex;
    use schema::denylist::ALLOWLISTED_SHAPES;

    #[track_caller]
    fn check_agrees(text: &str) {
        let mut patterns =
            ALLOWLISTED_SHAPES.iter().map(|shape| Regex::new(shape.pattern).expect("a pattern"));
        assert_eq!(
            super::is_allowlisted_shape(text),
            patterns.any(|pattern| pattern.is_match(text)),
            "{text:?}"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn forms_agree_with_their_published_patterns(
            time in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
            uuid in "[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
            version in "[0-9]{1,4}(\\.[0-9]{1,4}){0,2}",
            at in any::<prop::sample::Index>(),
            other in "[0-9a-gA-GTZ.:\\n\u{ff11}-]",
        ) {
            for text in [time, uuid, version] {
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
