//! Which store, as an operator names it, and how it is opened.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use privacy::disk::DiskError;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::postgres::{PostgresServer, PostgresStore};
use super::sqlite::SqliteStore;
use super::trust::{self, TrustError};
use super::{Store, StoreError, StoreUse, TableAccess};
use crate::named_file;

/// Where documents are kept.
#[derive(Clone, Debug)]
pub(crate) enum StoreLocation {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(Box<PostgresServer>),
}

/// Why a name of a store cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LocationError {
    /// It looks like a URL of PostgreSQL and cannot be parsed. The parser's message may repeat a password, and is not shown.
    #[error("not a PostgreSQL URL; write postgres://USER@HOST/DATABASE")]
    NoPostgresUrl,
    /// It has an `sslmode` that is not offered.
    #[error(
        "sslmode is verify-full or disable; the weaker ones, which do not check who answers, are not offered"
    )]
    SslMode,
    /// A password would be in the list of processes.
    #[error(
        "has a password, which every user could read; put the URL into RECEIVER_STORE, or the password into a file and its path into --store-password-file"
    )]
    PasswordInArguments,
}

impl StoreLocation {
    const MAX_PASSWORD_BYTES: u64 = 4 * 1024;

    /// Reads what `--store` says: a URL of PostgreSQL, or else the path of a file. A connection that leaves this host is
    /// encrypted, unless the URL says otherwise.
    ///
    /// # Errors
    /// It begins as a URL of PostgreSQL and is not one, or has an `sslmode` that does not check the server.
    pub(crate) fn parse(text: &str) -> Result<Self, LocationError> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Ok(Self::Sqlite(text.into()));
        }
        let (url, mode) = without_sslmode(text);
        let mut config: Config = url.parse().map_err(|_| LocationError::NoPostgresUrl)?;
        if config.get_hosts().is_empty() {
            return Err(LocationError::NoPostgresUrl);
        }
        config.ssl_mode(match mode {
            None if is_on_this_host(&config) => SslMode::Disable,
            None | Some("verify-full") => SslMode::Require,
            Some("disable") => SslMode::Disable,
            Some(_) => return Err(LocationError::SslMode),
        });
        Ok(Self::Postgres(Box::new(PostgresServer { config, tls: None })))
    }

    /// Whether it contains a password.
    pub(crate) fn has_password(&self) -> bool {
        matches!(self, Self::Postgres(server) if server.config.get_password().is_some())
    }

    /// The same with the password from a file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn with_password_of(mut self, file: Option<&Path>) -> Result<Self, DiskError> {
        if let (Self::Postgres(server), Some(file)) = (&mut self, file) {
            let password = named_file::read(file, Self::MAX_PASSWORD_BYTES)?;
            // Editors end a file with a line break, which is not part of the password.
            let line = password.split(|byte| [b'\r', b'\n'].contains(byte)).next().unwrap_or_default();
            server.config.password(line);
        }
        Ok(self)
    }

    /// The same with the authorities of a file, which know the server of an encrypted connection.
    ///
    /// # Errors
    /// The file cannot be used, or there is none although the connection is to be encrypted.
    pub(crate) fn with_authorities_of(mut self, file: Option<&Path>) -> Result<Self, TrustError> {
        if let Self::Postgres(server) = &mut self
            && server.config.get_ssl_mode() == SslMode::Require
        {
            server.tls = Some(trust::client_config(file.ok_or(TrustError::NoAuthority)?)?);
        }
        Ok(self)
    }

    /// Whether a server keeps the documents, which may be unreachable while this process works.
    pub(crate) fn is_server(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Opens the store or makes it, and brings its tables up to date.
    ///
    /// # Errors
    /// The file cannot be opened, or the server cannot be reached; the tables are of a newer build.
    pub(crate) fn open(&self, purpose: StoreUse) -> Result<Box<dyn Store>, StoreError> {
        self.open_for(purpose, TableAccess::Make)
    }

    /// Opens a store that is there, with the tables of this build.
    ///
    /// # Errors
    /// As [`Self::open`]; there is no store, or its tables are of an older build.
    pub(crate) fn open_existing(&self, purpose: StoreUse) -> Result<Box<dyn Store>, StoreError> {
        self.open_for(purpose, TableAccess::Write)
    }

    /// As [`Self::open_existing`], and changes nothing in it.
    ///
    /// # Errors
    /// As [`Self::open_existing`].
    pub(crate) fn open_to_read(&self, purpose: StoreUse) -> Result<Box<dyn Store>, StoreError> {
        self.open_for(purpose, TableAccess::Read)
    }

    /// As [`Self::open_to_read`], and checks that a service could write to the store, or make it.
    ///
    /// # Errors
    /// As [`Self::open_to_read`]; this user, or the role of the URL, may not write.
    pub(crate) fn open_to_check(&self) -> Result<Box<dyn Store>, StoreError> {
        self.open_for(StoreUse::Tending, TableAccess::Check)
    }

    fn open_for(&self, purpose: StoreUse, access: TableAccess) -> Result<Box<dyn Store>, StoreError> {
        Ok(match self {
            Self::Sqlite(path) => Box::new(SqliteStore::open(path, access)?),
            Self::Postgres(server) => {
                let mut store = PostgresStore::new((**server).clone(), self.to_string(), purpose, access);
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
            Self::Postgres(server) => {
                let (server, name) = ((**server).clone(), self.to_string());
                Ok(Box::new(PostgresStore::new(server, name, purpose, TableAccess::Make)))
            }
        }
    }

    /// The directory whose disk the documents fill; `None` for a server.
    pub(crate) fn local_directory(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(SqliteStore::directory_of(path)),
            Self::Postgres(_) => None,
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

/// A URL without its `sslmode`, and the value of that: the parser knows other words for it than we do.
fn without_sslmode(url: &str) -> (String, Option<&str>) {
    // A question mark of a password stands before the host.
    let host = url.find('@').map_or(0, |at| at + 1);
    let Some((address, query)) = url[host..].split_once('?') else { return (url.to_owned(), None) };
    let (modes, others): (Vec<&str>, Vec<&str>) =
        query.split('&').partition(|parameter| parameter.starts_with("sslmode="));
    let mode = modes.last().and_then(|mode| mode.strip_prefix("sslmode="));
    (format!("{}{address}?{}", &url[..host], others.join("&")), mode)
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
            Self::Postgres(server) => &server.config,
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

    /// How the connection to this URL is to be made.
    fn mode(url: &str) -> Result<SslMode, LocationError> {
        StoreLocation::parse(url).map(|location| match location {
            StoreLocation::Postgres(server) => server.config.get_ssl_mode(),
            StoreLocation::Sqlite(_) => panic!("{url} is a URL"),
        })
    }

    #[test]
    fn what_leaves_the_host_is_encrypted_unless_the_url_says_otherwise() {
        for local in ["localhost", "127.0.0.1", "[::1]", "%2Frun%2Fpostgresql"] {
            assert_eq!(mode(&format!("postgres://u@{local}/d")), Ok(SslMode::Disable), "{local}");
            let asked = mode(&format!("postgres://u@{local}/d?sslmode=verify-full"));
            assert_eq!(asked, Ok(SslMode::Require), "{local}");
        }
        for remote in
            ["db.example.org/d", "10.0.0.1/d", "localhost,10.0.0.1/d", "localhost/d?hostaddr=10.0.0.1"]
        {
            assert_eq!(mode(&format!("postgres://u@{remote}")), Ok(SslMode::Require), "{remote}");
            let location = StoreLocation::parse(&format!("postgres://u@{remote}")).expect("a location");
            let error = location.with_authorities_of(None).expect_err("nobody is known");
            assert!(matches!(error, TrustError::NoAuthority), "{error}");
        }
        let mixed = "postgres://u:a?b@h/d?connect_timeout=3&sslmode=disable&application_name=x";
        assert_eq!(mode(mixed), Ok(SslMode::Disable));
        for weak in ["require", "prefer", "verify-ca", "allow", ""] {
            let url = format!("postgres://u@db.example.org/d?sslmode={weak}");
            assert_eq!(mode(&url), Err(LocationError::SslMode), "{weak}");
        }
    }

    #[test]
    fn the_authorities_of_a_file_are_certificates() {
        let parsed = || StoreLocation::parse("postgres://u@db.example.org/d").expect("a location");
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"no certificate\n").expect("written");
        let error = parsed().with_authorities_of(Some(file.path())).expect_err("refused");
        assert!(matches!(error, TrustError::NoCertificate(_)), "{error}");
        let error = parsed().with_authorities_of(Some(Path::new("missing"))).expect_err("refused");
        assert!(matches!(error, TrustError::Disk(_)), "{error}");
    }

    #[test]
    fn a_password_comes_from_a_file_and_is_never_shown() {
        let location = StoreLocation::parse("postgres://receiver@localhost/fleet").expect("a location");
        assert!(!location.has_password());
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"p\xc3\xa4ssword 1\r\n").expect("written");
        let location = location.with_password_of(Some(file.path())).expect("read");
        let StoreLocation::Postgres(server) = &location else { panic!("a server") };
        assert_eq!(server.config.get_password(), Some("p\u{e4}ssword 1".as_bytes()));
        assert!(!format!("{location} {location:?}").contains("ssword 1"));
    }
}
