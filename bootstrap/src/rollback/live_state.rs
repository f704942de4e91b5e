//! What is found in the place of what a step made.

use crate::component::Dependent;
use crate::host::ProbeError;

/// What is found in the place of what a step made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveState {
    /// Nothing, or what was there before the step.
    Absent,
    /// Exactly what the step left there.
    Unchanged,
    /// What the step left there, and these are in it or need it.
    InUse(Vec<Dependent>),
    /// Something else.
    Changed(Divergence),
    /// It could not be found out.
    Unknown(ProbeError),
}

/// How what is found differs from what the run left. Each bars undoing: what is there may be somebody else's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Divergence {
    /// The record names what no run of the component makes.
    #[error("no run of this component creates that; the record was changed")]
    NotOfComponent,
    /// No run makes links.
    #[error("a symbolic link is in its place")]
    Link,
    /// The file that the run changed a part of is a link now.
    #[error("a symbolic link is in the place of the file")]
    LinkForFile,
    /// The file is gone, though the run had replaced one.
    #[error("it was removed since, and the run had found a file there")]
    Removed,
    /// The run replaced something that it could not keep.
    #[error("what was there before the run was not kept")]
    PreviousNotKept,
    /// The file was edited.
    #[error("its content is not what the run wrote")]
    OtherContent,
    /// Something else has the name of the directory.
    #[error("it is no longer a directory")]
    NotADirectory,
    /// Removing the directory would not remove what is seen in it.
    #[error("a file system is mounted on it")]
    MountPoint,
    /// The block is gone, though the run had replaced one.
    #[error("the block was removed since, and the run had found an older one")]
    BlockRemoved,
    /// The block was edited.
    #[error("the block was changed since")]
    BlockChanged,
    /// The line was edited.
    #[error("the line was changed since")]
    LineChanged,
    /// Somebody added the same line.
    #[error("the line is there more than once")]
    LineRepeated,
    /// The run died between creating the object and noting its UID.
    #[error("the run ended before it knew whether it had created it")]
    CreatorUnknown,
    /// The UID is another.
    #[error("another object of this name was created since")]
    OtherObject,
    /// Somebody else says now what the object should be.
    #[error("it was changed since, by {0}")]
    ChangedBy(String),
    /// Somebody upgraded the release.
    #[error("the release has revision {0} now")]
    NewerRevision(u64),
    /// The release may be older than the run.
    #[error("the release was not certainly made by the run")]
    ReleaseOriginUnknown,
    /// The storage class to go back to does not exist.
    #[error("the former default, {0}, no longer exists")]
    FormerDefaultGone(String),
    /// Somebody chose another default.
    #[error("the default was switched since")]
    DefaultSwitched,
}

impl From<Result<Self, ProbeError>> for LiveState {
    /// A look that failed is an unknown, never a nothing.
    fn from(found: Result<Self, ProbeError>) -> Self {
        found.unwrap_or_else(Self::Unknown)
    }
}
