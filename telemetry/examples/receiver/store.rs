//! Accepted documents: one on each line of a file, and their outlines in memory.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use privacy::disk::PrivateDir;
use schema::{ComponentLabel, EventId, Id, TelemetryDocument, UtcSeconds};
use serde::Deserialize;

/// What the chains need of a document.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Outline {
    pub(crate) event_id: EventId,
    pub(crate) event_name: String,
    pub(crate) occurred_at: UtcSeconds,
    pub(crate) session_id: Id,
    pub(crate) run_id: Id,
    pub(crate) parent_run_id: Option<Id>,
    pub(crate) component: ComponentLabel,
    pub(crate) delivery_attempt: u32,
}

/// Whether a document was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    New,
    Duplicate,
}

pub(crate) struct Store {
    file: File,
    seen: HashSet<EventId>,
    outlines: Vec<Outline>,
}

impl Store {
    /// Opens the file or makes it, and reads what it holds. A line that a crash tore is left out.
    pub(crate) fn open(path: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("the file needs a name")?;
        let folder = PrivateDir::create(folder)?;
        let mut file = folder.open_or_create_file(name)?;
        let mut outlines: Vec<Outline> = Vec::new();
        let mut ends_in_a_line = true;
        for line in BufReader::new(folder.open_file(name)?).split(b'\n') {
            let line = line?;
            ends_in_a_line = serde_json::from_slice(&line).map(|outline| outlines.push(outline)).is_ok();
        }
        if !ends_in_a_line {
            writeln!(file)?;
        }
        let seen = outlines.iter().map(|outline| outline.event_id).collect();
        Ok(Self { file, seen, outlines })
    }

    /// Appends a document, unless one with its id was accepted before. It is on disk when this returns.
    pub(crate) fn accept(&mut self, document: &TelemetryDocument) -> io::Result<Accepted> {
        if self.seen.contains(&document.event_id()) {
            return Ok(Accepted::Duplicate);
        }
        let mut line = serde_json::to_vec(document)?;
        let outline = serde_json::from_slice(&line)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        self.seen.insert(document.event_id());
        self.outlines.push(outline);
        Ok(Accepted::New)
    }

    pub(crate) fn outlines(&self) -> &[Outline] {
        &self.outlines
    }
}
