//! One difference between two versions of the contract, and the version that it demands.

use std::fmt;

use anyhow::bail;
use serde_json::Value;

use crate::releases::Version;

/// How far a change must raise the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum VersionLevel {
    /// The third number.
    Patch,
    /// The second number.
    Minor,
    /// The first number.
    Major,
}

impl fmt::Display for VersionLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        })
    }
}

/// The direction in which a change can break something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breaks {
    /// The new contract refuses documents that the old one accepts.
    OldDocuments,
    /// Receivers with the old contract refuse documents of the new one.
    OldReceivers,
    /// The same documents are accepted.
    Nobody,
}

impl Breaks {
    /// How far the version must be raised, see the promise in `CONTRACT.md`.
    const fn level(self) -> VersionLevel {
        match self {
            Self::OldDocuments => VersionLevel::Major,
            Self::OldReceivers => VersionLevel::Minor,
            Self::Nobody => VersionLevel::Patch,
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ContractChange {
    pub(super) file: String,
    /// JSON pointer into a document.
    pub(super) pointer: String,
    pub(super) what: String,
    pub(super) breaks: Breaks,
    pub(super) level: VersionLevel,
    /// A document that one version accepts and the other refuses.
    pub(super) example: Option<Value>,
}

impl ContractChange {
    pub(super) fn new(
        file: &str,
        pointer: &str,
        what: String,
        breaks: Breaks,
        example: Option<Value>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            pointer: pointer.to_owned(),
            what,
            breaks,
            level: breaks.level(),
            example,
        }
    }
}

impl fmt::Display for ContractChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, pointer, what, level, .. } = self;
        let place = if pointer.is_empty() { "the document" } else { pointer };
        write!(f, "{level}: {file}: {place}: {what}")?;
        match self.breaks {
            Breaks::OldDocuments => write!(f, "\n  new contract, old document: refused")?,
            Breaks::OldReceivers => write!(f, "\n  old receiver, new document: refused")?,
            Breaks::Nobody => return Ok(()),
        }
        match &self.example {
            Some(example) => write!(f, "\n  for example {example}"),
            None => write!(f, "\n  no example was found; it is taken for one"),
        }
    }
}

/// Whether `current` is raised enough above `released` for a change of level `needed`.
pub(super) fn judge(needed: Option<VersionLevel>, released: Version, current: Version) -> anyhow::Result<()> {
    // A raised first number allows everything, whatever the others are.
    let raised = if current.major > released.major {
        Some(VersionLevel::Major)
    } else if current.major == released.major && current.minor > released.minor {
        Some(VersionLevel::Minor)
    } else if (current.major, current.minor) == (released.major, released.minor)
        && current.patch > released.patch
    {
        Some(VersionLevel::Patch)
    } else {
        None
    };
    if current < released {
        bail!("the contract is {current}, and {released} is released already");
    }
    if raised >= needed {
        return Ok(());
    }
    let Some(needed) = needed else { return Ok(()) };
    let next = match needed {
        VersionLevel::Major => Version { major: released.major + 1, minor: 0, patch: 0 },
        VersionLevel::Minor => Version { minor: released.minor + 1, patch: 0, ..released },
        VersionLevel::Patch => Version { patch: released.patch + 1, ..released },
    };
    bail!(
        "a {needed} change needs CONTRACT_VERSION {next} or higher in schema/src/version.rs; it is {current}"
    )
}
