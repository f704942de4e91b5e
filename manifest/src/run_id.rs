//! Ids of runs, and the file names that are made of them.
//!
//! A run id is a type of its own, since not every [`Id`] will do: with some, the file of one run would have the name of
//! another's. The check is made once, and whoever holds a `RunId` need not think of it.

use std::fmt;

use schema::Id;

use crate::error::ManifestError;

const PREFIX: &str = "bootstrap-";
const PUBLIC: &str = ".json";
const PRIVATE: &str = "-private";

/// Id of a run that is fit to name its files.
///
/// An id that ends in `-private` is not: the public manifest of run `x-private` and the private context of run `x`
/// would be one file. Letter case is ignored, as some file systems do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(Id);

impl RunId {
    /// Takes `id` for a run.
    ///
    /// # Errors
    /// [`ManifestError::ReservedId`] if it ends in `-private`.
    pub fn new(id: Id) -> Result<Self, ManifestError> {
        let text = id.as_str();
        let tail = text.len().checked_sub(PRIVATE.len()).and_then(|start| text.get(start..));
        if tail.is_some_and(|tail| tail.eq_ignore_ascii_case(PRIVATE)) {
            return Err(ManifestError::ReservedId);
        }
        Ok(Self(id))
    }

    /// The id as documents carry it.
    pub fn id(&self) -> &Id {
        &self.0
    }

    /// The run whose public manifest or private context has the name `file_name`.
    pub(crate) fn from_file_name(file_name: &str) -> Option<Self> {
        let stem = file_name.strip_prefix(PREFIX)?.strip_suffix(PUBLIC)?;
        Self::new(Id::parse(stem.strip_suffix(PRIVATE).unwrap_or(stem)).ok()?).ok()
    }

    /// The run whose public manifest has the name `file_name`.
    pub(crate) fn from_public_name(file_name: &str) -> Option<Self> {
        Self::from_file_name(file_name).filter(|run| run.public_name() == file_name)
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

    fn run(text: &str) -> Result<RunId, ManifestError> {
        RunId::new(Id::parse(text).expect("an id"))
    }

    #[test]
    fn an_id_that_names_a_private_file_is_reserved() {
        for text in ["x-private", "x-PRIVATE", "x--private", "a-private-private"] {
            assert!(matches!(run(text), Err(ManifestError::ReservedId)), "{text}");
        }
        for text in ["private", "x-privat", "x-private-1", "xprivate", "x"] {
            assert!(run(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn both_names_of_a_run_lead_back_to_it_and_others_do_not() {
        let id = run("20261122-075002-3078-565430571").expect("a run id");
        assert_eq!(RunId::from_file_name(&id.public_name()).as_ref(), Some(&id));
        assert_eq!(RunId::from_file_name(&id.private_name()).as_ref(), Some(&id));
        assert_eq!(RunId::from_public_name(&id.public_name()).as_ref(), Some(&id));
        assert_eq!(RunId::from_public_name(&id.private_name()), None);
        for name in
            ["bootstrap-.json", "bootstrap-x.log", "x.json", "bootstrap-x.json~", "bootstrap-a.b.json"]
        {
            assert_eq!(RunId::from_file_name(name), None, "{name}");
        }
    }
}
