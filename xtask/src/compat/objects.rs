//! Two objects, property by property.

use serde_json::Value;

use super::change::Breaks;
use super::compare::Comparison;
use super::node::Node;
use super::sample;

impl Comparison<'_> {
    pub(super) fn objects(&mut self, old: &Node<'_>, new: &Node<'_>) {
        if old.is_closed() != new.is_closed() {
            let (side, breaks) =
                if new.is_closed() { (old, Breaks::OldDocuments) } else { (new, Breaks::OldReceivers) };
            let mut open = sample::of_type(side, "object");
            open["unexpected"] = Value::Bool(true);
            self.lost(
                side,
                breaks,
                if new.is_closed() { "the object was closed" } else { "the object was opened" },
                Some(open),
            );
        }
        for name in old.properties() {
            let Some(before) = old.property(name) else { continue };
            match new.property(name) {
                Some(after) => self.property(name, (&before, old), (&after, new)),
                None => self.lost(
                    &before,
                    Breaks::OldDocuments,
                    "the property was removed",
                    Some(sample::smallest(&before)),
                ),
            }
        }
        for name in new.properties().filter(|name| old.property(name).is_none()) {
            let Some(after) = new.property(name) else { continue };
            if new.requires(name) {
                let without = sample::document(old, sample::of_type(old, "object"));
                self.add(&after, Breaks::OldDocuments, "a required property was added", Some(without));
            }
            let kind = if new.requires(name) { "a required" } else { "an optional" };
            self.lost(
                &after,
                Breaks::OldReceivers,
                format!("{kind} property was added"),
                Some(sample::smallest(&after)),
            );
        }
    }

    fn property(
        &mut self,
        name: &str,
        (before, old): (&Node<'_>, &Node<'_>),
        (after, new): (&Node<'_>, &Node<'_>),
    ) {
        match (old.requires(name), new.requires(name)) {
            (false, true) => {
                let without = sample::document(old, sample::of_type(old, "object"));
                self.add(after, Breaks::OldDocuments, "the property has become required", Some(without));
            }
            (true, false) => {
                let without = sample::document(new, sample::of_type(new, "object"));
                self.add(after, Breaks::OldReceivers, "the property has become optional", Some(without));
            }
            _ => {}
        }
        self.nodes(before, after);
    }
}
