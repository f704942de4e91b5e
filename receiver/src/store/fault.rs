//! What can go wrong between this process and PostgreSQL, and which part of it may be shown.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use tokio_postgres::error::{DbError, SqlState};

/// What went wrong.
#[derive(Debug)]
pub(crate) enum PostgresFault {
    /// The server refused, or the connection broke.
    Client(tokio_postgres::Error),
    /// It took longer than this.
    TimedOut(Duration),
    /// The tables have the version `found`, and this build works with `known`. Version 0 is no tables.
    OtherTables {
        /// Version of the tables.
        found: usize,
        /// Version that this build works with.
        known: usize,
    },
    /// The role may not do these things, which the service does.
    NotAllowed(String),
    /// An id in a row does not have a form of the contract.
    NoId,
    /// The runtime that drives the connection cannot be made.
    Runtime(std::io::Error),
}

impl PostgresFault {
    /// Whether one row is at fault: a value that no column takes (class 22), or a constraint (class 23).
    pub(super) fn is_about_a_row(&self) -> bool {
        self.class().is_some_and(|class| ["22", "23"].contains(&class))
    }

    /// Whether time or the server's operator will end it: no connection, an overloaded, full, ending or
    /// starting server, a standby. Not a wrong password or name, or a missing permission.
    pub(super) fn is_outage(&self) -> bool {
        const CLASSES: [&str; 6] = ["08", "25", "40", "53", "57", "58"];
        match self {
            Self::TimedOut(_) => true,
            // An error without a cause from the system is a fault of the options, such as a demand for TLS.
            Self::Client(error) if error.as_db_error().is_none() => {
                error.is_closed() || error.source().is_some_and(<dyn Error>::is::<std::io::Error>)
            }
            _ => self.class().is_some_and(|class| CLASSES.contains(&class)),
        }
    }

    fn class(&self) -> Option<&str> {
        let Self::Client(error) = self else { return None };
        error.code().and_then(|code| code.code().get(..2))
    }
}

impl From<tokio_postgres::Error> for PostgresFault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Client(error)
    }
}

impl fmt::Display for PostgresFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(limit) => write!(f, "took longer than {} s", limit.as_secs()),
            Self::OtherTables { found, known } => {
                write!(f, "tables of version {found}, and {known} are known")
            }
            Self::NotAllowed(what) => {
                write!(
                    f,
                    "the role lacks {what}; make it the owner of the tables and of the sequence, and let it make tables"
                )
            }
            Self::NoId => f.write_str("a row has an id of no known form"),
            Self::Runtime(error) => error.fmt(f),
            Self::Client(error) => match error.as_db_error() {
                Some(told) => told_by_server(told, f),
                None => match error.source() {
                    Some(source) => write!(f, "{error}: {source}"),
                    None => error.fmt(f),
                },
            },
        }
    }
}

/// Code and place; the server's own message only where it cannot contain a value of a document. Its details are never shown:
/// they repeat whole rows.
fn told_by_server(told: &DbError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const MAY_HOLD_VALUES: [&str; 3] = ["21", "22", "23"];
    let code: &SqlState = told.code();
    write!(f, "SQLSTATE {}", code.code())?;
    if let Some(place) = told.constraint().or(told.column()).or(told.table()) {
        write!(f, " at {place}")?;
    }
    if MAY_HOLD_VALUES.iter().any(|class| code.code().starts_with(class)) {
        return Ok(());
    }
    write!(f, ": {}", told.message())
}
