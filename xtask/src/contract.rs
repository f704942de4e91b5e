//! The published files, made from the types: what `cargo xtask schema` writes under `contract/v1/`.

mod generate;
mod index;
mod lint;
mod reference;
mod vectors;

pub(crate) use generate::schema_of;
pub(crate) use index::sha256;
pub(crate) use lint::faults_of_all;

use schema::DocumentKind;

/// One generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublishedFile {
    /// Path below the folder of the contract, with `/` between the parts.
    pub(crate) path: String,
    /// The whole text, ending in a line feed.
    pub(crate) contents: String,
}

impl PublishedFile {
    fn json(path: impl Into<String>, value: &impl serde::Serialize) -> Self {
        let mut contents = serde_json::to_string_pretty(value).unwrap_or_default();
        contents.push('\n');
        Self { path: path.into(), contents }
    }
}

/// The name of a kind in file names, in the `$id` of its schema and in vectors.
fn name_of(kind: DocumentKind) -> &'static str {
    kind.schema_file().trim_end_matches(".schema.json")
}

/// Every generated file, the index last.
pub(crate) fn files() -> Vec<PublishedFile> {
    let mut files: Vec<PublishedFile> = DocumentKind::ALL
        .into_iter()
        .map(|kind| PublishedFile::json(kind.schema_file(), &schema_of(kind)))
        .collect();
    files.push(PublishedFile::json("denylist.json", &schema::denylist::published()));
    files.extend(vectors::files());
    files.push(PublishedFile { path: "CONTRACT.md".to_owned(), contents: reference::markdown() });
    files.push(PublishedFile::json("index.json", &index::of(&files)));
    files
}
