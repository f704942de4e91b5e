//! What was found of a component before anything was changed.

use schema::DetectedBefore;

/// State of a component. A probe that failed says [`Detection::Unknown`], never [`Detection::Missing`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detection {
    /// It is there.
    Present,
    /// A part of it is there, such as a former run left it. The text says what is missing.
    Incomplete(String),
    /// It is certainly not there.
    Missing,
    /// It could not be told, for this reason.
    Unknown(String),
    /// The host is something that rules the component out, for this reason.
    Conflict(String),
    /// The run has no use for it.
    NotNeeded,
    /// The NFS server is there and the export is listed.
    PresentWithExport,
    /// The NFS server is there and the export is not listed.
    PresentWithoutExport,
}

impl Detection {
    /// The word of the manifest.
    pub fn word(&self) -> DetectedBefore {
        match self {
            Self::Present | Self::Incomplete(_) => DetectedBefore::Present,
            Self::Missing => DetectedBefore::Missing,
            Self::Unknown(_) | Self::Conflict(_) => DetectedBefore::Unknown,
            Self::NotNeeded => DetectedBefore::NotNeeded,
            Self::PresentWithExport => DetectedBefore::PresentWithExport,
            Self::PresentWithoutExport => DetectedBefore::PresentWithoutExport,
        }
    }

    /// What there is to say beyond the word.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Incomplete(text) | Self::Unknown(text) | Self::Conflict(text) => Some(text),
            _ => None,
        }
    }
}
