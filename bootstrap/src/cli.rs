//! The command line: arguments only, what they do is in `command`.
//!
//! Apart from the commands, so that help, completions and man pages can be generated without anything that runs.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::input;
use crate::rollback::Include;
use crate::terminal::{ColorChoice, OutputFormat, Verbosity, terminal_columns};

/// Installs a k3s base on this host and records what it did.
#[derive(Debug, Parser)]
#[command(name = "bootstrap", version)]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The command.
    #[command(subcommand)]
    pub command: Commands,
}

/// A string and not a doc comment, because help is no Markdown.
const COLOR_HELP: &str = "Colour the output: auto (on a terminal, unless NO_COLOR is set), always or never";

/// Options that every command takes.
#[derive(Clone, Copy, Debug, Args)]
pub struct GlobalArgs {
    /// Show only warnings, errors and results
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show steps and verifications; twice: exact commands, objects and files
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When the output is coloured.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN", hide_possible_values = true, help = COLOR_HELP)]
    pub color: ColorChoice,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Commands {
    /// Install k3s and the components of a mode on this host
    Run(RunArgs),
    /// Check whether this host meets the requirements of a run
    Preflight(PreflightArgs),
    /// Check whether the installed components work
    Verify(VerifyArgs),
    /// Plan or apply the rollback of a run
    Rollback(RollbackArgs),
    /// Plan or apply the removal of everything that runs installed
    Clean(CleanArgs),
    /// Save files of this host and objects of its cluster
    Backup(BackupArgs),
    /// Inspect and control anonymous telemetry
    Telemetry(TelemetryArgs),
    /// Check documents against the published contract
    Validate(ValidateArgs),
    /// Print the JSON Schema of the config file, for editors
    ConfigSchema,
    /// Print the JSON Schema of `run --json`
    RunSchema,
    /// Print the JSON Schema of the events of the bundle's entry points
    // Hidden, because it is of use to whoever writes a layer above, and to nobody on a host.
    #[command(hide = true)]
    EventSchema,
    /// Behave as the entry point of a bundle
    // Hidden, because only the scripts of the bundle call it.
    #[command(hide = true)]
    AsBundle(AsBundleArgs),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Options of `run`. The inputs of the run are added from `input::Inputs`.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct RunArgs {
    /// Change nothing; show the plan
    #[arg(long)]
    pub dry_run: bool,
    /// Accept the plan without asking
    #[arg(short, long)]
    pub yes: bool,
    /// Continue despite preflight warnings
    #[arg(long)]
    pub accept_warnings: bool,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
    /// With --dry-run: exit with 0 if nothing would change, 2 if something would, 1 on any error
    #[arg(long, requires = "dry_run")]
    pub detailed_exitcode: bool,
    /// YAML file with inputs
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Options of `preflight`.
#[derive(Clone, Debug, Args)]
pub struct PreflightArgs {
    /// Treat warnings as failures
    #[arg(long)]
    pub strict: bool,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
    /// YAML file with inputs
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Options of `verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
    /// YAML file with inputs
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Options of `rollback`.
#[derive(Clone, Debug, Args)]
pub struct RollbackArgs {
    /// Record of the run to undo, public or private, in the runs directory
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Apply the plan
    #[arg(long)]
    pub apply: bool,
    /// Also undo exports, charts, the registry and the default storage class
    #[arg(long, value_enum, value_name = "CLASS")]
    pub include: Option<Include>,
    /// Do not ask before applying
    #[arg(short, long)]
    pub yes: bool,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// Options of `backup`.
#[derive(Clone, Debug, Args)]
pub struct BackupArgs {
    /// Directory to create; an archive is written beside it [default: k3s-backup-<time>]
    pub directory: Option<PathBuf>,
    /// Also save tokens, passwords and keys
    #[arg(long)]
    pub include_secrets: bool,
    /// Print what would be saved; write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// Options of `clean`.
#[derive(Clone, Debug, Args)]
pub struct CleanArgs {
    /// Apply the plan after CLEAN is typed
    #[arg(long)]
    pub apply: bool,
    /// Confirm with this word instead of typing it
    #[arg(long, value_name = "CLEAN", requires = "apply")]
    pub confirm: Option<String>,
    /// Directory of run records
    #[arg(long, value_name = "DIR")]
    pub runs_dir: Option<PathBuf>,
    /// Print the plan as one JSON document on standard output
    #[arg(long, conflicts_with = "apply")]
    pub json: bool,
}

/// Options of `as-bundle`.
#[derive(Clone, Debug, Args)]
pub struct AsBundleArgs {
    /// Where the bundle is unpacked
    #[arg(long, value_name = "DIR")]
    pub root: PathBuf,
    /// The entry point
    #[arg(long, value_enum)]
    pub entry: BundleEntry,
    /// What the entry point was called with
    #[arg(last = true)]
    pub args: Vec<OsString>,
}

/// The entry points of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BundleEntry {
    /// The one that takes commands.
    Core,
    /// The check of a host.
    Preflight,
    /// A run.
    Bootstrap,
    /// A backup.
    Backup,
    /// The check of what is installed.
    Validate,
    /// A rollback.
    Rollback,
    /// The removal of everything.
    Cleanup,
    /// The delivery of documents.
    SendTelemetry,
}

/// Options of `telemetry`.
#[derive(Clone, Debug, Args)]
pub struct TelemetryArgs {
    /// Runs directory that contains the outbox
    #[arg(long, global = true, value_name = "DIR")]
    pub runs_dir: Option<PathBuf>,
    /// Print JSON on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub command: TelemetryCommands,
}

/// What `telemetry` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum TelemetryCommands {
    /// Show consent, endpoint, queued events and the last results
    Status,
    /// Show the exact bytes and headers that would be sent
    Show {
        /// Id of a queued event; all events if omitted
        id: Option<String>,
    },
    /// Show what a run would send, field by field; nothing is stored
    Preview {
        /// Mode of the run
        #[arg(long, value_parser = input::parse_mode, default_value = "server")]
        mode: schema::Mode,
    },
    /// Deliver the public manifest of an earlier run
    Send {
        /// Public manifest: `runs/bootstrap-<run_id>.json`
        manifest: PathBuf,
    },
    /// Deliver queued events now
    Flush {
        /// First requeue refused events that are at most 30 days old
        #[arg(long)]
        refused: bool,
        /// Started by a run, without a terminal.
        // Hidden, because it closes descriptors and says nothing: of no use to a person.
        #[arg(long, hide = true)]
        detached: bool,
    },
    /// Delete all queued events
    Purge {
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

/// Options of `validate`.
#[derive(Clone, Debug, Args)]
pub struct ValidateArgs {
    /// Files to check; `-` reads NDJSON from standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print one result per line as NDJSON on standard output
    #[arg(long)]
    pub json: bool,
}

// The rooms below know no command line, so their words are here.

impl ValueEnum for ColorChoice {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::Always, Self::Never]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Auto => PossibleValue::new("auto").help("On a terminal, unless NO_COLOR is set"),
            Self::Always => PossibleValue::new("always").help("Even into a pipe"),
            Self::Never => PossibleValue::new("never"),
        })
    }
}

impl ValueEnum for Include {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Moderate]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        // Only what is safe alone is what happens without the option.
        (*self == Self::Moderate)
            .then(|| PossibleValue::new("moderate").help("Also what others may have come to rely on"))
    }
}

impl GlobalArgs {
    /// How much is said on standard error. The parser refuses both flags together.
    pub const fn verbosity(self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, 0) => Verbosity::Normal,
            (_, 1) => Verbosity::Verbose,
            _ => Verbosity::Exact,
        }
    }
}

impl Commands {
    /// What the command prints on standard output.
    pub const fn output_format(&self) -> OutputFormat {
        let json = match self {
            Self::Run(args) => args.json,
            Self::Preflight(args) => args.json,
            Self::Verify(args) => args.json,
            Self::Rollback(args) => args.json,
            Self::Telemetry(args) => args.json,
            Self::Validate(args) => args.json,
            Self::Backup(args) => args.json,
            Self::Clean(args) => args.json,
            Self::ConfigSchema
            | Self::RunSchema
            | Self::EventSchema
            | Self::AsBundle(_)
            | Self::Completions { .. } => false,
        };
        if json { OutputFormat::Json } else { OutputFormat::Text }
    }
}

/// Below the flags of the commands that take inputs.
const VARIABLES_HELP: &str = "Each input is also an environment variable: PRODUCTIVE_K3S_ and its key in capitals, as \
    PRODUCTIVE_K3S_REGISTRY_HOST for registry.host. `bootstrap config-schema` lists the keys, docs/configuration.md the \
    exceptions.";

/// The command line parser with the inputs of a run added to the commands that take them.
pub fn parser() -> clap::Command {
    let with_inputs = |command: clap::Command| command.args(input::arguments()).after_help(VARIABLES_HELP);
    Cli::command()
        // Zero is no limit: what is piped is not broken.
        .term_width(terminal_columns().unwrap_or(0))
        // Added by name and not by a derive: these commands take the same inputs, which one struct declares.
        .mut_subcommand("run", with_inputs)
        .mut_subcommand("preflight", with_inputs)
        .mut_subcommand("verify", with_inputs)
}

/// Parses the arguments; inputs of a run come as given, keyed as in `input::Inputs`.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<(Cli, input::Flags), clap::Error> {
    let matches = parser().try_get_matches_from(arguments)?;
    let flags = match matches.subcommand() {
        // Asking another command for an argument that it does not have is a panic of the parser.
        Some(("run" | "preflight" | "verify", matches)) => input::Flags::from_matches(matches),
        _ => input::Flags::default(),
    };
    Ok((Cli::from_arg_matches(&matches)?, flags))
}
