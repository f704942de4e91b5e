//! Which groups are shown: no cell has fewer sessions than the threshold.
//!
//! Folding happens when a week is closed, on the sessions themselves. Folding later, on stored numbers, was rejected:
//! the sessions of two cells overlap, so their sum is not the number in both; and what a table keeps is one mistake
//! away from being shown.
//!
//! Every number counts sessions, and a session counts once in a cell. Runs are not counted: a session may have hundreds, and
//! the number of runs of each cell that it is in would exceed the others by the same hundreds, which shows all that it did.
//! A cap on its runs was rejected: it adds a number that is nearly the number of sessions, and one more thing to prove.
//!
//! Numbers are rounded down to a multiple of the threshold. So one session more or less changes the number of a cell by
//! nothing or by one step, whatever the session did; it may also decide which small cells are folded.
//!
//! Charts have words in common, so that one of them may show twelve agents and another one eleven that succeeded: the
//! difference of exact numbers would show the twelfth, and rounded ones differ by nothing or by a whole group. Finding
//! such pairs and folding more cells was rejected: finding all of them is a hard problem, and a new chart would change
//! what the others show.

use std::collections::{BTreeMap, HashSet};

/// A cell of a chart, as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WeeklyCell {
    /// The first dimension. Both are empty for what was folded: no word of the contract is.
    pub(crate) k1: String,
    pub(crate) k2: String,
    /// Distinct sessions, rounded down to a multiple of the threshold.
    pub(crate) sessions: u32,
}

/// The cells of a chart with their sessions, before any is folded.
pub(super) type CountedCells = BTreeMap<(String, String), HashSet<u32>>;

/// Folds the cells with fewer than `below` sessions into one. If that one is too small as well, the next smallest joins
/// it, so that it cannot be derived from a total; if all of them together are too few, nothing is shown.
pub(super) fn fold(cells: CountedCells, below: usize) -> Vec<WeeklyCell> {
    let mut by_size: Vec<((String, String), HashSet<u32>)> = cells.into_iter().collect();
    by_size.sort_by_key(|(_, sessions)| sessions.len());
    let mut folded = HashSet::new();
    let mut shown = Vec::new();
    for (keys, sessions) in by_size {
        let too_few = sessions.len() < below;
        let not_enough_yet = !folded.is_empty() && folded.len() < below;
        if too_few || not_enough_yet {
            folded.extend(sessions);
        } else {
            shown.push(of(keys, &sessions, below));
        }
    }
    if folded.len() >= below.max(1) {
        shown.push(of((String::new(), String::new()), &folded, below));
    }
    shown
}

fn of((k1, k2): (String, String), sessions: &HashSet<u32>, below: usize) -> WeeklyCell {
    let rounded = sessions.len() - sessions.len() % below.max(1);
    WeeklyCell { k1, k2, sessions: u32::try_from(rounded).unwrap_or(u32::MAX) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(sizes: &[&[u32]]) -> CountedCells {
        let cell = |(index, sessions): (usize, &&[u32])| {
            ((format!("k{index}"), "x".to_owned()), sessions.iter().copied().collect())
        };
        sizes.iter().enumerate().map(cell).collect()
    }

    #[track_caller]
    fn check(sizes: &[&[u32]], expected: &[(&str, u32)]) {
        let shown = fold(cells(sizes), 3);
        let found: Vec<(&str, u32)> = shown.iter().map(|cell| (cell.k1.as_str(), cell.sessions)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn small_cells_fold_and_take_the_next_with_them_if_they_must() {
        check(&[&[1, 2, 3], &[4, 5, 6, 7, 8, 9]], &[("k0", 3), ("k1", 6)]);
        check(&[&[1, 2], &[3, 4], &[5, 6, 7]], &[("k2", 3), ("", 3)]);
        // Two that overlap are three sessions together only if there are three.
        check(&[&[1, 2], &[1, 2], &[5, 6, 7], &[5, 6, 7, 8]], &[("k3", 3), ("", 3)]);
        check(&[&[1], &[1, 2]], &[]);
        check(&[], &[]);
    }

    proptest! {
        #[test]
        fn no_cell_is_small_and_none_can_be_told_by_a_difference(
            sizes in prop::collection::vec(prop::collection::hash_set(0_u32..40, 1..20), 0..12),
            below in 1_usize..15,
        ) {
            let sessions: Vec<Vec<u32>> = sizes.iter().map(|cell| cell.iter().copied().collect()).collect();
            let slices: Vec<&[u32]> = sessions.iter().map(Vec::as_slice).collect();
            let shown = fold(cells(&slices), below);
            prop_assert!(shown.iter().all(|cell| cell.sessions as usize >= below));
            prop_assert!(shown.iter().all(|cell| (cell.sessions as usize).is_multiple_of(below)));
            // What is folded is either of several cells or not shown at all: one cell alone would only be renamed.
            let named = shown.iter().filter(|cell| !cell.k1.is_empty()).count();
            if shown.iter().any(|cell| cell.k1.is_empty()) {
                prop_assert!(slices.len() - named >= 2);
            } else if named > 0 {
                prop_assert_eq!(named, slices.len(), "what is missing is missing with all");
            }
            // Cells that are large enough by themselves are shown, except the ones that had to join.
            let large = slices.iter().filter(|cell| cell.len() >= below).count();
            prop_assert!(named <= large);
        }
    }
}
