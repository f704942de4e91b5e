//! Names that only this machine and this run know, which no pattern can tell from a harmless word.
//!
//! They are compared as text, not as hashes: an identifier is looked for inside of longer strings, in any case and on
//! token borders, and hashes could answer only for whole strings. They live in memory alone, and their Debug form is a
//! count.
//!
//! The facts are read from files and system calls. The name service and `hostname -f` were given up: both may ask a
//! server on the network, and what leaves the machine is exactly what this crate is there to decide.

use std::env;
use std::fmt;
use std::net::IpAddr;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;
use unicode_normalization::UnicodeNormalization;

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
        facts.directories.iter().for_each(|path| identifiers.add_with_parts(path));
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
        // Parts that are numbers alone (ports, prefix lengths) would refuse many ids that begin with a time.
        text.split(|c: char| c.is_whitespace() || "/\\:@,=?#&;".contains(c))
            .filter(|part| !part.bytes().all(|byte| byte.is_ascii_digit()))
            .for_each(|part| self.add(part));
    }

    fn add(&mut self, text: &str) {
        // The NFKC form of a text is among those that are compared (`decode::plain`), so needles take it too.
        let needle = text.trim().nfkc().collect::<String>().to_lowercase();
        if needle.chars().count() >= MIN_CHARS && !self.needles.contains(&needle) {
            self.needles.push(needle);
        }
    }

    /// Whether `text` contains any of them.
    pub(crate) fn occur_in(&self, text: &str) -> bool {
        // A user may be called `debian`: the program's own words say nothing of the machine.
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
        // One character on, not past the match: matches may overlap, and one that does not count may hide one that does.
        from = at + text[at..].chars().next().map_or(1, char::len_utf8);
    }
    false
}

/// Whether two neighbouring bytes belong to one word.
fn is_one_word(neighbours: [Option<u8>; 2]) -> bool {
    neighbours.iter().all(|byte| byte.is_some_and(|byte| byte.is_ascii_alphanumeric()))
}

/// Facts from which [`LocalIdentifiers`] are made.
#[derive(Clone, Debug, Default)]
pub struct MachineFacts {
    /// Names and addresses, each compared as it is: host names, user names, interface addresses.
    pub names: Vec<String>,
    /// Directories, compared as a whole and in their parts.
    pub directories: Vec<String>,
}

impl MachineFacts {
    /// Reads what can be read; whatever cannot is left out.
    pub(crate) fn collect() -> Self {
        let mut facts = Self::default();
        facts.add_host();
        facts.add_user();
        facts.directories.extend(env::current_dir().ok().map(|dir| dir.to_string_lossy().into_owned()));
        facts.add_addresses();
        facts
    }

    /// Adds a host name as it is and without its domain.
    pub fn add_host_name(&mut self, name: &str) {
        let short = name.split('.').next().unwrap_or(name);
        self.names.extend([name.trim_end_matches('.').to_owned(), short.to_owned()]);
    }

    /// The name that the kernel uses, and the configured one where it differs.
    fn add_host(&mut self) {
        self.add_host_name(&rustix::system::uname().nodename().to_string_lossy());
        for name in std::fs::read_to_string("/etc/hostname").iter().flat_map(|text| text.lines()) {
            self.add_host_name(name.trim());
        }
    }

    /// The names and home directories of the user, of the one who called sudo, and of the one whose uid this is.
    fn add_user(&mut self) {
        let variables =
            |names: &[&str]| -> Vec<String> { names.iter().filter_map(|name| env::var(name).ok()).collect() };
        let names = variables(&["USER", "LOGNAME", "SUDO_USER"]);
        self.directories.extend(variables(&["HOME"]));
        // The name service could ask a directory on the network, which may be slow; the file is all that is read.
        let uid = rustix::process::getuid().as_raw().to_string();
        for line in std::fs::read_to_string("/etc/passwd").iter().flat_map(|text| text.lines()) {
            let mut fields = line.split(':');
            let (name, entry_uid, home) = (fields.next(), fields.nth(1), fields.nth(2));
            if let (Some(name), Some(entry_uid), Some(home)) = (name, entry_uid, home)
                && (entry_uid == uid || names.iter().any(|known| known == name))
            {
                self.names.push(name.to_owned());
                self.directories.push(home.to_owned());
            }
        }
        self.names.extend(names);
    }

    /// The addresses of all interfaces, hardware addresses included.
    fn add_addresses(&mut self) {
        let addresses = getifaddrs().into_iter().flatten().filter_map(|interface| interface.address);
        self.names.extend(addresses.filter_map(|address| text_of(&address)));
    }
}

/// An address as documents would write it; hardware addresses of zeros are those of the loopback interface.
fn text_of(address: &SockaddrStorage) -> Option<String> {
    if let Some(link) = address.as_link_addr() {
        let octets = link.addr().filter(|octets| octets.iter().any(|octet| *octet != 0))?;
        return Some(octets.map(|octet| format!("{octet:02x}")).join(":"));
    }
    let ip = address
        .as_sockaddr_in()
        .map(|v4| IpAddr::from(v4.ip()))
        .or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::from(v6.ip())))?;
    Some(ip.to_string())
}
