//! Other readings of a string: what it says percent-decoded, or as base64, base32 or hexadecimal.
//!
//! They are compared with the names of this machine, and serve for the only text that no schema bounds, the
//! headers. The gate does not stop a person who wants to smuggle text out; no filter does. It looks for what gets into a
//! document by accident: an id that a pipeline made from a host name, credentials in base64, a percent-encoded URL.
//!
//! One decoder of our own serves all three alphabets, and not a crate for each: crates refuse what is not encoded as a
//! whole, while here a name is looked for that begins and ends anywhere in a longer string.

use schema::Id;

/// Nothing is encoded more often by accident, and each level multiplies the work.
const MAX_DEPTH: usize = 3;

/// No local identifier has fewer characters, so shorter readings need not be compared.
const MIN_BYTES: usize = 3;

/// What a string says in another encoding.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) text: String,
    /// Whether this is text as its writer meant it, from its first to its last character. Any other reading may begin
    /// and end in the middle of something, and most of it is noise.
    pub(crate) is_whole: bool,
}

/// All readings of `text`, and the readings of those that are whole.
pub(crate) fn readings(text: &str) -> Vec<Reading> {
    let mut readings = Vec::new();
    collect(text, 1, &mut readings);
    readings
}

fn collect(text: &str, depth: usize, found: &mut Vec<Reading>) {
    for reading in once(text) {
        if reading.is_whole && depth < MAX_DEPTH {
            collect(&reading.text, depth + 1, found);
        }
        found.push(reading);
    }
}

/// The readings that one step of decoding makes.
fn once(text: &str) -> Vec<Reading> {
    let mut found = Vec::new();
    let joined = without_separators(text);
    if Id::parse(text).is_ok() {
        // Nearly every document has only ids to decode. In the other alphabets, their digits are too few to spell
        // a name in them.
        HEX.read(&joined, &mut found);
        return found;
    }
    found.extend(percent(text).map(|text| Reading { is_whole: is_text(&text), text }));
    let pieces = text.split(|character: char| !character.is_ascii_alphanumeric());
    let mut sources: Vec<&str> = std::iter::once(text).chain(pieces).chain([joined.as_str()]).collect();
    sources.sort_unstable();
    sources.dedup();
    for source in sources {
        for alphabet in [HEX, BASE32, BASE64] {
            alphabet.read(source, &mut found);
        }
    }
    found
}

/// Whether a character only separates its neighbours. Whatever is neither a letter nor a digit does: a header takes `+`,
/// `~` and more, and with any of them in between a name is as easy to read.
pub(crate) fn is_separator(character: char) -> bool {
    !character.is_alphanumeric()
}

/// The text without its separators: `10-0-0-12` and `10.0.0.12` are the same to a reader.
pub(crate) fn without_separators(text: &str) -> String {
    text.chars().filter(|character| !is_separator(*character)).collect()
}

/// An encoding that writes bytes as digits of the same number of bits each.
struct Alphabet {
    bits: u32,
    /// A byte may begin at each multiple of this many bits, when the beginning of the run is something else.
    step: usize,
    value: fn(u8) -> Option<u8>,
}

const HEX: Alphabet = Alphabet {
    bits: 4,
    step: 4,
    value: |digit| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    },
};

/// RFC 4648 section 6, in either case.
const BASE32: Alphabet = Alphabet {
    bits: 5,
    step: 1,
    value: |digit| match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a'),
        b'2'..=b'7' => Some(digit - b'2' + 26),
        _ => None,
    },
};

/// Both alphabets of RFC 4648, sections 4 and 5; padding adds no information to the digits.
const BASE64: Alphabet = Alphabet {
    bits: 6,
    step: 2,
    value: |digit| match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    },
};

impl Alphabet {
    /// Reads every run of digits in `source`, beginning at each bit with which a byte may begin.
    fn read(&self, source: &str, found: &mut Vec<Reading>) {
        let values: Vec<Option<u8>> = source.bytes().map(self.value).collect();
        for run in values.split(Option::is_none) {
            for skipped in (0..u8::BITS).step_by(self.step) {
                let bytes = self.bytes_of(run.iter().flatten(), skipped);
                if bytes.len() >= MIN_BYTES {
                    found.push(reading(bytes, skipped == 0));
                }
            }
        }
    }

    fn bytes_of<'a>(&self, values: impl Iterator<Item = &'a u8>, mut skipped: u32) -> Vec<u8> {
        let (mut buffer, mut bits) = (0_u32, 0);
        let mut bytes = Vec::with_capacity(values.size_hint().1.unwrap_or_default() / 2);
        for value in values {
            buffer = (buffer << self.bits) | u32::from(*value);
            bits += self.bits;
            let dropped = skipped.min(bits);
            (skipped, bits) = (skipped - dropped, bits - dropped);
            if bits >= u8::BITS {
                bits -= u8::BITS;
                // What was read before is still in the bits above, and is cut off here.
                let [.., byte] = (buffer >> bits).to_be_bytes();
                bytes.push(byte);
            }
        }
        bytes
    }
}

/// Bytes as text. Without its zero bytes, UTF-16 of either byte order is plain text.
fn reading(mut bytes: Vec<u8>, from_start: bool) -> Reading {
    bytes.retain(|byte| *byte != 0);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Reading { is_whole: from_start && is_text(&text), text }
}

/// Whether this is written text. `echo name | base64` encodes the line break too.
fn is_text(text: &str) -> bool {
    let line = text.trim_end_matches(['\r', '\n']);
    !line.is_empty() && !line.contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER)
}

fn percent(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'%').then(|| bytes.get(at + 1..at + 3).and_then(hex_byte)).flatten();
        decoded.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    (decoded.len() < bytes.len()).then(|| String::from_utf8_lossy(&decoded).into_owned())
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    Some((HEX.value)(*high)? << 4 | (HEX.value)(*low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_whole(text: &str, expected: &str) {
        let found = readings(text);
        assert!(
            found.iter().any(|reading| reading.is_whole && reading.text.trim_end() == expected),
            "{text}: {found:?}"
        );
    }

    #[test]
    fn each_encoding_is_read() {
        check_whole("%73rv01", "srv01");
        check_whole("7372763031", "srv01");
        check_whole("0x7372763031", "srv01");
        check_whole("ONZHMMBR", "srv01");
        check_whole("onzhmmbr", "srv01");
        check_whole("c3J2MDE=", "srv01");
        check_whole("run-c3J2MDE", "srv01");
        check_whole("c3J2MDEK", "srv01");
        // UTF-16 of either byte order, and twice over.
        check_whole("cwByAHYAMAAxAA==", "srv01");
        check_whole("AHMAcgB2ADAAMQ==", "srv01");
        check_whole("YzNKMk1ERT0=", "srv01");
        check_whole("%2573rv01", "srv01");
    }

    #[test]
    fn bytes_begin_after_the_bits_that_are_skipped() {
        let bytes = |alphabet: &Alphabet, values: &[u8], skipped| alphabet.bytes_of(values.iter(), skipped);
        assert_eq!(bytes(&HEX, &[1, 2, 3, 4, 5], 0), [0x12, 0x34]);
        assert_eq!(bytes(&HEX, &[1, 2, 3, 4, 5], 4), [0x23, 0x45]);
        assert_eq!(bytes(&BASE64, &[0b11_1010, 0b10_1110, 0b00_1111], 2), [0b1010_1011, 0b1000_1111]);
        assert_eq!(bytes(&BASE64, &[0b11_1010, 0b10_1110, 0b00_1111], 6), [0b1011_1000]);
    }

    #[test]
    fn a_text_without_an_escape_is_no_reading_of_itself() {
        assert_eq!(percent("srv01"), None);
        assert_eq!(percent("100%"), None);
    }

    #[test]
    fn every_digit_has_its_value() {
        let read = |alphabet: &Alphabet, digits: &str| -> Vec<Option<u8>> {
            digits.bytes().map(alphabet.value).collect()
        };
        let from_zero = |count: u8| -> Vec<Option<u8>> { (0..count).map(Some).collect() };
        for digits in ["0123456789abcdef", "0123456789ABCDEF"] {
            assert_eq!(read(&HEX, digits), from_zero(16), "{digits}");
        }
        for digits in ["ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "abcdefghijklmnopqrstuvwxyz234567"] {
            assert_eq!(read(&BASE32, digits), from_zero(32), "{digits}");
        }
        let most = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        for last in ["+/", "-_"] {
            assert_eq!(read(&BASE64, &format!("{most}{last}")), from_zero(64), "{last}");
        }
        for (alphabet, known) in [(HEX, 22), (BASE32, 58), (BASE64, 66)] {
            let digits = (0..=u8::MAX).filter(|byte| (alphabet.value)(*byte).is_some());
            assert_eq!(digits.count(), known);
        }
    }

    /// Hostile text must not multiply without a bound.
    #[test]
    fn three_encodings_on_top_of_each_other_are_undone_and_no_more() {
        check_whole("%252573rv01", "srv01");
        let found = readings("%25252573rv01");
        assert!(found.iter().all(|reading| reading.text != "srv01"), "{found:?}");
    }

    #[test]
    fn a_name_is_read_wherever_it_begins() {
        for text in
            ["xc3J2MDE", "xyc3J2MDE", "xyzc3J2MDE", "HhzcnYwMQ", "1d7372763031", "d7372763031", "aaaonzhmmbr"]
        {
            let found = readings(text);
            assert!(found.iter().any(|reading| reading.text.contains("srv01")), "{text}: {found:?}");
        }
    }
}
