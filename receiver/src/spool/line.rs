//! A document as a line of the spool: a checksum, and the document with the time of its arrival as JSON.

use sha2::{Digest, Sha256};

use crate::arrival::{Arrival, PackedId};

/// Characters of the checksum. It detects damage by a disk or an editor, and is no protection against an attacker.
const CHECKSUM: usize = 16;

/// What a segment holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SpooledBatches {
    /// Documents that arrived in one second, in the order in which they were written.
    pub(super) batches: Vec<(i64, Vec<Arrival>)>,
    /// Lines that cannot be read.
    pub(super) damaged: usize,
}

/// Appends the line of a document.
pub(super) fn write(text: &mut Vec<u8>, received_at: i64, arrival: &Arrival) {
    // It has only numbers and strings: this cannot fail.
    let json = serde_json::to_vec(&(received_at, arrival)).unwrap_or_default();
    text.extend_from_slice(checksum(&json).as_bytes());
    text.push(b' ');
    text.extend_from_slice(&json);
    text.push(b'\n');
}

/// Reads a segment. What follows the last line break was cut off in the middle, and never acknowledged.
pub(super) fn read(segment: &[u8], max_batch: usize) -> SpooledBatches {
    let mut read = SpooledBatches::default();
    let whole = segment.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    for line in segment[..whole].split_inclusive(|byte| *byte == b'\n') {
        let Some((received_at, arrival)) = document(&line[..line.len() - 1]) else {
            read.damaged += 1;
            continue;
        };
        match read.batches.last_mut() {
            Some((at, batch)) if *at == received_at && batch.len() < max_batch => batch.push(arrival),
            _ => read.batches.push((received_at, vec![arrival])),
        }
    }
    read
}

/// A segment without the lines of a session or a run, and how many those were. A damaged line is one of them if it names
/// the id.
pub(super) fn without(segment: &[u8], id: &PackedId) -> (Vec<u8>, usize) {
    let text = id.to_string();
    let is_of_id = |line: &[u8]| match document(line.strip_suffix(b"\n").unwrap_or(line)) {
        Some((_, arrival)) => arrival.session_id == *id || arrival.run_id == *id,
        None => line.windows(text.len()).any(|part| part == text.as_bytes()),
    };
    let (mut kept, mut erased) = (Vec::new(), 0);
    for line in segment.split_inclusive(|byte| *byte == b'\n') {
        if is_of_id(line) {
            erased += 1;
        } else {
            kept.extend_from_slice(line);
        }
    }
    (kept, erased)
}

fn document(line: &[u8]) -> Option<(i64, Arrival)> {
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

    fn segment(documents: &[(i64, u8)]) -> Vec<u8> {
        let mut text = Vec::new();
        for (received_at, event) in documents {
            write(&mut text, *received_at, &example(*event));
        }
        text
    }

    #[test]
    fn documents_come_back_as_they_were_in_batches_of_one_second() {
        let read = read(&segment(&[(5, 1), (5, 2), (5, 3), (6, 4)]), 2);
        let wanted = [(5, vec![example(1), example(2)]), (5, vec![example(3)]), (6, vec![example(4)])];
        assert_eq!(read, SpooledBatches { batches: wanted.into(), damaged: 0 });
    }

    #[test]
    fn a_line_that_was_cut_off_is_no_damage_and_a_changed_one_is() {
        let whole = segment(&[(5, 1), (5, 2)]);
        let cut = read(&whole[..whole.len() - 1], 9);
        assert_eq!((cut.batches, cut.damaged), (vec![(5, vec![example(1)])], 0));
        for index in [3, CHECKSUM, 60] {
            let mut changed = whole.clone();
            changed[index] ^= 1;
            let changed = read(&changed, 9);
            assert_eq!((changed.batches, changed.damaged), (vec![(5, vec![example(2)])], 1), "{index}");
        }
        assert_eq!(read(b"\n\xff\xfe\n", 9).damaged, 2);
        assert_eq!(read(b"", 9), SpooledBatches::default());
    }
}
