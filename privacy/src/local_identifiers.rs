//! Names that only this machine and this run know, which no pattern can distinguish from a harmless word.
//!
//! They are compared as text, not as hashes: an identifier is searched for inside longer strings, in any case, with any
//! separators and in other encodings, and hashes work only for whole strings. They are only in memory, and their
//! Debug form is a count.
//!
//! How an identifier is searched for depends on its length. The bounds are set so that a random id is never
//! refused by chance on a machine with common names: a false alarm costs a document.

#[cfg(unix)]
mod machine_facts;
mod shared_names;

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

#[cfg(unix)]
pub use machine_facts::MachineFacts;

use schema::Id;

use crate::decode::{is_separator, without_separators};
use crate::{decode, values};
use shared_names::is_shared_label;

/// Fewer characters than this identify nobody, and occur everywhere.
const MIN_CHARS: usize = 3;

/// From this many characters on, an identifier is found inside words.
const MIN_CHARS_ANYWHERE: usize = 5;

/// The same inside an id, for an identifier of hexadecimal digits alone, like a joined address. Random ids are made of
/// these digits: one in forty thousand contains a given five of them, one in a hundred million a given eight.
const MIN_HEX_INSIDE_IDS: usize = 8;

/// Fewer digits than this are a port, a prefix length or a year; more can be the number of an asset or of a customer.
const MIN_DIGITS: usize = 6;

/// Length of the shortest id, which is also half of a machine id: `head -c16 /etc/machine-id`.
#[cfg(unix)]
const HALF_OF_SERIAL: usize = 16;

/// The local identifiers that no string of a document may contain.
///
/// Case does not matter on either side, nor does any mark: a character that is neither a letter nor a digit. An identifier
/// of five or more letters and digits is found anywhere, one of three or four between marks or at the ends, and shorter
/// ones are not compared. One of fewer than five that has five characters with its marks, such as a password, is found
/// anywhere with them; of one that has hardly a letter, three are enough. In an id, whose digits are
/// random, one of hexadecimal digits alone is found from eight digits on. Words of the contract, its times
/// and its versions are exempt as whole strings: a user may be called `ubuntu`, a directory `24.04`. Ids are not: a host
/// may have such a name.
#[derive(Clone, Default)]
pub struct LocalIdentifiers {
    /// Indexed by their first byte: for most bytes of a text there is nothing to compare. Empty, or 256 lists.
    needles: Vec<Vec<Needle>>,
    /// Identifiers of few letters and digits with marks between them, such as a password, as [`with_marks`] makes them.
    marked: Vec<String>,
}

/// An identifier as it is compared: in lower case, without separators.
#[derive(Clone, PartialEq)]
struct Needle {
    text: String,
    /// Whether it is found inside words.
    anywhere: bool,
    /// Whether it is found inside ids.
    inside_ids: bool,
}

impl LocalIdentifiers {
    /// What the operating system states about this machine and this user. What cannot be read is left out.
    #[cfg(unix)]
    pub fn of_machine() -> Self {
        Self::of_facts(&MachineFacts::collect())
    }

    /// The identifiers that follow from these facts.
    #[cfg(unix)]
    pub fn of_facts(facts: &MachineFacts) -> Self {
        let mut identifiers = Self::default();
        facts.serials.iter().for_each(|serial| identifiers.add_serial(serial));
        facts.addresses.iter().for_each(|address| identifiers.add_address(*address));
        facts.domains.iter().for_each(|domain| identifiers.add_with_parts(domain));
        for name in &facts.names {
            identifiers.add_with_parts(name);
            // Also where another of its names lies below this one: it is no domain of hosts, but the name of this one.
            identifiers.add_host_of(name);
        }
        identifiers.with_private(&facts.directories)
    }

    /// Adds the private settings of a run: URLs, hosts, domains, paths, networks, tokens, passwords, addresses.
    ///
    /// Each is compared as a whole, and so are its parts: of a URL the host, of a host its labels, of a path its
    /// directories. One that another ends in, after a dot, is the domain of that host and no host itself.
    #[must_use]
    pub fn with_private<T: AsRef<str>>(mut self, settings: impl IntoIterator<Item = T>) -> Self {
        let settings: Vec<T> = settings.into_iter().collect();
        let domains: BTreeSet<&str> = settings.iter().flat_map(|setting| ends_of(setting.as_ref())).collect();
        for setting in settings.iter().map(AsRef::as_ref) {
            self.add_with_parts(setting);
            if !domains.contains(setting) {
                self.add_host_of(setting);
            }
        }
        self
    }

    fn add_with_parts(&mut self, text: &str) {
        if text.parse::<IpAddr>().is_err() {
            self.add(text);
        }
        for part in text.split(|c: char| c.is_whitespace() || "/\\@,=?#&;[]()".contains(c)) {
            // Its groups would be identifiers of four hexadecimal digits, which many ids contain.
            if let Ok(address) = part.parse() {
                self.add_address(address);
                continue;
            }
            self.add_part(part);
            for host in part.split(':') {
                match host.parse() {
                    Ok(address) => self.add_address(address),
                    Err(_) => host.split('.').chain([host]).for_each(|label| self.add_part(label)),
                }
            }
        }
    }

    fn add_part(&mut self, part: &str) {
        if can_name(part) && !is_shared_label(part) {
            self.add(part);
        }
    }

    /// Adds what a host is called in short: in that place, a label that many domains have is the name of one machine.
    fn add_host_of(&mut self, text: &str) {
        if let Some(label) = host_label(text).filter(|label| can_name(label)) {
            self.add(label);
        }
    }

    /// Adds a serial number, and the halves of one of 32 hexadecimal digits: each has the form of an id.
    #[cfg(unix)]
    fn add_serial(&mut self, serial: &str) {
        self.add(serial);
        let digits = joined(serial);
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex && digits.len() == 2 * HALF_OF_SERIAL {
            let (first, second) = digits.split_at(HALF_OF_SERIAL);
            self.add(first);
            self.add(second);
        }
    }

    /// Adds an address in the forms that host names and ids contain.
    fn add_address(&mut self, address: IpAddr) {
        // Every machine has these, so they identify none.
        if address.is_loopback() || address.is_unspecified() {
            return;
        }
        self.add(&address.to_string());
        match address {
            IpAddr::V4(v4) => {
                let number = u32::from(v4);
                let [a, b, c, d] = v4.octets();
                self.add(&format!("{number:08x}"));
                self.add(&number.to_string());
                self.add(&format!("{a:03}{b:03}{c:03}{d:03}"));
            }
            IpAddr::V6(v6) => {
                let digits = format!("{:032x}", u128::from(v6));
                // The second half names the interface, whatever the network.
                self.add(&digits[16..]);
                self.add(&digits);
            }
        }
    }

    fn add(&mut self, text: &str) {
        let marked = with_marks(text);
        let text = joined(text);
        let chars = text.chars().count();
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let enough = if chars < MIN_CHARS { MIN_CHARS } else { MIN_CHARS_ANYWHERE };
        if chars < MIN_CHARS_ANYWHERE && marked.chars().count() >= enough && !self.marked.contains(&marked) {
            self.marked.push(marked);
        }
        if let Some(first) = text.bytes().next().filter(|_| chars >= MIN_CHARS) {
            let anywhere = chars >= MIN_CHARS_ANYWHERE;
            let needle =
                Needle { text, anywhere, inside_ids: anywhere && (!is_hex || chars >= MIN_HEX_INSIDE_IDS) };
            self.needles.resize(1 << u8::BITS, Vec::new());
            let needles = &mut self.needles[usize::from(first)];
            if !needles.contains(&needle) {
                needles.push(needle);
            }
        }
    }

    /// Whether `text` contains any of them, as it is or in another encoding.
    pub(crate) fn occur_in(&self, text: &str) -> bool {
        // The program's own words reveal nothing about the machine, whatever its name is.
        if self.needles.is_empty() && self.marked.is_empty() || values::is_public(text) {
            return false;
        }
        self.are_named_in(text)
            || decode::readings(text).iter().any(|reading| {
                if reading.is_whole {
                    self.are_named_in(&reading.text)
                } else {
                    self.are_named_inside(&reading.text)
                }
            })
    }

    /// Whether `text` contains any of them; a short one counts only between word borders.
    fn are_named_in(&self, text: &str) -> bool {
        if Id::parse(text).is_ok() {
            // The hyphens of a UUID separate no words: one in 65,536 has four given digits as its second group.
            return self.matches(&joined(text)).any(|(_, needle)| needle.inside_ids);
        }
        if self.marked_in(text).next().is_some() {
            return true;
        }
        let text = Comparable::new(text);
        self.matches(&text.joined)
            .any(|(at, needle)| needle.anywhere || (text.borders[at] && text.borders[at + needle.text.len()]))
    }

    /// Whether a text that may begin and end in the middle of something contains any that is found anywhere.
    fn are_named_inside(&self, text: &str) -> bool {
        // Most of such a text is bytes that are not characters. The text between them is mostly too short for a name.
        let mut pieces =
            text.split(char::REPLACEMENT_CHARACTER).filter(|piece| piece.len() >= MIN_CHARS_ANYWHERE);
        pieces.any(|piece| {
            self.matches(&joined(piece)).any(|(_, needle)| needle.anywhere)
                || self.marked_in(piece).any(|marked| marked.chars().count() >= MIN_CHARS_ANYWHERE)
        })
    }

    /// The identifiers with marks that `text` contains.
    fn marked_in<'a>(&'a self, text: &str) -> impl Iterator<Item = &'a String> {
        // Nearly no machine has any.
        let text = if self.marked.is_empty() { String::new() } else { with_marks(text) };
        self.marked.iter().filter(move |marked| text.contains(*marked))
    }

    /// The needles that `joined` contains, and where.
    fn matches<'a>(&'a self, joined: &'a str) -> impl Iterator<Item = (usize, &'a Needle)> {
        let bytes = joined.as_bytes();
        bytes.iter().enumerate().flat_map(move |(at, first)| {
            let needles = self.needles.get(usize::from(*first)).into_iter().flatten();
            needles
                .filter(move |needle| bytes[at..].starts_with(needle.text.as_bytes()))
                .map(move |needle| (at, needle))
        })
    }
}

/// Whether a part of a setting can be the name of anything.
fn can_name(part: &str) -> bool {
    let is_short_number = part.len() < MIN_DIGITS && part.bytes().all(|byte| byte.is_ascii_digit());
    // Directories that are called like the product are on every machine that has it, and its layers call themselves so
    // where they say who sends.
    !is_short_number && !values::is_product_name(part)
}

/// What follows each dot.
fn ends_of(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('.').map(|(at, _)| &text[at + 1..])
}

/// The first label of the host that `text` names: that of a URL, or that of a name alone. A path and a list name none, and
/// neither does an address of mail, which is in a domain.
fn host_label(text: &str) -> Option<&str> {
    let authority = match text.split_once("://") {
        Some((_, rest)) => rest.split(['/', '?', '#']).next(),
        None => Some(text).filter(|text| !text.contains(['/', '\\', ',', '@'])),
    };
    let host = authority?.rsplit('@').next()?;
    host.split(['.', ':', '[']).next()
}

/// A text as it is compared.
fn joined(text: &str) -> String {
    without_separators(text).to_lowercase()
}

/// A text as an identifier with marks is compared: without the separators of names alone.
fn with_marks(text: &str) -> String {
    let is_kept = |character: &char| !character.is_whitespace() && !".-_/:".contains(*character);
    text.chars().filter(is_kept).flat_map(char::to_lowercase).collect()
}

/// Shows how many there are; what they are is exactly what must not be shown.
impl fmt::Debug for LocalIdentifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self.needles.iter().map(Vec::len).sum();
        f.debug_struct("LocalIdentifiers")
            .field("count", &(count + self.marked.len()))
            .finish_non_exhaustive()
    }
}

/// A text as it is compared, with where its words begin and end.
struct Comparable {
    joined: String,
    /// For each byte whether a word may begin there, and the end, where one may end.
    borders: Vec<bool>,
}

impl Comparable {
    fn new(text: &str) -> Self {
        let mut this =
            Self { joined: String::with_capacity(text.len()), borders: Vec::with_capacity(text.len() + 1) };
        let mut is_border = true;
        for character in text.chars() {
            if is_separator(character) {
                is_border = true;
                continue;
            }
            this.joined.extend(character.to_lowercase());
            this.borders.push(is_border);
            this.borders.resize(this.joined.len(), false);
            is_border = false;
        }
        this.borders.push(true);
        this
    }
}
