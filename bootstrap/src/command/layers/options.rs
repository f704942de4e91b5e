//! The options of each command, as the shell core takes them.

use std::path::PathBuf;

use schema::Mode;

use super::refusal::LayerError;
use crate::cli::{BackupArgs, RollbackArgs};
use crate::layers::Operation;

/// What is to be done.
#[derive(Debug)]
pub(super) enum LayerCommand {
    Help(HelpTopic),
    BundleInfo,
    Bom,
    Preflight(PreflightOptions),
    Bootstrap(BootstrapOptions),
    Validate(ValidateOptions),
    Backup(BackupArgs),
    Rollback(RollbackArgs),
    Cleanup(CleanupOptions),
    Install(InstallOptions),
    ValidateAddon(PathBuf),
    SendTelemetry(Option<PathBuf>),
}

/// Whose help is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HelpTopic {
    Commands,
    Bootstrap,
    Preflight,
    Validate,
    Upkeep,
}

#[derive(Debug, Default)]
pub(super) struct PreflightOptions {
    pub(super) mode: Option<Mode>,
    pub(super) strict: bool,
    pub(super) json: bool,
    /// Where the JSON goes instead of standard output.
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, Default)]
pub(super) struct BootstrapOptions {
    pub(super) mode: Option<Mode>,
    pub(super) dry_run: bool,
}

#[derive(Debug, Default)]
pub(super) struct ValidateOptions {
    pub(super) strict: bool,
    pub(super) json: bool,
}

#[derive(Debug, Default)]
pub(super) struct CleanupOptions {
    pub(super) apply: bool,
    pub(super) yes: bool,
    pub(super) confirmed: bool,
}

#[derive(Debug)]
pub(super) struct InstallOptions {
    pub(super) tgz: PathBuf,
    /// A stack asks its questions; an add-on is installed as the environment says.
    pub(super) is_stack: bool,
    pub(super) dry_run: bool,
    pub(super) public_host: Option<String>,
    /// The cluster that is named: a file, and a context in it.
    pub(super) kubeconfig: Option<PathBuf>,
    pub(super) context: Option<String>,
}

impl LayerCommand {
    /// Whether standard output is one JSON document.
    pub(super) fn prints_json(&self) -> bool {
        match self {
            Self::BundleInfo | Self::Bom => true,
            Self::Preflight(options) => options.json && options.output.is_none(),
            Self::Validate(options) => options.json,
            _ => false,
        }
    }
}

/// The words behind the command, read one after the other.
struct Words(std::vec::IntoIter<String>);

impl Words {
    fn next(&mut self) -> Option<String> {
        self.0.next()
    }

    /// The value of the option before it.
    fn value(&mut self, option: &str) -> Result<String, LayerError> {
        let message = || format!("{option} needs a value");
        self.0.next().ok_or_else(|| LayerError::Usage { message: message(), exit_code: 1 })
    }

    /// The value of an option that may stand without one.
    fn optional_value(&mut self) -> Option<String> {
        let next = self.0.as_slice().first().filter(|word| !word.starts_with('-'));
        next.cloned().inspect(|_| drop(self.0.next()))
    }
}

/// Reads what stands behind the command.
///
/// # Errors
/// An option is not known, or has no value.
pub(super) fn command_of(operation: Operation, words: Vec<String>) -> Result<LayerCommand, LayerError> {
    let words = Words(words.into_iter());
    match operation {
        Operation::Bootstrap | Operation::Apply => bootstrap(words),
        Operation::Preflight => preflight(words),
        Operation::Validate => validate(words),
        Operation::Backup => backup(words),
        Operation::Rollback => rollback(words),
        Operation::Cleanup => cleanup(words),
        Operation::Bundle => with_json(words, Some("info"), LayerCommand::BundleInfo),
        Operation::Bom => with_json(words, None, LayerCommand::Bom),
        Operation::Telemetry => {
            Ok(LayerCommand::SendTelemetry(words.0.as_slice().first().map(PathBuf::from)))
        }
        Operation::StackInstall | Operation::AddonInstall => {
            install(words, operation == Operation::StackInstall)
        }
        Operation::AddonValidate => Ok(LayerCommand::ValidateAddon(install_options(words, false)?.tgz)),
        Operation::Help | Operation::Unknown => Ok(LayerCommand::Help(HelpTopic::Commands)),
    }
}

fn mode(word: &str) -> Result<Mode, LayerError> {
    let message = || format!("Unsupported mode: {word}");
    Mode::from_word(word).ok_or_else(|| LayerError::Usage { message: message(), exit_code: 1 })
}

fn bootstrap(mut words: Words) -> Result<LayerCommand, LayerError> {
    let mut options = BootstrapOptions::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--dry-run" => options.dry_run = true,
            "--mode" => options.mode = Some(mode(&words.value("--mode")?)?),
            "-h" | "--help" => return Ok(LayerCommand::Help(HelpTopic::Bootstrap)),
            other => return Err(LayerError::unknown_argument(other, 1)),
        }
    }
    Ok(LayerCommand::Bootstrap(options))
}

fn preflight(mut words: Words) -> Result<LayerCommand, LayerError> {
    let mut options = PreflightOptions::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--mode" => options.mode = Some(mode(&words.value("--mode")?)?),
            "--strict" => options.strict = true,
            "--json-output" | "--json" => {
                options.json = true;
                options.output = words.optional_value().map(PathBuf::from);
            }
            "-h" | "--help" => return Ok(LayerCommand::Help(HelpTopic::Preflight)),
            other => return Err(LayerError::unknown_argument(other, 2)),
        }
    }
    Ok(LayerCommand::Preflight(options))
}

fn validate(mut words: Words) -> Result<LayerCommand, LayerError> {
    let mut options = ValidateOptions::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--strict" => options.strict = true,
            "--json" => options.json = true,
            // A registry that answers is always tested: nothing is left behind.
            "--docker-registry-test" => {}
            "-h" | "--help" => return Ok(LayerCommand::Help(HelpTopic::Validate)),
            other => return Err(LayerError::unknown_argument(other, 2)),
        }
    }
    Ok(LayerCommand::Validate(options))
}

fn backup(mut words: Words) -> Result<LayerCommand, LayerError> {
    let mut options = BackupArgs { directory: None, include_secrets: false, dry_run: false, json: false };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--include-secrets" => options.include_secrets = true,
            "--dry-run" => options.dry_run = true,
            "-h" | "--help" => return Ok(LayerCommand::Help(HelpTopic::Upkeep)),
            other if other.starts_with('-') || options.directory.is_some() => {
                return Err(LayerError::unknown_argument(other, 1));
            }
            directory => options.directory = Some(PathBuf::from(directory)),
        }
    }
    Ok(LayerCommand::Backup(options))
}

fn rollback(mut words: Words) -> Result<LayerCommand, LayerError> {
    let (mut to, mut apply, mut yes) = (None, false, false);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--to" => to = Some(PathBuf::from(words.value("--to")?)),
            "--plan" => apply = false,
            "--apply" => apply = true,
            "--yes" => yes = true,
            "-h" | "--help" => return Ok(LayerCommand::Help(HelpTopic::Upkeep)),
            other => return Err(LayerError::unknown_argument(other, 1)),
        }
    }
    let message = "You must pass --to <record of a run>.".to_owned();
    let to = to.ok_or(LayerError::Usage { message, exit_code: 1 })?;
    Ok(LayerCommand::Rollback(RollbackArgs { to, apply, include: None, yes, json: false }))
}

fn cleanup(mut words: Words) -> Result<LayerCommand, LayerError> {
    let mut options = CleanupOptions::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--plan" => options.apply = false,
            "--apply" => options.apply = true,
            "--yes" => options.yes = true,
            "--confirm-clean" => options.confirmed = true,
            "-h" | "--help" => return Ok(LayerCommand::Help(HelpTopic::Upkeep)),
            other => return Err(LayerError::unknown_argument(other, 1)),
        }
    }
    Ok(LayerCommand::Cleanup(options))
}

fn with_json(mut words: Words, sub: Option<&str>, command: LayerCommand) -> Result<LayerCommand, LayerError> {
    for wanted in sub.into_iter().chain(["--json"]) {
        match words.next() {
            Some(word) if word == wanted => {}
            other => {
                let message = format!("Unsupported command: {}", other.unwrap_or_default());
                return Err(LayerError::Usage { message, exit_code: 1 });
            }
        }
    }
    Ok(command)
}

fn install(words: Words, is_stack: bool) -> Result<LayerCommand, LayerError> {
    install_options(words, is_stack).map(LayerCommand::Install)
}

fn install_options(mut words: Words, is_stack: bool) -> Result<InstallOptions, LayerError> {
    let (mut tgz, mut dry_run, mut public_host) = (None, false, None);
    let (mut kubeconfig, mut context) = (None, None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--tgz" => tgz = Some(PathBuf::from(words.value("--tgz")?)),
            "--dry-run" => dry_run = true,
            "--public-host" if !is_stack => public_host = Some(words.value("--public-host")?),
            "--kubeconfig" => kubeconfig = Some(PathBuf::from(words.value("--kubeconfig")?)),
            "--cluster-context" => context = Some(words.value("--cluster-context")?),
            other if other.starts_with('-') => return Err(LayerError::unknown_argument(other, 1)),
            _ => {
                let message =
                    "sources by name are not part of this program; name a package with --tgz".to_owned();
                return Err(LayerError::Usage { message, exit_code: 1 });
            }
        }
    }
    let message = "a package is needed: --tgz <file>".to_owned();
    let tgz = tgz.ok_or(LayerError::Usage { message, exit_code: 1 })?;
    Ok(InstallOptions { tgz, is_stack, dry_run, public_host, kubeconfig, context })
}
