//! One walk over a document for everything that concerns single keys and single strings.

use serde_json::Value;

use crate::locals::LocalIdentifiers;
use crate::pointer::{Segment, exact, masked};
use crate::rejection::{Findings, Violation};
use crate::{keys, values};

/// Adds what the denylist and the local identifiers refuse in `document`.
pub(crate) fn check(document: &Value, locals: &LocalIdentifiers, findings: &mut Findings) {
    Walk { locals, path: Vec::with_capacity(schema::limits::MAX_DEPTH), findings }.value(document);
}

struct Walk<'a> {
    locals: &'a LocalIdentifiers,
    path: Vec<Segment<'a>>,
    findings: &'a mut Findings,
}

impl<'a> Walk<'a> {
    fn value(&mut self, value: &'a Value) {
        match value {
            Value::String(text) => {
                let Self { locals, path, findings } = self;
                values::check(text, locals, &mut |rule| report(rule, path, findings));
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
        let Self { path, findings, .. } = self;
        keys::check(key, || exact(path.iter().copied()), &mut |rule| report(rule, path, findings));
    }

    fn inside(&mut self, segment: Segment<'a>, visit: impl FnOnce(&mut Self)) {
        self.path.push(segment);
        visit(self);
        self.path.pop();
    }
}

/// A rule that tripped: its id and its words.
pub(crate) type Tripped = (&'static str, &'static str);

fn report((rule, words): Tripped, path: &[Segment<'_>], findings: &mut Findings) {
    if !findings.is_full() {
        findings.add(Violation::new(rule, masked(path.iter().copied()), words));
    }
}
