//! Changing one part of a text file and keeping the rest to the byte.

use std::net::IpAddr;

/// The block of `lines` between its marker lines, each with its line break.
pub fn block(marker: &str, lines: &[String]) -> String {
    let (begin, end) = markers(marker);
    std::iter::once(&begin).chain(lines).chain([&end]).fold(String::new(), |text, line| text + line + "\n")
}

/// The block that `text` has under `marker`, marker lines included. A block without an end is none: what follows its
/// beginning may be anybody's.
pub fn find_block<'a>(text: &'a str, marker: &str) -> Option<&'a str> {
    let (begin, end) = markers(marker);
    let mut start = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        if bare == begin {
            start = Some(at);
        }
        at += line.len();
        if bare == end
            && let Some(start) = start
        {
            return Some(&text[start..at]);
        }
    }
    None
}

/// `text` with the block in place of the one under the same marker, or at its end.
pub fn with_block(text: &str, marker: &str, lines: &[String]) -> String {
    let block = block(marker, lines);
    match find_block(text, marker) {
        Some(old) => text.replacen(old, &block, 1),
        None => ended(text) + &block,
    }
}

/// Lines of a hosts file that give `names` one address.
pub fn of_hosts(address: IpAddr, names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("{address} {name}")).collect()
}

/// Whether `text` has exactly this line.
pub fn has_line(text: &str, line: &str) -> bool {
    text.lines().any(|found| found == line)
}

/// `text` with the line at its end, unless it has it.
pub fn with_line(text: &str, line: &str) -> String {
    if has_line(text, line) { text.to_owned() } else { ended(text) + line + "\n" }
}

fn markers(marker: &str) -> (String, String) {
    (format!("# BEGIN {marker}"), format!("# END {marker}"))
}

/// A file that somebody left without a last line break gets one, or our line would be part of theirs.
fn ended(text: &str) -> String {
    let mut text = text.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// `text` without each line that is exactly `line`.
pub fn without_line(text: &str, line: &str) -> String {
    let is_it = |found: &str| found.strip_suffix('\n').unwrap_or(found) == line;
    text.split_inclusive('\n').filter(|found| !is_it(found)).collect()
}
