//! Limits that the contract, the gate and the receivers share, and integers that carry theirs in their type.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Largest document in bytes that may be written, sent or accepted. The largest that the types can make has about 3 KiB;
/// the rest is room for later versions, and little enough to hold thousands of documents in memory.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// Deepest nesting of arrays and objects; the root object is level 1. Ours has 4 levels; readers that recurse are safe
/// far beyond this.
pub const MAX_DEPTH: usize = 16;

/// Highest `delivery_attempt` that a document can state; later attempts keep this number.
pub const MAX_DELIVERY_ATTEMPT: u32 = 65_535;

/// A whole number from `MIN` to `MAX`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Bounded<const MIN: u32, const MAX: u32>(u32);

/// The number is outside its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBounds {
    /// Smallest number allowed.
    pub min: u32,
    /// Largest number allowed.
    pub max: u32,
}

impl fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a whole number from {} to {}", self.min, self.max)
    }
}

impl std::error::Error for OutOfBounds {}

impl<const MIN: u32, const MAX: u32> Bounded<MIN, MAX> {
    /// The number nearest to `number` that is within the bounds: for counters, where a document with the highest number
    /// is worth more than none.
    pub fn clamped(number: u32) -> Self {
        Self(number.clamp(MIN, MAX))
    }

    /// The number itself.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<const MIN: u32, const MAX: u32> TryFrom<u32> for Bounded<MIN, MAX> {
    type Error = OutOfBounds;

    fn try_from(number: u32) -> Result<Self, OutOfBounds> {
        if (MIN..=MAX).contains(&number) { Ok(Self(number)) } else { Err(OutOfBounds { min: MIN, max: MAX }) }
    }
}

impl<const MIN: u32, const MAX: u32> From<Bounded<MIN, MAX>> for u32 {
    fn from(bounded: Bounded<MIN, MAX>) -> Self {
        bounded.0
    }
}

impl<const MIN: u32, const MAX: u32> JsonSchema for Bounded<MIN, MAX> {
    // A definition of its own for each pair of bounds would fill the schemas with names that say nothing.
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Integer{MIN}To{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}
