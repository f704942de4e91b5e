//! Two schemas, place by place. The dialect is the small one that the schema lint allows, so the comparison is exact;
//! a keyword that is not known here is taken to break everything.

use serde_json::Value;

use super::change::{Breaks, Change};
use super::node::{ANNOTATIONS, Node};
use super::{sample, strings};

/// Keywords that are compared, and those that only name or hold parts.
const KNOWN: [&str; 18] = [
    "type",
    "const",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "not",
    "properties",
    "required",
    "additionalProperties",
    "anyOf",
    "$defs",
    "$id",
    "$schema",
    "$ref",
];

/// Everything that differs between two versions of the schema `file`.
pub(super) fn schemas(file: &str, old: &Value, new: &Value) -> Vec<Change> {
    let mut comparison = Comparison { file, changes: Vec::new() };
    comparison.nodes(&Node::root(old), &Node::root(new));
    comparison.changes
}

pub(super) struct Comparison<'a> {
    file: &'a str,
    changes: Vec<Change>,
}

impl Comparison<'_> {
    pub(super) fn add(
        &mut self,
        place: &Node<'_>,
        breaks: Breaks,
        what: impl Into<String>,
        example: Option<Value>,
    ) {
        self.changes.push(Change::new(self.file, &place.pointer(), what.into(), breaks, example));
    }

    /// Something that `side` accepts and the other side does not: the example is a document of `side`.
    pub(super) fn lost(
        &mut self,
        side: &Node<'_>,
        breaks: Breaks,
        what: impl Into<String>,
        value: Option<Value>,
    ) {
        let example = value.map(|value| sample::document(side, value));
        self.add(side, breaks, what, example);
    }

    pub(super) fn nodes(&mut self, old: &Node<'_>, new: &Node<'_>) {
        let is_union = |node: &Node<'_>| node.says.contains_key("anyOf");
        if is_union(old) == is_union(new) {
            self.annotations(old, new);
        }
        let (mut old_branches, mut new_branches) = (old.branches(), new.branches());
        for branch in std::mem::take(&mut old_branches) {
            match new_branches.iter().position(|other| other.label() == branch.label()) {
                Some(index) => self.pair(&branch, &new_branches.remove(index), old, new),
                None => old_branches.push(branch),
            }
        }
        if let ([gone], [come]) = (old_branches.as_slice(), new_branches.as_slice()) {
            return self.pair(gone, come, old, new);
        }
        for gone in &old_branches {
            self.lost(
                gone,
                Breaks::OldDocuments,
                "a kind of value was removed",
                Some(sample::smallest(gone)),
            );
        }
        for come in &new_branches {
            self.lost(come, Breaks::OldReceivers, "a kind of value was added", Some(sample::smallest(come)));
        }
    }

    /// Two branches that correspond; where there is no union they are the nodes themselves.
    fn pair(&mut self, old: &Node<'_>, new: &Node<'_>, old_whole: &Node<'_>, new_whole: &Node<'_>) {
        if [old_whole, new_whole].iter().all(|whole| whole.says.contains_key("anyOf")) {
            self.annotations(old, new);
        }
        self.unknown(old, new);
        self.types(old, new);
        self.words(old, new);
        self.bounds(old, new);
        if old.has_type("string") && new.has_type("string") && old.words().is_none() && new.words().is_none()
        {
            self.strings(old, new);
        }
        self.objects(old, new);
    }

    fn annotations(&mut self, old: &Node<'_>, new: &Node<'_>) {
        if ANNOTATIONS.iter().any(|keyword| old.says.get(*keyword) != new.says.get(*keyword)) {
            self.add(new, Breaks::Nobody, "the words about it differ", None);
        }
    }

    fn unknown(&mut self, old: &Node<'_>, new: &Node<'_>) {
        let is_known = |keyword: &str| KNOWN.contains(&keyword) || ANNOTATIONS.contains(&keyword);
        let keywords =
            old.says.keys().chain(new.says.keys().filter(|keyword| !old.says.contains_key(*keyword)));
        for keyword in keywords.filter(|keyword| !is_known(keyword)) {
            if old.says.get(keyword) != new.says.get(keyword) {
                let what = format!("`{keyword}` differs, which is not known to be harmless");
                self.add(new, Breaks::OldDocuments, what, None);
            }
        }
    }

    fn types(&mut self, old: &Node<'_>, new: &Node<'_>) {
        const ALL: [&str; 6] = ["object", "string", "integer", "boolean", "array", "null"];
        for name in ALL {
            match (old.has_type(name), new.has_type(name)) {
                (true, false) => self.lost(
                    old,
                    Breaks::OldDocuments,
                    format!("it may not be of type {name} any more"),
                    Some(sample::of_type(old, name)),
                ),
                (false, true) => self.lost(
                    new,
                    Breaks::OldReceivers,
                    format!("it may be of type {name} as well"),
                    Some(sample::of_type(new, name)),
                ),
                _ => {}
            }
        }
    }

    fn words(&mut self, old: &Node<'_>, new: &Node<'_>) {
        match (old.words(), new.words()) {
            (Some(before), Some(after)) => {
                for word in before.iter().filter(|word| !after.contains(word)) {
                    self.lost(
                        old,
                        Breaks::OldDocuments,
                        format!("the value {word} was removed"),
                        Some(word.clone()),
                    );
                }
                for word in after.iter().filter(|word| !before.contains(word)) {
                    self.lost(
                        new,
                        Breaks::OldReceivers,
                        format!("the value {word} was added"),
                        Some(word.clone()),
                    );
                }
            }
            (Some(before), None) => {
                let other = Some(sample::smallest(new)).filter(|value| !before.contains(value));
                self.lost(new, Breaks::OldReceivers, "it is no list of values any more", other);
            }
            (None, Some(after)) => {
                let other = Some(sample::smallest(old)).filter(|value| !after.contains(value));
                self.lost(old, Breaks::OldDocuments, "it has become a list of values", other);
            }
            (None, None) => {}
        }
    }

    fn bounds(&mut self, old: &Node<'_>, new: &Node<'_>) {
        for (keyword, outwards) in [("minimum", -1), ("maximum", 1)] {
            let (before, after) = (old.number(keyword), new.number(keyword));
            // How far a bound reaches; without one, beyond every number.
            let reach = |bound: Option<i64>| bound.map_or(i64::MAX, |bound| bound.saturating_mul(outwards));
            let words =
                |bound: Option<i64>| bound.map_or_else(|| "none".to_owned(), |bound| bound.to_string());
            let what = format!("{keyword} was {}, is {}", words(before), words(after));
            let beyond = |inner: Option<i64>, outer: Option<i64>| {
                outer.or_else(|| inner.map(|inner| inner.saturating_add(outwards))).map(Value::from)
            };
            match reach(after).cmp(&reach(before)) {
                std::cmp::Ordering::Less => self.lost(old, Breaks::OldDocuments, what, beyond(after, before)),
                std::cmp::Ordering::Greater => {
                    self.lost(new, Breaks::OldReceivers, what, beyond(before, after));
                }
                std::cmp::Ordering::Equal => {}
            }
        }
    }

    fn strings(&mut self, old: &Node<'_>, new: &Node<'_>) {
        let differs = |keyword: &str| old.says.get(keyword) != new.says.get(keyword);
        if ["pattern", "minLength", "maxLength"].into_iter().any(differs) {
            let what = "the form of the string differs";
            match (strings::difference(old, new), strings::difference(new, old)) {
                (Ok(None), Ok(None)) => {
                    self.add(new, Breaks::Nobody, "the form of the string is written differently", None);
                }
                (Ok(lost), Ok(won)) => {
                    if let Some(text) = lost {
                        self.lost(old, Breaks::OldDocuments, what, Some(text.into()));
                    }
                    if let Some(text) = won {
                        self.lost(new, Breaks::OldReceivers, what, Some(text.into()));
                    }
                }
                _ => self.add(
                    new,
                    Breaks::OldDocuments,
                    "the form of the string differs and cannot be compared",
                    None,
                ),
            }
        }
        for keyword in ["format", "not"].into_iter().filter(|keyword| differs(keyword)) {
            if let Some(before) = old.says.get(keyword) {
                let what = format!("`{keyword}` {before} was dropped");
                self.lost(new, Breaks::OldReceivers, what, beyond_format(before));
            }
            if let Some(after) = new.says.get(keyword) {
                let what = format!("`{keyword}` {after} was added");
                self.lost(old, Breaks::OldDocuments, what, beyond_format(after));
            }
        }
    }
}

/// A string that fits the contract's pattern for a format, and not the format itself.
fn beyond_format(format: &Value) -> Option<Value> {
    (format == "date-time").then(|| Value::from("2026-02-30T00:00:00Z"))
}
