//! The command line: every flag is a variable `RECEIVER_...` as well.

use std::error::Error;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use schema::{Id, InvalidId};

use crate::arrival::PackedId;
use crate::store::{LocationError, StoreLocation};

/// Receives the telemetry of a fleet: checks every document, stores it durably, and shows only groups
#[derive(Debug, Parser)]
#[command(name = "receiver", version, disable_help_subcommand = true, max_term_width = 80)]
pub(crate) struct ReceiverCli {
    #[command(subcommand)]
    pub(crate) command: ReceiverCommand,
}

impl ReceiverCli {
    /// Reads the arguments and the variables.
    ///
    /// # Errors
    /// They are not understood, or a password is among the arguments, where every user of the host could read it.
    pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(arguments);
        let matches = matches.map_err(|error| {
            // The parser would repeat the value, and with it a password.
            let told = error.source().and_then(<dyn Error>::downcast_ref::<LocationError>).cloned();
            match told {
                Some(told) => command.error(ErrorKind::ValueValidation, format!("--store: {told}")),
                None => error,
            }
        })?;
        let cli = Self::from_arg_matches(&matches)?;
        let has_password = cli.command.store().is_some_and(|store| store.store.has_password());
        let is_argument =
            |matches: &ArgMatches| matches.value_source("store") == Some(ValueSource::CommandLine);
        if has_password && matches.subcommand().is_some_and(|(_, matches)| is_argument(matches)) {
            let message = format!("--store {}", LocationError::PasswordInArguments);
            return Err(command.error(ErrorKind::ValueValidation, message));
        }
        Ok(cli)
    }
}

impl ReceiverCommand {
    fn store(&self) -> Option<&StoreArgs> {
        match self {
            Self::Serve(arguments) | Self::Check(arguments) => Some(&arguments.store),
            Self::Migrate(arguments) | Self::Verify(arguments) => Some(arguments),
            Self::Rollup(arguments) => Some(&arguments.store),
            Self::Retain(arguments) => Some(&arguments.store),
            Self::Import(arguments) => Some(&arguments.store),
            Self::Erase(arguments) => Some(&arguments.store),
            Self::Openapi => None,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum ReceiverCommand {
    /// Receive documents until SIGTERM or SIGINT
    Serve(ServeArgs),
    /// Create the tables of the store, or upgrade them
    Migrate(StoreArgs),
    /// Check options, tokens, store and disk, without serving
    Check(ServeArgs),
    /// Combine documents into runs, and close the weeks that have ended
    Rollup(RollupArgs),
    /// Delete documents and runs that are too old
    Retain(RetainArgs),
    /// Store documents from a file, one per line, as if they arrived now
    Import(ImportArgs),
    /// Delete everything of a run or a session, as the person asks who names it
    Erase(EraseArgs),
    /// Check the integrity of the store
    Verify(StoreArgs),
    /// Print the OpenAPI description of the endpoint for documents
    Openapi,
}

/// Where documents are kept.
#[derive(Clone, Debug, Args)]
pub(crate) struct StoreArgs {
    /// SQLite file for the documents, or URL of a PostgreSQL database; a URL with a password is accepted only from the
    /// variable
    #[arg(long, env = "RECEIVER_STORE", hide_env_values = true, value_name = "FILE|postgres://USER@HOST/DATABASE", default_value = "receiver.db",
          value_parser = StoreLocation::parse)]
    pub(crate) store: StoreLocation,
    /// File with the password of the PostgreSQL user, in its first line
    #[arg(long, env = "RECEIVER_STORE_PASSWORD_FILE", value_name = "FILE")]
    pub(crate) store_password_file: Option<PathBuf>,
    /// File of certificates (PEM) of the authorities that know a PostgreSQL server on another host
    #[arg(long, env = "RECEIVER_STORE_ROOT_CERT", value_name = "FILE")]
    pub(crate) store_root_cert: Option<PathBuf>,
    /// Bytes of the disk to leave free; with less, documents are answered with 503
    #[arg(long, env = "RECEIVER_DISK_RESERVE", value_name = "SIZE", default_value = "1GiB", value_parser = bytes)]
    pub(crate) disk_reserve: u64,
}

/// How weeks are closed.
#[derive(Clone, Debug, Args)]
pub(crate) struct RollupArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) suppression: SuppressionArgs,
    #[command(flatten)]
    pub(crate) clock: ClockArgs,
}

/// Whether the clock is right.
#[derive(Clone, Debug, Args)]
pub(crate) struct ClockArgs {
    /// Believe the clock although it is more than a day from that of the last time; compare it with another one before: by
    /// a wrong one, documents are lost
    #[arg(long, env = "RECEIVER_TRUST_CLOCK")]
    pub(crate) trust_clock: bool,
}

/// Which groups are too small to be shown.
#[derive(Clone, Debug, Args)]
pub(crate) struct SuppressionArgs {
    /// Sessions that a group must have to be shown in a chart; the contract promises at least 10
    #[arg(long, env = "RECEIVER_SUPPRESS_BELOW", value_name = "COUNT", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(10..=100_000))]
    pub(crate) suppress_below: u32,
}

/// How long documents are kept.
#[derive(Clone, Debug, Args)]
pub(crate) struct RetentionArgs {
    /// Days to keep a document after its arrival; a sender may repeat one for 30
    #[arg(long, env = "RECEIVER_RETENTION_DAYS", value_name = "DAYS", default_value_t = 45,
          value_parser = clap::value_parser!(u32).range(31..=396))]
    pub(crate) retention_days: u32,
}

/// What is deleted.
#[derive(Clone, Debug, Args)]
pub(crate) struct RetainArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) retention: RetentionArgs,
    #[command(flatten)]
    pub(crate) clock: ClockArgs,
}

/// What is imported.
#[derive(Clone, Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// File of documents, one per line; - for standard input
    pub(crate) file: PathBuf,
}

/// Where documents wait for PostgreSQL.
#[derive(Clone, Debug, Args)]
pub(crate) struct SpoolArgs {
    /// Directory that keeps documents while PostgreSQL is out of reach; one for each instance
    #[arg(long, env = "RECEIVER_SPOOL_DIR", value_name = "DIRECTORY", default_value = "spool")]
    pub(crate) spool_dir: PathBuf,
}

/// What is erased.
#[derive(Clone, Debug, Args)]
pub(crate) struct EraseArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) spool: SpoolArgs,
    /// The `run_id` or the `session_id`, exactly as the documents have it
    #[arg(value_parser = id)]
    pub(crate) id: PackedId,
}

/// How to serve.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) spool: SpoolArgs,
    /// Address of the public port: documents and pages
    #[arg(long, env = "RECEIVER_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub(crate) listen: SocketAddr,
    /// Address of the admin port: metrics and health
    #[arg(long, env = "RECEIVER_ADMIN_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8788")]
    pub(crate) admin_listen: SocketAddr,
    /// File of bearer tokens, one per line; senders must present one of them
    #[arg(long, env = "RECEIVER_INGEST_TOKENS_FILE", value_name = "FILE")]
    pub(crate) ingest_tokens_file: Option<PathBuf>,
    /// File of tokens, one per line; a reader with one of them, as bearer token or password, sees the chains
    #[arg(long, env = "RECEIVER_OPERATOR_TOKEN_FILE", value_name = "FILE")]
    pub(crate) operator_token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) suppression: SuppressionArgs,
    #[command(flatten)]
    pub(crate) retention: RetentionArgs,
    /// Requests with a document at one time, and documents that may be queued for the store
    #[arg(long, env = "RECEIVER_MAX_IN_FLIGHT", value_name = "COUNT", default_value_t = 16_384,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) max_in_flight: u32,
    /// Connections of a port at one time; more wait until one ends
    #[arg(long, env = "RECEIVER_MAX_CONNECTIONS", value_name = "COUNT", default_value_t = 16_384,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) max_connections: u32,
    /// Seconds that a header may take, silence before it included
    #[arg(long, env = "RECEIVER_HEADER_TIMEOUT_SECONDS", value_name = "SECONDS", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(1..=300))]
    pub(crate) header_timeout_seconds: u64,
    /// Seconds that a body may take
    #[arg(long, env = "RECEIVER_BODY_TIMEOUT_SECONDS", value_name = "SECONDS", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(1..=300))]
    pub(crate) body_timeout_seconds: u64,
}

/// Reads an id of the contract.
fn id(text: &str) -> Result<PackedId, InvalidId> {
    Id::parse(text).map(|id| PackedId::of(&id))
}

/// Reads a number of bytes: `1048576`, `512MiB`, `1GiB`.
fn bytes(text: &str) -> Result<u64, &'static str> {
    const FORM: &str = "not a size such as 1048576, 512MiB or 1GiB";
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];
    let unit = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)));
    let (number, shift) = unit.unwrap_or((text, 0));
    let number: u64 = number.trim_end().parse().map_err(|_| FORM)?;
    number.checked_mul(1 << shift).ok_or(FORM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        ReceiverCli::command().debug_assert();
    }

    #[test]
    fn every_option_has_its_variable() {
        let command = ReceiverCli::command();
        for subcommand in command.get_subcommands() {
            for argument in subcommand.get_arguments().filter(|argument| argument.get_long().is_some()) {
                let long = argument.get_long().unwrap_or_default();
                let variable = format!("RECEIVER_{}", long.replace('-', "_").to_uppercase());
                assert_eq!(argument.get_env().and_then(|name| name.to_str()), Some(&*variable), "{long}");
            }
        }
    }

    #[test]
    fn a_password_is_no_argument() {
        let read =
            |store: &str| ReceiverCli::read(["receiver", "check", "--store", store].map(OsString::from));
        let error = read("postgres://receiver:secret@localhost/fleet").expect_err("refused").to_string();
        assert!(error.contains("RECEIVER_STORE") && !error.contains("secret"), "{error}");
        assert!(read("postgres://receiver@localhost/fleet").is_ok());
        let error = read("postgres://receiver:secret@localhost:port/fleet").expect_err("refused").to_string();
        assert!(error.contains("not a PostgreSQL URL") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn no_group_is_shown_that_is_smaller_than_the_contract_promises() {
        let read = |count: &str| {
            ReceiverCli::read(["receiver", "rollup", "--suppress-below", count].map(OsString::from)).is_ok()
        };
        assert_eq!([read("9"), read("10"), read("100000")], [false, true, true]);
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!([bytes("0"), bytes("3KiB"), bytes("1GiB")], [Ok(0), Ok(3072), Ok(1 << 30)]);
        for text in ["", "GiB", "1GB", "-1", "1.5GiB", "99999999999TiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
