//! A receiver as a process of its own, and a client that says exactly what it is told.

mod client;
mod process;

pub(crate) use client::Client;
pub(crate) use process::{Receiver, program};

use std::fmt::Write;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// The event ids that a store holds, as often as it holds them.
pub(crate) fn stored_events(store: &Path) -> Vec<String> {
    let connection = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("opened");
    let mut query = connection.prepare("SELECT hex(event_id) FROM document ORDER BY id").expect("a table");
    let rows = query.query_map([], |row| row.get::<_, String>(0)).expect("read");
    rows.map(|row| row.expect("a row").to_lowercase()).collect()
}

/// Every value of every table, as text.
pub(crate) fn dump(store: &Path) -> String {
    let connection = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("opened");
    let mut tables =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").expect("prepared");
    let names: Vec<String> =
        tables.query_map([], |row| row.get(0)).expect("read").map(|name| name.expect("a name")).collect();
    let mut text = String::new();
    for name in names {
        let mut query = connection.prepare(&format!("SELECT * FROM \"{name}\"")).expect("prepared");
        let columns = query.column_count();
        let mut rows = query.query([]).expect("read");
        while let Some(row) = rows.next().expect("a row") {
            for column in 0..columns {
                let value: rusqlite::types::Value = row.get(column).expect("a value");
                write!(text, "{value:?} ").expect("a String takes all");
            }
            text.push('\n');
        }
    }
    text
}
