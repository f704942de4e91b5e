//! What is found in the place of what a step made.

use std::collections::HashSet;
use std::path::PathBuf;

/// What is found in the place of what a step made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveState {
    /// Nothing, or what was there before the step.
    Absent,
    /// Exactly what the step left there.
    Unchanged,
    /// What the step left there, and these are in it or need it.
    InUse(Vec<Dependent>),
    /// Something else, as the text says.
    Changed(String),
    /// It cannot be told, for this reason.
    Unknown(String),
}

/// Something that is in, or needs, what a step made: a file in a folder, an object in a namespace, a volume of a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependent {
    /// What it is, for the operator.
    pub name: String,
    /// What others may hang on.
    pub own: Vec<Identity>,
    /// If any of these leaves, this one leaves with it.
    pub with: Vec<Identity>,
}

/// What tells something that is going to leave.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A file or folder.
    Path(PathBuf),
    /// The UID of an object.
    Uid(String),
    /// The object of this kind, namespace and name, whichever it is.
    Named(String, String, String),
    /// The helm release that fills this namespace.
    ReleaseIn(String),
}

/// What leaves before a step is undone.
#[derive(Clone, Debug, Default)]
pub struct PendingRemoval(HashSet<Identity>);

impl PendingRemoval {
    /// Adds what is going to leave.
    pub fn add(&mut self, marks: impl IntoIterator<Item = Identity>) {
        self.0.extend(marks);
    }

    /// Those of `dependents` that stay. What leaves takes along what hangs on it.
    pub fn remaining<'a>(&self, dependents: &'a [Dependent]) -> Vec<&'a Dependent> {
        let mut pending = self.0.clone();
        let mut remaining: Vec<&Dependent> = dependents.iter().collect();
        loop {
            let before = remaining.len();
            remaining.retain(|dependent| {
                let leaves =
                    dependent.own.iter().chain(&dependent.with).any(|identity| pending.contains(identity));
                if leaves {
                    pending.extend(dependent.own.iter().cloned());
                }
                !leaves
            });
            if remaining.len() == before {
                return remaining;
            }
        }
    }
}

/// The first few of `dependents` by name.
pub fn names(dependents: &[&Dependent]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<&str> = dependents.iter().take(SHOWN).map(|dependent| dependent.name.as_str()).collect();
    match dependents.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
