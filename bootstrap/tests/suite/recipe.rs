//! Detections and plans.

mod detections;
mod plans;

use schema::{Component, Mode};

use std::path::Path;

use bootstrap::recipe::*;
use schema::Arch;

use crate::support::detect_all;
use crate::support::settings::settings;
use crate::support::stub_host::StubHost;
