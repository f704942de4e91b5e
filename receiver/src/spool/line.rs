//! A document as a line of the spool: a checksum, and the document as JSON.

use sha2::{Digest, Sha256};

use crate::arrival::{Arrival, PackedId};

/// Characters of the checksum. It detects damage by a disk or an editor, and is no protection against an attacker.
const CHECKSUM: usize = 16;

/// What a segment holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SpooledDocuments {
    /// Documents, in the order in which they were written.
    pub(super) documents: Vec<Arrival>,
    /// Lines that cannot be read.
    pub(super) damaged: usize,
}

/// Appends the line of a document.
pub(super) fn write(text: &mut Vec<u8>, arrival: &Arrival) {
    // It has only numbers and strings: this cannot fail.
    let json = serde_json::to_vec(arrival).unwrap_or_default();
    text.extend_from_slice(checksum(&json).as_bytes());
    text.push(b' ');
    text.extend_from_slice(&json);
    text.push(b'\n');
}

/// Reads a segment. What follows the last line break was cut off in the middle, and never acknowledged.
pub(super) fn read(segment: &[u8]) -> SpooledDocuments {
    let mut read = SpooledDocuments::default();
    let whole = segment.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    for line in segment[..whole].split_inclusive(|byte| *byte == b'\n') {
        match document(&line[..line.len() - 1]) {
            Some(arrival) => read.documents.push(arrival),
            None => read.damaged += 1,
        }
    }
    read
}

/// A segment without the lines of a session or a run, and how many those were. A damaged line is one of them if it names
/// the id. The lines of the runs below it stay, and no longer say what is above them.
pub(super) fn without(segment: &[u8], id: &PackedId) -> (Vec<u8>, usize) {
    let text = id.to_string();
    let names_id = |line: &[u8]| line.windows(text.len()).any(|part| part == text.as_bytes());
    let (mut kept, mut erased) = (Vec::new(), 0);
    for line in segment.split_inclusive(|byte| *byte == b'\n') {
        match document(line.strip_suffix(b"\n").unwrap_or(line)) {
            Some(arrival) if arrival.session_id == *id || arrival.run_id == *id => erased += 1,
            Some(arrival) if arrival.parent_run_id == Some(*id) => {
                write(&mut kept, &Arrival { parent_run_id: None, ..arrival });
            }
            None if names_id(line) => erased += 1,
            _ => kept.extend_from_slice(line),
        }
    }
    (kept, erased)
}

fn document(line: &[u8]) -> Option<Arrival> {
    let (told, json) = line.split_at_checked(CHECKSUM)?;
    let json = json.strip_prefix(b" ")?;
    (told == checksum(json).as_bytes()).then(|| serde_json::from_slice(json).ok())?
}

fn checksum(json: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(json).into();
    let first = digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
    format!("{first:0CHECKSUM$x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::example;

    fn segment(events: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        for event in events {
            write(&mut text, &example(*event));
        }
        text
    }

    #[test]
    fn documents_come_back_as_they_were() {
        let read = read(&segment(&[1, 2, 3]));
        let documents = vec![example(1), example(2), example(3)];
        assert_eq!(read, SpooledDocuments { documents, damaged: 0 });
    }

    #[test]
    fn a_run_is_erased_and_those_below_it_no_longer_name_it() {
        let id = |digit: &str| PackedId::of(&schema::Id::parse(&digit.repeat(16)).expect("an id"));
        let own = Arrival { run_id: id("1"), ..example(1) };
        let below = Arrival { run_id: id("2"), parent_run_id: Some(id("1")), ..example(2) };
        let other = Arrival { run_id: id("3"), parent_run_id: Some(id("2")), ..example(3) };
        let mut text = Vec::new();
        for arrival in [&own, &below, &other] {
            write(&mut text, arrival);
        }
        let (kept, erased) = without(&text, &id("1"));
        let documents = vec![Arrival { parent_run_id: None, ..below }, other];
        assert_eq!((read(&kept), erased), (SpooledDocuments { documents, damaged: 0 }, 1));
        assert_eq!(without(&kept, &id("1")), (kept.clone(), 0));
    }

    #[test]
    fn a_line_that_was_cut_off_is_no_damage_and_a_changed_one_is() {
        let whole = segment(&[1, 2]);
        let cut = read(&whole[..whole.len() - 1]);
        assert_eq!((cut.documents, cut.damaged), (vec![example(1)], 0));
        for index in [3, CHECKSUM, 60] {
            let mut changed = whole.clone();
            changed[index] ^= 1;
            let changed = read(&changed);
            assert_eq!((changed.documents, changed.damaged), (vec![example(2)], 1), "{index}");
        }
        assert_eq!(read(b"\n\xff\xfe\n").damaged, 2);
        assert_eq!(read(b""), SpooledDocuments::default());
    }
}
