//! The seam itself.

mod commands;
mod files;

use super::stub::StubHost;
use super::*;
use crate::secret::Secret;
