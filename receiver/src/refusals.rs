//! How many documents were refused by which rule and where: all that is kept of a refused document.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, PoisonError};

use privacy::Rejection;

/// Refusals of one rule at one place, not yet stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusalCount {
    /// Id of the rule.
    pub(crate) rule: String,
    /// The place in the document, as a masked pointer.
    pub(crate) pointer: String,
    /// How often.
    pub(crate) count: u64,
}

/// Counts refusals until they are stored.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    counts: Mutex<HashMap<(String, String), u64>>,
}

impl Refusals {
    /// Most places that are counted separately: pointers name properties of the contract only, but a hostile sender can
    /// nest them at will.
    const MAX_PLACES: usize = 1_000;
    /// Deepest place that is recorded: that of the contract's deepest field.
    const MAX_SEGMENTS: usize = 5;

    /// Counts the violations of a document.
    pub(crate) fn add(&self, rejection: &Rejection) {
        for violation in rejection.violations() {
            self.count(violation.rule(), violation.pointer());
        }
    }

    /// Counts a violation of a rule at a place.
    pub(crate) fn count(&self, rule: &str, pointer: &str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        Self::add_to(&mut counts, (rule.to_owned(), coarse(pointer)), 1);
    }

    fn add_to(counts: &mut HashMap<(String, String), u64>, key: (String, String), count: u64) {
        let is_full = counts.len() >= Self::MAX_PLACES && !counts.contains_key(&key);
        let key = if is_full { (key.0, "elsewhere".to_owned()) } else { key };
        *counts.entry(key).or_default() += count;
    }

    /// Takes what was counted.
    pub(crate) fn take(&self) -> Vec<RefusalCount> {
        let counts = mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        counts.into_iter().map(|((rule, pointer), count)| RefusalCount { rule, pointer, count }).collect()
    }

    /// Restores the counts that could not be stored.
    pub(crate) fn put_back(&self, refused: Vec<RefusalCount>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for RefusalCount { rule, pointer, count } in refused {
            Self::add_to(&mut counts, (rule, pointer), count);
        }
    }
}

/// The pointer without numbers, which would make a place of each item of a list, and cut where the contract ends.
fn coarse(pointer: &str) -> String {
    let mut place = String::new();
    for segment in pointer.split('/').skip(1).take(Refusals::MAX_SEGMENTS) {
        let is_index = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
        place.push('/');
        place.push_str(if is_index { "#" } else { segment });
    }
    place
}

#[cfg(test)]
mod tests {
    use privacy::Gate;

    use super::*;

    #[test]
    fn places_are_coarse_and_bounded() {
        assert_eq!(coarse("/manifest/components/17/a/b/c"), "/manifest/components/#/a/b");
        assert_eq!(coarse(""), "");
        let refusals = Refusals::default();
        let rejection =
            Gate::default().check(br#"{"event_family": 1, "srv01": [1, {"x": 2}]}"#).expect_err("refused");
        refusals.add(&rejection);
        refusals.add(&rejection);
        let taken = refusals.take();
        assert!(
            taken.iter().all(|refused| refused.count == 2 && !refused.pointer.contains("srv01")),
            "{taken:?}"
        );
        assert!(refusals.take().is_empty());
        refusals.put_back(taken.clone());
        assert_eq!(refusals.take().len(), taken.len());
    }

    #[test]
    fn what_cannot_be_stored_for_long_takes_no_more_memory() {
        let refusals = Refusals::default();
        for round in 0..3 {
            let taken = refusals.take();
            (0..Refusals::MAX_PLACES).for_each(|place| refusals.count("rule", &format!("/{round}x{place}")));
            refusals.put_back(taken);
        }
        let taken = refusals.take();
        assert_eq!(taken.len(), Refusals::MAX_PLACES + 1);
        assert_eq!(taken.iter().map(|refused| refused.count).sum::<u64>(), 3 * Refusals::MAX_PLACES as u64);
    }
}
