//! Which store, as an operator names it, and how it is opened.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use privacy::disk::{self, DiskError};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;
use super::{Store, StoreError, StoreUse};

/// Where documents are kept.
#[derive(Clone, Debug)]
pub(crate) enum StoreLocation {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(Box<Config>),
}

/// Why a name of a store cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LocationError {
    /// It looks like a URL of PostgreSQL and cannot be parsed. The parser's message may repeat a password, and is not shown.
    #[error("not a PostgreSQL URL; write postgres://USER@HOST/DATABASE")]
    NoPostgresUrl,
    /// Documents would cross a network unencrypted without an explicit option.
    #[error(
        "the connection to another host would not be encrypted; use a socket or a tunnel, or add ?sslmode=disable on a network that is your own"
    )]
    NotEncrypted,
    /// A password would be in the list of processes.
    #[error(
        "has a password, which every user could read; put the URL into RECEIVER_STORE, or the password into a file and its path into --store-password-file"
    )]
    PasswordInArguments,
}

impl StoreLocation {
    const MAX_PASSWORD_BYTES: u64 = 4 * 1024;

    /// Reads what `--store` says: a URL of PostgreSQL, or else the path of a file.
    ///
    /// # Errors
    /// It begins as a URL of PostgreSQL and is not one, or the connection would leave this host without an `sslmode`.
    pub(crate) fn parse(text: &str) -> Result<Self, LocationError> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Ok(Self::Sqlite(text.into()));
        }
        let config: Config = text.parse().map_err(|_| LocationError::NoPostgresUrl)?;
        if config.get_hosts().is_empty() {
            return Err(LocationError::NoPostgresUrl);
        }
        if config.get_ssl_mode() == SslMode::Prefer && !is_on_this_host(&config) {
            return Err(LocationError::NotEncrypted);
        }
        Ok(Self::Postgres(Box::new(config)))
    }

    /// Whether it contains a password.
    pub(crate) fn has_password(&self) -> bool {
        matches!(self, Self::Postgres(config) if config.get_password().is_some())
    }

    /// The same with the password from a file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn with_password_of(mut self, file: Option<&Path>) -> Result<Self, DiskError> {
        if let (Self::Postgres(config), Some(file)) = (&mut self, file) {
            let password = disk::read_bounded(file, Self::MAX_PASSWORD_BYTES)?;
            // Editors end a file with a line break, which is not part of the password.
            let line = password.split(|byte| [b'\r', b'\n'].contains(byte)).next().unwrap_or_default();
            config.password(line);
        }
        Ok(self)
    }

    /// Whether a server keeps the documents, which may be unreachable while this process works.
    pub(crate) fn is_server(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Opens the store and brings its tables up to date.
    ///
    /// # Errors
    /// The file cannot be opened, or the server cannot be reached; the tables are of a newer build.
    pub(crate) fn open(&self, purpose: StoreUse) -> Result<Box<dyn Store>, StoreError> {
        Ok(match self {
            Self::Sqlite(path) => Box::new(SqliteStore::open(path)?),
            Self::Postgres(config) => {
                let mut store = PostgresStore::new((**config).clone(), self.to_string(), purpose);
                store.connect()?;
                Box::new(store)
            }
        })
    }

    /// As [`Self::open`], but connects to a server only when it is first needed.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(crate) fn open_lazily(&self, purpose: StoreUse) -> Result<Box<dyn Store>, StoreError> {
        match self {
            Self::Sqlite(_) => self.open(purpose),
            Self::Postgres(config) => {
                Ok(Box::new(PostgresStore::new((**config).clone(), self.to_string(), purpose)))
            }
        }
    }

    /// Version of the tables that this build makes.
    pub(crate) fn version(&self) -> usize {
        match self {
            Self::Sqlite(_) => SqliteStore::version(),
            Self::Postgres(_) => PostgresStore::version(),
        }
    }
}

/// Whether each server is reached through a socket or the loopback.
fn is_on_this_host(config: &Config) -> bool {
    let by_name = config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
    });
    let addresses = config.get_hostaddrs();
    if addresses.is_empty() { by_name } else { addresses.iter().all(IpAddr::is_loopback) }
}

/// The path of the file, or host and name of the database: neither user nor password.
impl fmt::Display for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = match self {
            Self::Sqlite(path) => return path.display().fmt(f),
            Self::Postgres(config) => config,
        };
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(directory)) => directory.display().to_string(),
            None => String::new(),
        };
        let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
        write!(f, "PostgreSQL database {database} at {host}")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_store_is_named_by_path_or_url() {
        let parsed = |text: &str| StoreLocation::parse(text).map(|location| location.to_string());
        assert_eq!(parsed("dir/receiver.db"), Ok("dir/receiver.db".to_owned()));
        let shown = "PostgreSQL database fleet at db.example.org".to_owned();
        assert_eq!(parsed("postgres://receiver:secret@db.example.org/fleet?sslmode=disable"), Ok(shown));
        let shown = "PostgreSQL database fleet at /run/postgresql".to_owned();
        assert_eq!(parsed("postgresql://receiver@%2Frun%2Fpostgresql/fleet"), Ok(shown));
        for wrong in
            ["postgres://", "postgres://host:port/x", "postgresql:///fleet", "postgres://u@h/d?nothing=1"]
        {
            assert_eq!(parsed(wrong), Err(LocationError::NoPostgresUrl), "{wrong}");
        }
    }

    #[test]
    fn what_leaves_the_host_unencrypted_is_said_so() {
        let parsed = |text: &str| StoreLocation::parse(text).map(drop);
        for local in ["localhost", "127.0.0.1", "[::1]", "%2Frun%2Fpostgresql"] {
            assert_eq!(parsed(&format!("postgres://u@{local}/d")), Ok(()), "{local}");
        }
        for remote in
            ["db.example.org/d", "10.0.0.1/d", "localhost,10.0.0.1/d", "localhost/d?hostaddr=10.0.0.1"]
        {
            assert_eq!(
                parsed(&format!("postgres://u@{remote}")),
                Err(LocationError::NotEncrypted),
                "{remote}"
            );
        }
    }

    #[test]
    fn a_password_comes_from_a_file_and_is_never_shown() {
        let location = StoreLocation::parse("postgres://receiver@localhost/fleet").expect("a location");
        assert!(!location.has_password());
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"p\xc3\xa4ssword 1\r\n").expect("written");
        let location = location.with_password_of(Some(file.path())).expect("read");
        let StoreLocation::Postgres(config) = &location else { panic!("a server") };
        assert_eq!(config.get_password(), Some("p\u{e4}ssword 1".as_bytes()));
        assert!(!format!("{location} {location:?}").contains("ssword 1"));
    }
}
