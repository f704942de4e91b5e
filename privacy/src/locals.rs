//! Names that only this machine and this run know, which no pattern can tell from an innocent word.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::machine::MachineFacts;

/// Fewer characters than this say too little about anybody, and occur everywhere.
const MIN_CHARS: usize = 3;

/// The local identifiers that no string of a document may contain.
///
/// Case does not matter; a letter or digit at either end of an identifier must not continue in the text, so that `core`
/// is found in `core-1` and not in `score`. Words of the contract, its times, random UUIDs and plain versions are never
/// compared, and neither are this program's own version, user agent and default marker: a user may be called `ubuntu`,
/// a directory `24.04`.
#[derive(Clone, Default)]
pub struct LocalIdentifiers {
    needles: Vec<String>,
}

impl LocalIdentifiers {
    /// What the operating system tells of this machine and this user. What cannot be read is left out.
    pub fn of_machine() -> Self {
        Self::of_facts(&MachineFacts::collect())
    }

    /// The identifiers that these facts amount to.
    pub fn of_facts(facts: &MachineFacts) -> Self {
        let mut identifiers = Self::default();
        facts.names.iter().for_each(|name| identifiers.add(name));
        facts.places.iter().for_each(|place| identifiers.add_with_parts(place));
        identifiers
    }

    /// Adds the private settings of a run: URLs, hosts, domains, paths, networks, tokens, passwords, addresses.
    ///
    /// Each is compared as a whole, and so are its parts between any of `/ \ : @ , = ? # & ;` and white space.
    #[must_use]
    pub fn with_private<T: AsRef<str>>(mut self, settings: impl IntoIterator<Item = T>) -> Self {
        settings.into_iter().for_each(|setting| self.add_with_parts(setting.as_ref()));
        self
    }

    fn add_with_parts(&mut self, text: &str) {
        self.add(text);
        text.split(|c: char| c.is_whitespace() || "/\\:@,=?#&;".contains(c))
            .filter(|part| !part.bytes().all(|byte| byte.is_ascii_digit()))
            .for_each(|part| self.add(part));
    }

    fn add(&mut self, text: &str) {
        let needle = text.trim().nfkc().collect::<String>().to_lowercase();
        if needle.chars().count() >= MIN_CHARS && !self.needles.contains(&needle) {
            self.needles.push(needle);
        }
    }

    /// Whether `text` contains any of them.
    pub(crate) fn occur_in(&self, text: &str) -> bool {
        if self.needles.is_empty() || is_our_own(text) {
            return false;
        }
        let text = text.to_lowercase();
        self.needles.iter().any(|needle| occurs(needle, &text))
    }
}

/// Shows how many there are; what they are is exactly what must not be shown.
impl fmt::Debug for LocalIdentifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalIdentifiers").field("count", &self.needles.len()).finish_non_exhaustive()
    }
}

fn is_our_own(text: &str) -> bool {
    let user_agent = text.strip_prefix(schema::TOOL_NAME).and_then(|rest| rest.strip_prefix('/'));
    text == schema::DEFAULT_MARKER || [Some(text), user_agent].contains(&Some(env!("CARGO_PKG_VERSION")))
}

fn occurs(needle: &str, text: &str) -> bool {
    let bordered = |at: usize| {
        let before = [text[..at].bytes().next_back(), needle.bytes().next()];
        let after = [needle.bytes().next_back(), text[at + needle.len()..].bytes().next()];
        ![before, after].into_iter().any(is_one_word)
    };
    let mut from = 0;
    while let Some(found) = text[from..].find(needle) {
        let at = from + found;
        if bordered(at) {
            return true;
        }
        from = at + text[at..].chars().next().map_or(1, char::len_utf8);
    }
    false
}

/// Whether two neighbouring bytes belong to one word.
fn is_one_word(neighbours: [Option<u8>; 2]) -> bool {
    neighbours.iter().all(|byte| byte.is_some_and(|byte| byte.is_ascii_alphanumeric()))
}
