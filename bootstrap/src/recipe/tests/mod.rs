//! Detections and plans.

mod detections;
mod plans;

use schema::{Component, Mode};

use super::*;
use crate::host::stub::StubHost;
use crate::settings::samples::settings;
