//! An attempt to learn about fewer sessions than any number may cover, from everything that is published.

use std::collections::BTreeMap;

use super::published::PublishedCell;

/// All that is published of a week, chart by chart.
pub(super) type PublishedWeek = BTreeMap<&'static str, Vec<PublishedCell>>;

/// A number with what it is the number of.
type Told = (String, u64);

/// What an attacker can say of a small group, in words; nothing if the numbers are worth what they promise.
pub(super) fn claims(week: &PublishedWeek, before: Option<&PublishedWeek>, below: u64) -> Vec<String> {
    let mut claims = Vec::new();
    let mut differ = |what: &str, (one, first): &Told, (other, second): &Told| {
        let difference = first.abs_diff(*second);
        if (1..below).contains(&difference) {
            claims.push(format!("{what}: {one} {first}, {other} {second}: a group of {difference}"));
        }
    };
    // One word in two charts: what one tells in all, less what the other shows of it.
    for told in margins(week).values() {
        pairs(told, |one, other| differ("margin", one, other));
    }
    // All of a chart, less all of another one.
    let totals: Vec<Told> = week.iter().map(|(chart, cells)| sum(chart, cells.iter())).collect();
    pairs(&totals, |one, other| differ("total", one, other));
    // A cell less another cell of its chart, and less itself in the week before.
    for (chart, cells) in week {
        for (index, cell) in cells.iter().enumerate() {
            let earlier = before.and_then(|before| before.get(chart)).into_iter().flatten();
            let same = earlier.filter(|earlier| (&earlier.1, &earlier.2) == (&cell.1, &cell.2));
            for other in cells[index + 1..].iter().chain(same) {
                differ("cell", &sum(chart, [cell].into_iter()), &sum(chart, [other].into_iter()));
            }
        }
    }
    claims
}

/// What each chart shows of each word in each of its dimensions.
fn margins(week: &PublishedWeek) -> BTreeMap<&str, Vec<Told>> {
    let mut by_place: BTreeMap<(&str, &str, usize), Vec<&PublishedCell>> = BTreeMap::new();
    for (chart, cells) in week {
        for cell in cells {
            by_place.entry((cell.1.as_str(), *chart, 1)).or_default().push(cell);
            by_place.entry((cell.2.as_str(), *chart, 2)).or_default().push(cell);
        }
    }
    let mut margins: BTreeMap<&str, Vec<Told>> = BTreeMap::new();
    for ((word, chart, dimension), cells) in by_place {
        let name = format!("{chart}[{dimension}] {word}");
        margins.entry(word).or_default().push(sum(&name, cells.into_iter()));
    }
    margins
}

/// The sessions of cells.
fn sum<'a>(name: &str, cells: impl Iterator<Item = &'a PublishedCell>) -> Told {
    (name.to_owned(), cells.map(|cell| cell.3).sum())
}

fn pairs(told: &[Told], mut look: impl FnMut(&Told, &Told)) {
    for (index, one) in told.iter().enumerate() {
        for other in &told[index + 1..] {
            look(one, other);
        }
    }
}

#[test]
fn exact_numbers_are_seen_through() {
    let cell = |k1: &str, k2: &str, count| ("w".to_owned(), k1.to_owned(), k2.to_owned(), count);
    let week = PublishedWeek::from([
        ("words", vec![cell("Mode", "agent", 12)]),
        ("results", vec![cell("agent", "success", 11), cell("server", "success", 91)]),
    ]);
    let claims = claims(&week, None, 10);
    let wanted = "margin: results[1] agent 11, words[2] agent 12: a group of 1";
    assert!(claims.iter().any(|claim| claim == wanted), "{claims:?}");
}
