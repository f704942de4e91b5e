//! What the pinned releases are: the checksum of each artifact, and the versions of Kubernetes that each is made for.
//!
//! A checksum that comes from the place of the file says nothing about a place that was taken over. So the program carries
//! those of its own pins, in `pins.sha256`, which `cargo xtask pins` writes: it fetches each artifact, holds it to what its
//! release states, and keeps the sum. What is not in the file is held to what the release states, and a plan says so.

use crate::step::{ArtifactOrigin, Sha256Sum};

/// The checksums that a program carries, in the form that `sha256sum` writes; in the place of a name is where the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltInSums(&'static str);

impl BuiltInSums {
    /// Those of this program.
    pub const PROGRAM: Self = Self(include_str!("pins.sha256"));

    /// None: everything is held to what its release states.
    pub const NONE: Self = Self("");

    /// Its lines: a sum, two spaces, a place.
    pub fn lines(self) -> impl Iterator<Item = &'static str> {
        self.0.lines()
    }

    /// The checksum of what is at `origin`.
    pub(super) fn get(self, origin: &ArtifactOrigin) -> Option<Sha256Sum> {
        let wanted = place(origin)?;
        let line = |line: &'static str| line.split_once("  ").filter(|(_, place)| *place == wanted);
        self.lines().find_map(line).and_then(|(sum, _)| Sha256Sum::parse(sum))
    }
}

/// Where an artifact is on the network. A chart is named by its repository and version: the index says where it is.
pub(super) fn place(origin: &ArtifactOrigin) -> Option<String> {
    match origin {
        ArtifactOrigin::Url(url) => Some(url.clone()),
        ArtifactOrigin::Chart { repository, chart, version } => {
            Some(format!("{repository}/{chart}-{version}.tgz"))
        }
        ArtifactOrigin::Directory(_) => None,
    }
}

/// Which minor versions of Kubernetes 1 a release is made for, bounds included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KubernetesMinors {
    /// The oldest.
    pub from: u32,
    /// The newest.
    pub to: u32,
}
