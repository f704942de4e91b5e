//! Every published hit of every rule for values, in the place where the schema has most room: an id.

use super::Vector;
use super::base::{manifest, with};
use schema::Id;
use schema::denylist::VALUE_RULES;

pub(super) fn vectors() -> Vec<Vector> {
    let hits = VALUE_RULES
        .iter()
        .flat_map(|rule| (1..).zip(rule.hits).map(move |(number, hit)| (rule, number, *hit)));
    hits.map(|(rule, number, hit)| {
        let name = format!("{}-{number}", rule.id.replace(['.', '_'], "-"));
        let vector = Vector::fail(
            name,
            format!("The string holds {}.", rule.words),
            with(manifest(), "/run_id", hit),
            rule.id,
            "/run_id",
        );
        if Id::parse(hit).is_ok() { vector.beyond_the_schema() } else { vector }
    })
    .collect()
}
