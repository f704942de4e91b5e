//! What is found in the place of what a step made.

use std::collections::HashSet;
use std::path::PathBuf;

/// What is found in the place of what a step made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Nothing, or what was there before the step.
    Gone,
    /// Exactly what the step left there.
    Ours,
    /// What the step left there, and these are in it or need it.
    Inhabited(Vec<Tenant>),
    /// Something else, as the text says.
    Changed(String),
    /// It cannot be told, for this reason.
    Unknown(String),
}

/// Something that is in, or needs, what a step made: a file in a folder, an object in a namespace, a volume of a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// What it is, for the operator.
    pub name: String,
    /// What others may hang on.
    pub own: Vec<Mark>,
    /// If any of these leaves, this one leaves with it.
    pub with: Vec<Mark>,
}

/// What tells something that is going to leave.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
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
pub struct Leaving(HashSet<Mark>);

impl Leaving {
    /// Adds what is going to leave.
    pub fn add(&mut self, marks: impl IntoIterator<Item = Mark>) {
        self.0.extend(marks);
    }

    /// Those of `tenants` that stay. What leaves takes along what hangs on it.
    pub fn staying<'a>(&self, tenants: &'a [Tenant]) -> Vec<&'a Tenant> {
        let mut leaving = self.0.clone();
        let mut staying: Vec<&Tenant> = tenants.iter().collect();
        loop {
            let before = staying.len();
            staying.retain(|tenant| {
                let leaves = tenant.own.iter().chain(&tenant.with).any(|mark| leaving.contains(mark));
                if leaves {
                    leaving.extend(tenant.own.iter().cloned());
                }
                !leaves
            });
            if staying.len() == before {
                return staying;
            }
        }
    }
}

/// The first few of `tenants` by name.
pub fn names(tenants: &[&Tenant]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<&str> = tenants.iter().take(SHOWN).map(|tenant| tenant.name.as_str()).collect();
    match tenants.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
