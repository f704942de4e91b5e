//! How a string is decoded before the rules for values look at it again.

use serde::Serialize;

/// The ways in which a string is decoded.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Decodings {
    /// A string of the document has depth 0 and a form decoded from it one more; forms of this depth are judged but not
    /// decoded again.
    pub max_depth: usize,
    /// Ranges of code points, both ends included, that have no width and are dropped.
    pub invisible: &'static [[u32; 2]],
    /// What `base64` and `hex` are tried on, besides the whole string: every longest match of this pattern in it.
    pub piece_pattern: &'static str,
    /// What bytes decoded by `base64` and `hex` must fit as a whole; other bytes are no text and are passed over.
    pub text_pattern: &'static str,
    /// The decodings, each tried on every string.
    pub steps: &'static [Decoding],
}

/// One way in which a string is decoded.
///
/// What is shorter than five bytes is not decoded: dates and times written in digits, or parts of UUIDs, are often text
/// by chance.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Decoding {
    /// Its name.
    pub id: &'static str,
    /// When and how.
    pub words: &'static str,
    /// What the string or piece must have for the decoding to be tried; absent where it is always tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<&'static str>,
}

/// Code points that have no width: soft hyphen, Mongolian vowel separator, joiners, direction marks, word joiners,
/// byte order mark.
const INVISIBLE: &[[u32; 2]] = &[
    [0x00AD, 0x00AD],
    [0x180E, 0x180E],
    [0x200B, 0x200F],
    [0x202A, 0x202E],
    [0x2060, 0x2064],
    [0xFEFF, 0xFEFF],
];

/// The ways in which a string is decoded.
pub const DECODINGS: Decodings = Decodings {
    max_depth: 3,
    invisible: INVISIBLE,
    piece_pattern: "[A-Za-z0-9]+",
    text_pattern: "^[ -~]+[\\r\\n]*$",
    steps: &[
        Decoding {
            id: "nfkc",
            words: "apply Unicode NFKC to the whole string and drop the invisible characters; a form if it differs",
            pattern: None,
        },
        Decoding {
            id: "percent",
            words: "where the whole string contains the pattern, replace every match by its byte; a form if the result \
                    is UTF-8",
            pattern: Some("%[0-9A-Fa-f]{2}"),
        },
        Decoding {
            id: "base64",
            words: "where the whole string or a piece fits the pattern and its length without `=` divided by four does \
                    not leave one, decode it (`-` is `+`, `_` is `/`, padding may lack, left-over bits are dropped); a \
                    form if the bytes are text",
            pattern: Some("^[A-Za-z0-9+/_-]{7,}={0,2}$"),
        },
        Decoding {
            id: "hex",
            words: "where the whole string or a piece fits the pattern, decode the pairs of digits after any `0x`; a \
                    form if the bytes are text",
            pattern: Some("^(0x)?([0-9A-Fa-f]{2}){5,}$"),
        },
    ],
};
