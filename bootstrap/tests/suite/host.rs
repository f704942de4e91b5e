//! The seam itself.

mod commands;
mod files;

use std::path::{Path, PathBuf};

use crate::support::stub_host::StubHost;
use bootstrap::host::*;
use bootstrap::secret::Secret;
