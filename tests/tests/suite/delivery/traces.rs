//! What strace has told of a run and of its deliveries, with `-ff -e trace=%process`: a file for each thread.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tests::tree;

/// One text for each thread.
pub(super) struct Traces {
    /// The run, and what it asks, such as systemctl about a unit of this machine.
    pub(super) of_the_run: Vec<String>,
    /// What is started for a delivery, from the fork on, and all that comes of it.
    pub(super) of_deliveries: Vec<String>,
}

impl Traces {
    /// Reads the files in `directory`, whose names end in the id of the thread.
    pub(super) fn read(directory: &Path) -> Self {
        let threads: BTreeMap<u32, String> = tree(directory, None)
            .into_iter()
            .map(|(path, entry)| {
                let id =
                    path.extension().and_then(|id| id.to_str()?.parse().ok()).expect("the id of a thread");
                (id, String::from_utf8_lossy(&entry.content).into_owned())
            })
            .collect();
        let deliver = deliver(&threads);
        let mut traces = Self { of_the_run: Vec::new(), of_deliveries: Vec::new() };
        for (id, text) in threads {
            let traces =
                if deliver.contains(&id) { &mut traces.of_deliveries } else { &mut traces.of_the_run };
            traces.push(text);
        }
        traces
    }
}

/// The threads that deliver. Only the first of a process has an `execve`; the others are known by who made them.
fn deliver(threads: &BTreeMap<u32, String>) -> BTreeSet<u32> {
    let first = threads.iter().filter(|(_, text)| text.contains("\"--detached\""));
    let mut left: Vec<u32> = first.map(|(id, _)| *id).collect();
    let mut found = BTreeSet::new();
    while let Some(id) = left.pop() {
        if found.insert(id) {
            left.extend(threads.get(&id).into_iter().flat_map(|text| made(text)));
        }
    }
    found
}

/// The threads and processes that a thread has made.
fn made(text: &str) -> impl Iterator<Item = u32> {
    let makes = |line: &&str| ["clone", "fork", "vfork"].iter().any(|call| line.starts_with(call));
    text.lines().filter(makes).filter_map(|line| line.rsplit(" = ").next()?.trim().parse().ok())
}
