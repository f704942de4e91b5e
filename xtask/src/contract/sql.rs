//! `sql/*`: tables for storing documents, from the types.
//!
//! Three tables and not one of JSON: a word outside its list, a number outside its bounds or a duplicate of a document is
//! then refused by the database as well. Components become rows, because every query about them is about all of them.
//! Properties that can have only one value are left out: they carry no information about a document.

mod bigquery;
mod dialect;
mod table;

use super::file::PublishedFile;
use dialect::Dialect;

/// The files.
pub(super) fn files() -> Vec<PublishedFile> {
    let tables = table::all();
    let script = |dialect: Dialect| PublishedFile {
        path: format!("sql/{}.sql", dialect.name()),
        contents: dialect.script(&tables),
    };
    vec![
        script(Dialect::PostgreSql),
        script(Dialect::DuckDb),
        PublishedFile::json("sql/bigquery.json", &bigquery::fields()),
    ]
}
