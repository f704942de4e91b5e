//! Ids of runs, and the file names that are made of them.
//!
//! A run id is a separate type because of these names. They need no check of the id: it is random by its form, so it
//! has no dot, no slash, and no suffix that looks like that of another run's file.

use std::fmt;

use schema::Id;

const PREFIX: &str = "bootstrap-";
const PUBLIC: &str = ".json";
const PRIVATE: &str = "-private";

/// Id of a run, which names its files.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(Id);

impl RunId {
    /// Uses `id` for a run.
    pub const fn new(id: Id) -> Self {
        Self(id)
    }

    /// The id as documents carry it.
    pub fn id(&self) -> &Id {
        &self.0
    }

    /// The run whose public manifest or private context has the name `file_name`.
    pub(crate) fn from_file_name(file_name: &str) -> Option<Self> {
        let stem = file_name.strip_prefix(PREFIX)?.strip_suffix(PUBLIC)?;
        Id::parse(stem.strip_suffix(PRIVATE).unwrap_or(stem)).ok().map(Self::new)
    }

    /// The run whose public manifest has the name `file_name`.
    pub(crate) fn from_public_name(file_name: &str) -> Option<Self> {
        Self::from_file_name(file_name).filter(|run| run.public_name() == file_name)
    }

    /// The run whose private context has the name `file_name`.
    pub(crate) fn from_private_name(file_name: &str) -> Option<Self> {
        Self::from_file_name(file_name).filter(|run| run.private_name() == file_name)
    }

    pub(crate) fn public_name(&self) -> String {
        format!("{PREFIX}{}{PUBLIC}", self.0)
    }

    pub(crate) fn private_name(&self) -> String {
        format!("{PREFIX}{}{PRIVATE}{PUBLIC}", self.0)
    }

    pub(crate) fn log_name(&self) -> String {
        format!("{PREFIX}{}.log", self.0)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_names_of_a_run_lead_back_to_it_and_others_do_not() {
        let id = RunId::new(Id::random());
        assert_eq!(RunId::from_file_name(&id.public_name()).as_ref(), Some(&id));
        assert_eq!(RunId::from_file_name(&id.private_name()).as_ref(), Some(&id));
        assert_eq!(RunId::from_public_name(&id.public_name()).as_ref(), Some(&id));
        assert_eq!(RunId::from_public_name(&id.private_name()), None);
        assert_eq!(RunId::from_private_name(&id.private_name()).as_ref(), Some(&id));
        assert_eq!(RunId::from_private_name(&id.public_name()), None);
        let name = id.public_name();
        for name in [
            "bootstrap-.json",
            "bootstrap-x.json",
            "bootstrap-session-123.json",
            "x.json",
            &name.replace(".json", ".log"),
            &name.replace(".json", ".json~"),
            &name.replace(".json", "-private-private.json"),
            &name.to_uppercase(),
        ] {
            assert_eq!(RunId::from_file_name(name), None, "{name}");
        }
    }
}
