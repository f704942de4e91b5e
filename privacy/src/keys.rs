//! Rules for the keys of objects.
//!
//! A key is cut into tokens, and whole tokens are compared: `ghost` must not be refused because of `host`. So the rules
//! miss words inside joined words (`clusterhost`); the schema refuses those as unknown properties.

use std::cell::RefCell;
use std::sync::LazyLock;

use foldhash::{HashMap, HashSet};
use schema::denylist::{KEYS, NamedRule};

use crate::rejection::RuleViolation;

/// Reports each rule that `key` trips; `pointer` is called only where an exemption might apply.
pub(crate) fn check(key: &str, pointer: impl FnOnce() -> String, report: &mut dyn FnMut(RuleViolation)) {
    if is_known_clean(key) {
        return;
    }
    // A key in the form of the contract is lower-case ASCII with underscores: cutting at those needs no allocation.
    let plain = has_shape(key);
    if !plain {
        report(violation_of(KEYS.shape));
    }
    let hits = if plain {
        TABLES.hits_of(key.split('_').filter(|token| !token.is_empty()))
    } else {
        TABLES.hits_of(tokens(key).iter().map(String::as_str))
    };
    if (hits.token || hits.sequence) && !is_exempt(&pointer()) {
        if hits.token {
            report(violation_of(KEYS.token));
        }
        if hits.sequence {
            report(violation_of(KEYS.sequence));
        }
        // An exempt key is exempt at one place only, so it is not remembered: elsewhere it must be looked up again.
    } else if plain && !hits.token && !hits.sequence {
        remember_clean(key);
    }
}

thread_local! {
    /// Keys that broke no rule at any place. Documents repeat the hundred names of the contract, and
    /// looking up every form of their tokens would cost more than all else that the gate does. One set for each thread
    /// was preferred to a shared set with a lock, which `validate -` would lock for every key of every line.
    static CLEAN: RefCell<HashSet<Box<str>>> = RefCell::default();
}

/// Foreign documents must not make this grow: more keys than a contract has are not worth remembering.
const MOST_REMEMBERED: usize = 256;

fn is_known_clean(key: &str) -> bool {
    CLEAN.with_borrow(|clean| clean.contains(key))
}

fn remember_clean(key: &str) {
    CLEAN.with_borrow_mut(|clean| {
        if clean.len() < MOST_REMEMBERED {
            clean.insert(key.into());
        }
    });
}

const fn violation_of(rule: NamedRule) -> RuleViolation {
    RuleViolation { rule: rule.id, message: rule.words }
}

/// Whether the key matches `shape_pattern`: the same rule without a regular expression. A test compares the two.
fn has_shape(key: &str) -> bool {
    let mut bytes = key.bytes();
    key.len() <= 64
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_exempt(pointer: &str) -> bool {
    KEYS.exempt_prefixes
        .iter()
        .filter_map(|prefix| pointer.strip_prefix(prefix))
        .any(|rest| KEYS.exempt.iter().any(|exemption| exemption.pointer == rest))
}

struct TokenTables {
    tokens: HashSet<&'static str>,
    /// The second words of the sequences, by their first.
    sequences: HashMap<&'static str, Vec<&'static str>>,
}

static TABLES: LazyLock<TokenTables> = LazyLock::new(|| {
    let mut sequences: HashMap<&str, Vec<&str>> = HashMap::default();
    for [first, second] in KEYS.sequences {
        sequences.entry(first).or_default().push(second);
    }
    TokenTables { tokens: KEYS.tokens.iter().copied().collect(), sequences }
});

/// Which tables a key hits. The exemption is looked up once for both.
#[derive(Default)]
struct TableHits {
    token: bool,
    sequence: bool,
}

impl TokenTables {
    fn hits_of<'a>(&self, tokens: impl Iterator<Item = &'a str>) -> TableHits {
        let mut hits = TableHits::default();
        // Words that complete a sequence if the next token is one of them.
        let mut awaited: Vec<&str> = Vec::new();
        for token in tokens {
            let mut next = Vec::new();
            each_form(token, &mut |form| {
                hits.token |= self.tokens.contains(form);
                hits.sequence |= awaited.contains(&form);
                next.extend(self.sequences.get(form).into_iter().flatten());
            });
            awaited = next;
        }
        hits
    }
}

/// Calls `visit` with each form in which a token is compared, see `KEYS.forms`.
fn each_form(token: &str, visit: &mut dyn FnMut(&str)) {
    let bare = token.trim_end_matches(|last: char| last.is_ascii_digit());
    let bare = Some(bare).filter(|bare| bare.len() < token.len());
    for form in [Some(token), bare].into_iter().flatten() {
        visit(form);
        let Some(singular) = form.strip_suffix('s') else { continue };
        visit(singular);
        singular.strip_suffix('e').into_iter().for_each(&mut *visit);
        singular.strip_suffix("ie").into_iter().for_each(|stem| visit(&format!("{stem}y")));
    }
}

/// Cuts a key of any form into tokens, see `KEYS.normalisation`.
fn tokens(key: &str) -> Vec<String> {
    let key: Vec<char> = key.chars().collect();
    let mut tokens = vec![String::new()];
    for (index, &this) in key.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| key[before]);
        let starts_word = this.is_ascii_uppercase()
            && before.is_some_and(|before| {
                let after_small = before.is_ascii_lowercase() || before.is_ascii_digit();
                let before_small = key.get(index + 1).is_some_and(char::is_ascii_lowercase);
                after_small || (before.is_ascii_uppercase() && before_small)
            });
        if starts_word || !this.is_ascii_alphanumeric() {
            tokens.push(String::new());
        }
        if let (true, Some(token)) = (this.is_ascii_alphanumeric(), tokens.last_mut()) {
            token.push(this.to_ascii_lowercase());
        }
    }
    tokens.retain(|token| !token.is_empty());
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_clean_keys_are_remembered_and_no_more_and_no_others() {
        let check_alone = |key: &str| check(key, String::new, &mut |_| {});
        for key in ["password", "Status", "local_hosts"] {
            check_alone(key);
            assert!(!is_known_clean(key), "{key}");
        }
        for number in 0..=MOST_REMEMBERED {
            check_alone(&format!("key_{number}"));
        }
        assert!(is_known_clean("key_0"));
        assert!(!is_known_clean(&format!("key_{MOST_REMEMBERED}")), "a foreign document cannot make it grow");
    }
}
