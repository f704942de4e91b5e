//! The gate itself: the order in which a document is checked, and the result of a passed check.
//!
//! A document is serialised first and checked as bytes, not as a value: a check of the value would have to trust that
//! serialising adds nothing. The bytes are read back by a strict reader of our own, so that the gate cannot see another
//! document than a receiver with another parser does (duplicate keys are the classic case, RFC 8259 section 4).
//!
//! Both the schema and the denylist are checked, although the schema alone would refuse most of what the denylist does.
//! The schema is generated from types that change; the denylist is data that is reviewed on its own, and it is still
//! effective when a field of the contract turns out to be wider than intended.

use std::fmt;
use std::marker::PhantomData;

use schema::denylist::{LOCAL_IDENTIFIER, NamedRule};
use schema::{DocumentKind, PublicDocument};
use serde_json::Value;

use crate::local_identifiers::LocalIdentifiers;
use crate::rejection::{Rejection, RuleViolation, Segment, Violation, Violations, exact, masked};
use crate::{keys, reader, structure, values};

/// Decides what may leave the machine.
///
/// A gate that knows more [`LocalIdentifiers`] refuses more; a gate without any still checks the schema and the
/// denylist.
///
/// ```
/// use privacy::{Gate, LocalIdentifiers};
/// use schema::{
///     Arch, Execution, Id, Mode, OsFamily, OsId, OsVersion, Platform, RunManifest, Support, UtcSeconds,
/// };
///
/// let platform = Platform {
///     support: Support::Supported,
///     os_family: OsFamily::Debian,
///     os_id: OsId::Debian,
///     os_version: OsVersion::parse("13")?,
///     arch: Arch::Amd64,
/// };
/// let started_at = UtcSeconds::parse("2026-11-22T07:50:02Z")?;
/// let manifest = |run_id: &str| -> Result<RunManifest, Box<dyn std::error::Error>> {
///     Ok(RunManifest::begin(Id::parse(run_id)?, Execution::Apply, Mode::Server, platform.clone(), started_at))
/// };
///
/// let gate = Gate::new(LocalIdentifiers::default().with_private(["https://srv01:6443"]));
///
/// // A document that passes becomes `Vetted`, which keeps the bytes that were checked.
/// let vetted = gate.vet(&manifest("9f86d081884c7d65")?)?;
/// assert!(vetted.as_bytes().starts_with(b"{"));
///
/// // A document that names this host is rejected, even in hexadecimal. The report names rule and place, never the value.
/// let rejection = gate.vet(&manifest("7372763031c7d659")?).expect_err("rejected");
/// let violation = &rejection.violations()[0];
/// assert_eq!((violation.rule(), violation.pointer()), ("local_identifier", "/run_id"));
/// assert!(!rejection.to_string().contains("srv01"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    ///
    /// # Errors
    /// Every violation found, at most [`Rejection::MAX_VIOLATIONS`]. A document that cannot be read strictly is not
    /// checked any further.
    pub fn vet<D: PublicDocument>(&self, document: &D) -> Result<Vetted<D>, Rejection> {
        let bytes = serialise(document)
            .map_err(|_| Violation::new("syntax", String::new(), "the document cannot be written as JSON"))?;
        self.check_value(D::KIND, &reader::read(&bytes)?)?;
        Ok(Vetted { bytes, document: PhantomData })
    }

    /// Checks JSON from elsewhere. The document itself determines which schema applies: a telemetry document has an
    /// `event_family`.
    ///
    /// # Errors
    /// As [`Self::vet`].
    pub fn check(&self, bytes: &[u8]) -> Result<DocumentKind, Rejection> {
        let document = reader::read(bytes)?;
        // The kind is not an argument: a mistake of the caller would check the document against the wrong allowlist.
        let kind = match document.get("event_family") {
            Some(_) => DocumentKind::Telemetry,
            None => DocumentKind::RunManifest,
        };
        self.check_value(kind, &document).map(|()| kind)
    }

    /// Checks one string that is not a document: a header, an id from the environment. No schema bounds it, so what can be
    /// decoded from it is checked too. The pointer of a violation is empty.
    ///
    /// # Errors
    /// The first rule that the text breaks. One is enough: the caller drops the text and does not repair it.
    pub fn check_text(&self, text: &str) -> Result<(), Violation> {
        let mut first = None;
        let mut report = |broken: RuleViolation| {
            first.get_or_insert_with(|| broken.at(String::new()));
        };
        check_text(text, &self.locals, &mut report);
        values::check_decoded(text, &mut report);
        first.map_or(Ok(()), Err)
    }

    fn check_value(&self, kind: DocumentKind, document: &Value) -> Result<(), Rejection> {
        let mut violations = Violations::default();
        // The denylist is checked even if the schema refused: a report that stops early shows the next fault only after
        // the first one is fixed.
        structure::check(kind, document, &mut violations);
        check_texts(document, &self.locals, &mut violations);
        violations.into_result()
    }
}

/// The exact bytes of a document of type `D` that passed the gate.
///
/// Only [`Gate::vet`] makes one: there is no other constructor, no `Deserialize` and no `Default`. Code that delivers or
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

/// Shows only the length: the bytes were not vetted for a debug log.
impl<D> fmt::Debug for Vetted<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vetted").field("length", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// A manifest is a file that people read, so it has lines; what is sent has no white space.
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

/// Reports what the denylist and the local identifiers refuse in a string.
fn check_text(text: &str, locals: &LocalIdentifiers, report: &mut dyn FnMut(RuleViolation)) {
    // Both checks let a word of the contract pass. Nearly every string is one, so it is looked up once for both.
    if values::is_word(text) {
        return;
    }
    values::check(text, report);
    if locals.occur_in(text) {
        let NamedRule { id, words } = LOCAL_IDENTIFIER;
        report(RuleViolation { rule: id, message: words });
    }
}

/// Adds what the denylist and the local identifiers refuse in `document`.
fn check_texts(document: &Value, locals: &LocalIdentifiers, violations: &mut Violations) {
    TextWalk { locals, path: Vec::with_capacity(schema::limits::MAX_DEPTH), violations }.value(document);
}

struct TextWalk<'a> {
    locals: &'a LocalIdentifiers,
    path: Vec<Segment<'a>>,
    violations: &'a mut Violations,
}

impl<'a> TextWalk<'a> {
    fn value(&mut self, value: &'a Value) {
        match value {
            Value::String(text) => {
                let Self { locals, path, violations } = self;
                check_text(text, locals, &mut |rule| report(rule, path, violations));
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.inside(Segment::Index(index), |walk| walk.value(item));
                }
            }
            Value::Object(members) => {
                for (key, member) in members {
                    self.inside(Segment::Key(key), |walk| {
                        walk.key(key);
                        walk.value(member);
                    });
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn key(&mut self, key: &str) {
        let Self { path, violations, .. } = self;
        keys::check(key, || exact(path.iter().copied()), &mut |rule| report(rule, path, violations));
    }

    fn inside(&mut self, segment: Segment<'a>, visit: impl FnOnce(&mut Self)) {
        self.path.push(segment);
        visit(self);
        self.path.pop();
    }
}

fn report(broken: RuleViolation, path: &[Segment<'_>], violations: &mut Violations) {
    if !violations.is_full() {
        violations.add(broken.at(masked(path.iter().copied())));
    }
}
