//! Rules for string values.

use std::sync::{LazyLock, OnceLock};

use foldhash::HashSet;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use schema::denylist::{self, DECODINGS, VALUE_RULES, ValueRule};

use crate::locals::LocalIdentifiers;
use crate::walk::Tripped;
use crate::{decode, shapes};

/// Reports each rule that `text`, or anything that can be decoded from it, trips.
pub(crate) fn check(text: &str, locals: &LocalIdentifiers, report: &mut dyn FnMut(Tripped)) {
    check_at_depth(text, 0, locals, report);
}

fn check_at_depth(text: &str, depth: usize, locals: &LocalIdentifiers, report: &mut dyn FnMut(Tripped)) {
    if is_innocent(text) {
        return;
    }
    let charset = Charset::of(text);
    for matcher in &*MATCHERS {
        if matcher.matches(text, charset) {
            report((matcher.rule.id, matcher.rule.words));
        }
    }
    if locals.occur_in(text) {
        report((denylist::LOCAL_IDENTIFIER.id, denylist::LOCAL_IDENTIFIER.words));
    }
    if depth < DECODINGS.max_depth {
        decode::forms(text).for_each(|form| check_at_depth(&form, depth + 1, locals, report));
    }
}

/// Whether the whole string is a word or a form of the contract that cannot hold anything private.
fn is_innocent(text: &str) -> bool {
    static WORDS: LazyLock<HashSet<&str>> =
        LazyLock::new(|| denylist::allowlisted_words().into_iter().collect());
    WORDS.contains(text) || shapes::is_innocent(text)
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
