//! One JSON document a line, on all cores, in constant memory, with the verdicts in the order of the lines.

use std::io::{self, BufRead, Read};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use privacy::{Gate, Rejection};
use schema::DocumentKind;
use schema::limits::MAX_DOCUMENT_BYTES;

/// Bytes that a worker gets at once: large enough that handing over costs nothing beside checking.
pub(super) const BATCH_BYTES: usize = 256 * 1024;

/// What a line costs beside its bytes while it is under way: its allocation, and the violations that are found in it. Without
/// it a batch of the shortest lines would take a hundred times its size.
const LINE_OVERHEAD: usize = 512;

/// Batches under way per worker; bounds the memory.
const BATCHES_PER_WORKER: usize = 2;

/// Longest line that is kept; of a longer one, as much as the gate needs to refuse it.
const MAX_LINE_BYTES: u64 = MAX_DOCUMENT_BYTES as u64 + 2;

type Results = Vec<(u64, Result<DocumentKind, Rejection>)>;

/// Some lines and where to put their results.
struct Batch {
    lines: Vec<(u64, Vec<u8>)>,
    results: SyncSender<Results>,
}

/// Calls `verdict` for every line that is not blank, in order.
pub(super) fn check(
    input: impl BufRead + Send,
    gate: &Gate,
    verdict: &mut dyn FnMut(u64, Result<DocumentKind, Rejection>),
) -> io::Result<()> {
    // Both channels are bounded: that is what keeps the memory constant when lines come faster than they are checked.
    let workers = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (batches, work) = sync_channel::<Batch>(workers);
    let (order, ordered) = sync_channel::<Receiver<Results>>(workers * BATCHES_PER_WORKER);
    let work = Mutex::new(work);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| check_batches(&work, gate));
        }
        let reader = scope.spawn(move || read_batches(input, &batches, &order));
        // Receivers arrive in the order of the lines, whichever worker is done first: that is the whole of the ordering.
        for results in ordered {
            for (number, result) in results.recv().unwrap_or_default() {
                verdict(number, result);
            }
        }
        reader.join().unwrap_or_else(|_| Err(io::Error::other("the reader stopped")))
    })
}

fn check_batches(work: &Mutex<Receiver<Batch>>, gate: &Gate) {
    loop {
        let Ok(Ok(batch)) = work.lock().map(|work| work.recv()) else { return };
        let results = batch.lines.into_iter().map(|(number, line)| (number, gate.check(&line))).collect();
        if batch.results.send(results).is_err() {
            return;
        }
    }
}

fn read_batches(
    mut input: impl BufRead,
    batches: &SyncSender<Batch>,
    order: &SyncSender<Receiver<Results>>,
) -> io::Result<()> {
    let mut number = 0;
    loop {
        let mut lines = Vec::new();
        let mut size = 0;
        while size < BATCH_BYTES
            && let Some(line) = read_line(&mut input)?
        {
            number += 1;
            size += line.len() + LINE_OVERHEAD;
            if !line.trim_ascii().is_empty() {
                lines.push((number, line));
            }
        }
        // Only the end of the input leaves both empty; blank lines alone do not end a batch.
        if lines.is_empty() && size == 0 {
            return Ok(());
        }
        let (results, receiver) = sync_channel(1);
        if order.send(receiver).is_err() || batches.send(Batch { lines, results }).is_err() {
            return Ok(());
        }
    }
}

/// The next line without its line feed; the end of a line that is too long is thrown away.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() as u64 == MAX_LINE_BYTES {
        input.skip_until(b'\n')?;
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals(text: &[u8]) -> Vec<(u64, bool)> {
        let mut seen = Vec::new();
        check(text, &Gate::default(), &mut |number, result| seen.push((number, result.is_ok())))
            .expect("readable");
        seen
    }

    #[test]
    fn lines_keep_their_numbers_and_their_order() {
        let text = "{}\n\n[]\r\nnot json".as_bytes();
        assert_eq!(refusals(text), [(1, false), (3, false), (4, false)]);
        assert_eq!(refusals(b""), []);
        let many: Vec<u8> = b"{}\n".repeat(200_000);
        let numbers: Vec<u64> = refusals(&many).into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, (1..=200_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_of_the_shortest_lines_is_bounded_too() {
        let (batches, work) = sync_channel(2);
        let (order, ordered) = sync_channel(2);
        let reader = thread::spawn(move || read_batches(&b"x\n".repeat(1_000_000)[..], &batches, &order));
        let lines = work.recv().expect("a batch").lines.len();
        drop((work, ordered));
        reader.join().expect("no panic").expect("readable");
        assert!(lines <= BATCH_BYTES / LINE_OVERHEAD, "{lines} lines in a batch");
    }

    #[test]
    fn a_line_beyond_all_bounds_is_one_refusal() {
        let mut text = vec![b' '; 3 * MAX_DOCUMENT_BYTES];
        text.extend_from_slice(b"\n{}\n");
        text.splice(0..1, *b"x");
        assert_eq!(refusals(&text), [(1, false), (2, false)]);
    }
}
