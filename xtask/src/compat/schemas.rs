//! Two versions of a schema: which side the change breaks, and where.
//!
//! Whether the change breaks anything is decided for the schemas as a whole, see [`coverage`]. The walk over their
//! places only explains the answer: it says where the difference is, describes it, and gives a document. What it finds
//! besides the answer is dropped, and a break that it cannot place is reported for the document as a whole, so no
//! mistake here can let a break pass.

use jsonschema::Validator;
use serde_json::Value;

use super::change::{Breaks, ContractChange};
use super::coverage::{self, Difference};
use super::place::Place;

/// A string that matches the contract's pattern of a time, and is not a time. No automaton finds it: the calendar is in the
/// format alone.
const NO_TIME: &str = "2026-02-30T00:00:00Z";

/// Everything that differs between two versions of the schema `file`.
pub(super) fn compare(file: &str, old: &Value, new: &Value) -> anyhow::Result<Vec<ContractChange>> {
    let mut walk = Walk { file, old: validator(old)?, new: validator(new)?, changes: Vec::new() };
    walk.places(&Place::root(old), &Place::root(new));
    let mut changes = walk.changes;
    for (covered, breaks) in [
        (coverage::covers(new, old), Breaks::OldDocuments),
        (coverage::covers(old, new), Breaks::OldReceivers),
    ] {
        if covered {
            changes.retain(|change| change.breaks != breaks);
        } else if !changes.iter().any(|change| change.breaks == breaks) {
            let what = "it cannot be shown that the change breaks nothing".to_owned();
            changes.push(ContractChange::new(file, "", what, breaks, None));
        }
    }
    Ok(changes)
}

fn validator(schema: &Value) -> anyhow::Result<Validator> {
    // Its error borrows from the schema.
    let options = jsonschema::options().should_validate_formats(true);
    options.build(schema).map_err(|error| anyhow::anyhow!("not a schema: {error}"))
}

struct Walk<'a> {
    file: &'a str,
    old: Validator,
    new: Validator,
    changes: Vec<ContractChange>,
}

impl Walk<'_> {
    /// Something that breaks one side, with the first of `documents` that proves it.
    fn add(
        &mut self,
        place: &Place<'_>,
        breaks: Breaks,
        what: impl Into<String>,
        documents: impl IntoIterator<Item = Value>,
    ) {
        let proves = |document: &Value| match breaks {
            Breaks::OldDocuments => self.old.is_valid(document) && !self.new.is_valid(document),
            Breaks::OldReceivers => self.new.is_valid(document) && !self.old.is_valid(document),
            Breaks::Nobody => false,
        };
        let example = documents.into_iter().find(proves);
        self.changes.push(ContractChange::new(self.file, &place.pointer(), what.into(), breaks, example));
    }

    fn places(&mut self, old: &Place<'_>, new: &Place<'_>) {
        // A value that becomes one kind of several keeps its description inside the union, which is the change to report.
        if old.is_union() == new.is_union() && !old.is_described_as(new) {
            self.add(new, Breaks::Nobody, "the words about it differ", []);
        }
        if old.is_union() && new.is_union() {
            self.unions(old, new);
        } else if old.is_object() && new.is_object() {
            self.objects(old, new);
        } else if old.schema() != new.schema() {
            self.values(old, new);
        }
    }

    /// Corresponding branches are compared; where one is left on each side, these two count as corresponding.
    fn unions(&mut self, old: &Place<'_>, new: &Place<'_>) {
        let (mut gone, mut come) = (Vec::new(), new.branches());
        for branch in old.branches() {
            match come.iter().position(|other| other.label() == branch.label()) {
                Some(index) => self.places(&branch, &come.remove(index)),
                None => gone.push(branch),
            }
        }
        if let ([gone], [come]) = (gone.as_slice(), come.as_slice()) {
            return self.places(gone, come);
        }
        for gone in &gone {
            let document = gone.document(gone.smallest());
            self.add(gone, Breaks::OldDocuments, "a kind of value was removed", [document]);
        }
        for come in &come {
            let document = come.document(come.smallest());
            self.add(come, Breaks::OldReceivers, "a kind of value was added", [document]);
        }
    }

    fn objects(&mut self, old: &Place<'_>, new: &Place<'_>) {
        self.closing(old, new);
        for name in old.properties() {
            let Some(before) = old.property(name) else { continue };
            if let Some(after) = new.property(name) {
                self.properties(name, (&before, old), (&after, new));
            } else {
                let document = before.document(before.smallest());
                self.add(&before, Breaks::OldDocuments, "the property was removed", [document]);
            }
        }
        for name in new.properties().filter(|name| old.property(name).is_none()) {
            let Some(after) = new.property(name) else { continue };
            let kind = if new.requires(name) { "a required" } else { "an optional" };
            if new.requires(name) {
                let without = old.document(old.smallest_object());
                self.add(&after, Breaks::OldDocuments, "a required property was added", [without]);
            }
            let document = after.document(after.smallest());
            self.add(&after, Breaks::OldReceivers, format!("{kind} property was added"), [document]);
        }
    }

    fn closing(&mut self, old: &Place<'_>, new: &Place<'_>) {
        let (open, breaks, what) = match (old.is_closed(), new.is_closed()) {
            (false, true) => (old, Breaks::OldDocuments, "the object was closed"),
            (true, false) => (new, Breaks::OldReceivers, "the object was opened"),
            _ => return,
        };
        let mut object = open.smallest_object();
        object["unexpected"] = Value::Bool(true);
        self.add(open, breaks, what, [open.document(object)]);
    }

    fn properties(
        &mut self,
        name: &str,
        (before, old): (&Place<'_>, &Place<'_>),
        (after, new): (&Place<'_>, &Place<'_>),
    ) {
        match (old.requires(name), new.requires(name)) {
            (false, true) => {
                let without = old.document(old.smallest_object());
                self.add(after, Breaks::OldDocuments, "the property has become required", [without]);
            }
            (true, false) => {
                let without = new.document(new.smallest_object());
                self.add(after, Breaks::OldReceivers, "the property has become optional", [without]);
            }
            _ => {}
        }
        self.places(before, after);
    }

    /// Two places without parts that could be compared one by one.
    fn values(&mut self, old: &Place<'_>, new: &Place<'_>) {
        let before = self.changes.len();
        let (old_schema, new_schema) = (old.schema(), new.schema());
        let lost = coverage::difference(&old_schema, &new_schema);
        self.difference(old, Breaks::OldDocuments, "removed", lost);
        let gained = coverage::difference(&new_schema, &old_schema);
        self.difference(new, Breaks::OldReceivers, "added", gained);
        if self.changes.len() == before {
            self.add(new, Breaks::Nobody, "the same values are written differently", []);
        }
    }

    fn difference(&mut self, side: &Place<'_>, breaks: Breaks, verb: &str, difference: Difference) {
        match difference {
            Difference::Nothing => {}
            Difference::Values(values) => {
                for value in values {
                    let what = format!("the value {value} was {verb}");
                    self.add(side, breaks, what, [side.document(value)]);
                }
            }
            Difference::Strings(example) => {
                let examples = example.into_iter().chain([NO_TIME.to_owned()]);
                let documents = examples.map(|text| side.document(text.into()));
                self.add(side, breaks, "the form of the string differs", documents);
            }
            Difference::Schema(schema) => {
                let document = side.document(Place::root(&schema).smallest());
                self.add(side, breaks, format!("values were {verb}: {schema}"), [document]);
            }
        }
    }
}
