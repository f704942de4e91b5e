//! Other readings of a string, see [`schema::denylist::DECODINGS`].
//!
//! The gate does not stop somebody who wants to smuggle text out; no filter does. It looks for what gets into a document
//! by accident: percent-encoded URLs, credentials in base64, file names in hex, homoglyphs from copied text.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use schema::denylist::DECODINGS;
use unicode_normalization::{UnicodeNormalization, is_nfkc};

/// Fewer bytes are text by chance too often, see the patterns of [`DECODINGS`].
const MIN_BYTES: usize = 5;

/// The base64 digits that this many bytes take.
const MIN_BASE64_DIGITS: usize = 7;

/// The forms that one decoding step makes of `text`.
pub(crate) fn forms(text: &str) -> impl Iterator<Item = String> {
    let whole = match plain(text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(form) => Some(form),
    };
    let encoded = std::iter::once(text).chain(pieces(text));
    whole
        .into_iter()
        .chain(percent(text))
        .chain(encoded.flat_map(|part| base64(part).into_iter().chain(hex(part))))
}

/// The text in NFKC and without characters that have no width; borrowed if that is what it was.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || (is_nfkc(text) && !text.contains(is_invisible)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfkc().filter(|character| !is_invisible(*character)).collect())
}

fn is_invisible(character: char) -> bool {
    let code = u32::from(character);
    DECODINGS.invisible.iter().any(|[first, last]| (*first..=*last).contains(&code))
}

/// The parts of `text` that are worth decoding by themselves; none if that is the whole text.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    // Without a separator the only piece is the text itself, which the caller decodes anyway.
    let mixed = text.bytes().any(|byte| !byte.is_ascii_alphanumeric());
    text.split(|character: char| !character.is_ascii_alphanumeric())
        .filter(move |piece| mixed && !piece.is_empty())
}

fn percent(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::new();
    let mut copied = 0;
    for (index, _) in text.match_indices('%') {
        if let Some(byte) = bytes.get(index + 1..index + 3).and_then(hex_byte).filter(|_| index >= copied) {
            decoded.extend_from_slice(&bytes[copied..index]);
            decoded.push(byte);
            copied = index + 3;
        }
    }
    decoded.extend_from_slice(&bytes[copied..]);
    (copied > 0).then(|| String::from_utf8(decoded).ok()).flatten()
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let [high, low] = digits else { return None };
    u8::try_from(value(*high)? * 16 + value(*low)?).ok()
}

fn hex(text: &str) -> Option<String> {
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    let fits = digits.len() >= 2 * MIN_BYTES && digits.len().is_multiple_of(2);
    as_text(fits.then(|| digits.chunks_exact(2).map(hex_byte).collect()).flatten()?)
}

fn base64(text: &str) -> Option<String> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::RequireNone),
    );
    let body = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    // The first byte of printable text is below 0x80, and so the first digit is one of the lower half. Most strings
    // end here.
    let may_be_text = matches!(body.bytes().next(), Some(b'A'..=b'Z' | b'a'..=b'f'));
    if body.len() < MIN_BASE64_DIGITS || !may_be_text {
        return None;
    }
    let standard: Vec<u8> = body
        .bytes()
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => byte,
        })
        .collect();
    as_text(LENIENT.decode(standard).ok()?)
}

/// The bytes as a string if they fit `text_pattern`.
fn as_text(bytes: Vec<u8>) -> Option<String> {
    // `echo name | base64` encodes the line break too.
    let ends = bytes.iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let line = &bytes[..bytes.len() - ends];
    let printable = !line.is_empty() && line.iter().all(|byte| matches!(byte, b' '..=b'~'));
    if printable { String::from_utf8(bytes).ok() } else { None }
}
