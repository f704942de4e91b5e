//! The contract as a reader sees it: every field, why it is collected, and where it is shown.

mod fields;
mod uses;

pub(crate) use fields::fields;
pub(crate) use uses::{FieldUse, use_of};
