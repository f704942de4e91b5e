//! Limits that the contract, the gate and the receivers share.

/// Largest document in bytes that may be written, sent or accepted.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// Deepest nesting of arrays and objects; the root object is level 1.
pub const MAX_DEPTH: usize = 16;

/// Longest correlation id in characters: ids become file names and headers.
pub const MAX_ID_CHARS: usize = 64;

/// Highest `delivery_attempt` that a document can state; later attempts keep this number.
pub const MAX_DELIVERY_ATTEMPT: u32 = 65_535;
