//! Detections and plans.

mod air_gap;
mod detections;
mod plans;

use schema::{Component, Mode};

use std::path::Path;

use bootstrap::component::*;
use schema::Arch;

use crate::support::detect_all;
use crate::support::settings::settings;
use crate::support::stub_host::StubHost;

/// One line of the table is all that registers a component, so the line must not be forgotten nor stand elsewhere.
#[test]
fn the_table_has_every_component_of_the_contract_at_its_place() {
    let ids: Vec<Component> = COMPONENTS.iter().map(|spec| spec.id()).collect();
    assert_eq!(ids, Component::ALL);
    for spec in COMPONENTS {
        assert_eq!(bootstrap::component::spec_of(spec.id()).id(), spec.id());
        assert!(!spec.modes().is_empty(), "{}: no mode has it", spec.id());
        for checksum in spec.checksums() {
            assert!(checksum.artifact.starts_with(spec.id().as_str()), "{}", checksum.artifact);
        }
    }
}
