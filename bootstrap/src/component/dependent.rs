//! What is in, or needs, what a step made; and what of it goes along when something else is removed.

use std::collections::HashSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::step::text;

/// Something that is in, or needs, what a step made: a file in a directory, an object in a namespace, a volume of
/// a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependent {
    /// What it is, for the operator.
    pub name: String,
    /// What others may hang on.
    pub own: Vec<Identity>,
    /// If any of these leaves, this one leaves with it.
    pub with: Vec<Identity>,
}

impl Dependent {
    /// An object: it leaves with its owners, with what it was made for, and with the release of its namespace.
    pub fn of_object(object: &Value) -> Self {
        let (kind, name) =
            (text(object, "/kind").unwrap_or("object"), text(object, "/metadata/name").unwrap_or("?"));
        let namespace = text(object, "/metadata/namespace");
        let named = |kind: &str, name: &str| {
            Identity::Named(kind.to_owned(), namespace.unwrap_or_default().to_owned(), name.to_owned())
        };
        let uid = |value: &Value, pointer| text(value, pointer).map(|uid| Identity::Uid(uid.to_owned()));
        let own = uid(object, "/metadata/uid").into_iter().chain([named(kind, name)]).collect();
        let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        let mut with: Vec<Identity> =
            owners.into_iter().flatten().filter_map(|owner| uid(owner, "/uid")).collect();
        with.extend(namespace.map(|namespace| Identity::ReleaseIn(namespace.to_owned())));
        let certificate = "/metadata/annotations/cert-manager.io~1certificate-name";
        match (kind, text(object, certificate)) {
            ("Endpoints", _) => with.push(named("Service", name)),
            ("Secret", Some(certificate)) => with.push(named("Certificate", certificate)),
            _ => {}
        }
        let place = namespace.map_or_else(String::new, |namespace| format!("{namespace}/"));
        Self { name: format!("{kind} {place}{name}"), own, with }
    }
}

/// What tells something that is going to leave.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A file or directory.
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
    pub fn add(&mut self, identities: impl IntoIterator<Item = Identity>) {
        self.0.extend(identities);
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
