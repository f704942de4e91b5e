//! What this machine can do at most: the figures that others are held against, measured beside them.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use super::documents::Documents;
use super::figure::Figure;
use super::sender::{DocumentLoad, ExpectedAnswer};
use super::site::LoadSite;

/// The limits of a machine.
pub(super) struct MachineLimits {
    /// One document, one sync, by one writer.
    pub(super) syncs: Figure,
    /// Requests that are answered by their headers: sockets and HTTP alone.
    pub(super) http: Figure,
    /// Requests that pass the gate and the queue and are not stored.
    pub(super) gate: Figure,
}

impl MachineLimits {
    /// How long documents are synced one by one.
    const SYNCING: Duration = Duration::from_secs(5);

    /// Measures with so many requests.
    pub(super) fn measure(
        program: &Path,
        site: &LoadSite,
        documents: &Documents,
        requests: u64,
        connections: usize,
    ) -> anyhow::Result<Self> {
        let syncs = syncs(site.path(), documents)?;
        syncs.print("one sync a document");
        let receiver = site.receiver(program)?;
        let load = DocumentLoad { address: receiver.address, documents, numbers: 0..requests, connections };
        let http =
            load.send(&ExpectedAnswer { media_type: "text/plain", status: 415, word: "application/json" })?;
        http.print("bare HTTP");
        drop(receiver);
        // No disk has so much room: a document is judged, queued, and sent away by the writer.
        let receiver = site.receiver_with(program, &[("RECEIVER_DISK_RESERVE", "100000TiB")])?;
        let load = DocumentLoad { address: receiver.address, ..load };
        let gate = load.send(&ExpectedAnswer::json(503, "disk_reserve"))?;
        gate.print("with the gate");
        Ok(Self { syncs, http, gate })
    }
}

fn syncs(directory: &Path, documents: &Documents) -> anyhow::Result<Figure> {
    let path = directory.join("syncs");
    let mut file = File::create(&path)?;
    let (started, mut waits) = (Instant::now(), Vec::new());
    while started.elapsed() < MachineLimits::SYNCING {
        let document = documents.document(waits.len() as u64);
        let before = Instant::now();
        file.write_all(document.as_bytes())?;
        file.sync_data()?;
        waits.push(u64::try_from(before.elapsed().as_micros())?);
    }
    let time = started.elapsed();
    fs::remove_file(path)?;
    Ok(Figure::new(waits.len() as u64, time, waits))
}
