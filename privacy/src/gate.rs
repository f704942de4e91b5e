//! The gate itself.

use std::fmt;
use std::marker::PhantomData;

use schema::{DocumentKind, PublicDocument};
use serde_json::Value;

use crate::locals::LocalIdentifiers;
use crate::rejection::{Findings, Rejection, Violation};
use crate::{reader, structure, values, walk};

/// Decides what may leave the machine.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    locals: LocalIdentifiers,
}

impl Gate {
    /// A gate that knows these local identifiers.
    pub fn new(locals: LocalIdentifiers) -> Self {
        Self { locals }
    }

    /// Serialises `document` once, checks those bytes and keeps those bytes.
    pub fn vet<D: PublicDocument>(&self, document: &D) -> Result<Vetted<D>, Rejection> {
        let bytes = serialise(document)
            .map_err(|_| Violation::new("syntax", String::new(), "the document cannot be written as JSON"))?;
        self.check_value(D::KIND, &reader::read(&bytes)?)?;
        Ok(Vetted { bytes, document: PhantomData })
    }

    /// Checks JSON from elsewhere. Which schema applies is told by the document itself: a telemetry document has an
    /// `event_family`.
    pub fn check(&self, bytes: &[u8]) -> Result<DocumentKind, Rejection> {
        let document = reader::read(bytes)?;
        let kind = match document.get("event_family") {
            Some(_) => DocumentKind::Telemetry,
            None => DocumentKind::RunManifest,
        };
        self.check_value(kind, &document).map(|()| kind)
    }

    /// Checks one string that is no document: a header, an id from the environment. The pointer of a violation is empty.
    pub fn check_text(&self, text: &str) -> Result<(), Violation> {
        let mut first = None;
        values::check(text, &self.locals, &mut |(rule, words)| {
            first.get_or_insert_with(|| Violation::new(rule, String::new(), words));
        });
        first.map_or(Ok(()), Err)
    }

    fn check_value(&self, kind: DocumentKind, document: &Value) -> Result<(), Rejection> {
        let mut findings = Findings::default();
        structure::check(kind, document, &mut findings);
        walk::check(document, &self.locals, &mut findings);
        findings.into_result()
    }
}

/// A manifest is a file that people read, so it has lines; what goes over the wire has no white space.
fn serialise<D: PublicDocument>(document: &D) -> serde_json::Result<Vec<u8>> {
    match D::KIND {
        DocumentKind::Telemetry => serde_json::to_vec(document),
        DocumentKind::RunManifest => {
            let mut bytes = serde_json::to_vec_pretty(document)?;
            bytes.push(b'\n');
            Ok(bytes)
        }
    }
}

/// The exact bytes of a document of type `D` that passed the gate.
///
/// [`Gate::vet`] alone makes one: there is no other constructor, no `Deserialize` and no `Default`. What delivers or
/// publishes a document takes it as `Vetted<D>`, and so cannot be handed anything unchecked, nor a document of the other
/// kind.
pub struct Vetted<D> {
    bytes: Vec<u8>,
    document: PhantomData<fn() -> D>,
}

impl<D> Vetted<D> {
    /// The checked bytes: one JSON document.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The checked bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Shows the length alone.
impl<D> fmt::Debug for Vetted<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vetted").field("length", &self.bytes.len()).finish_non_exhaustive()
    }
}
