//! The arguments of the entry points. They are the shell core's and not those of this program's parser: an option may come
//! before the command, a command may be missing, and what is not known is told in other words and codes.

use std::ffi::OsString;

use super::options::{LayerCommand, command_of};
use super::refusal::LayerError;
use crate::cli::BundleEntry;
use crate::layers::Operation;

/// A call, as far as it was understood.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) operation: Operation,
    /// What is to be done, or why nothing is.
    pub(super) command: Result<LayerCommand, LayerError>,
    /// `--events ndjson` was given.
    pub(super) events: bool,
    /// A script was called that does one thing, and not the entry that takes commands.
    pub(super) is_script: bool,
}

/// Understands a call. What is wrong with it comes with what could be understood, so that its events name the operation.
pub(super) fn parse(entry: BundleEntry, arguments: &[OsString]) -> Call {
    let words: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let (words, format) = without_events(words);
    let (operation, rest) = operation_of(entry, words);
    let command = match &format {
        Some(format) if format != "ndjson" => {
            let message = format!("unsupported --events format: {format}; supported format: ndjson");
            Err(LayerError::Usage { message, exit_code: 2 })
        }
        _ => rest.and_then(|words| command_of(operation, words)),
    };
    let events = format.is_some_and(|format| format == "ndjson");
    Call { operation, command, events, is_script: entry == BundleEntry::Bootstrap }
}

/// The option may stand anywhere, as it may for the shell core.
fn without_events(words: Vec<String>) -> (Vec<String>, Option<String>) {
    let Some(at) = words.iter().position(|word| word == "--events") else { return (words, None) };
    let format = words.get(at + 1).cloned().unwrap_or_default();
    let rest = words.iter().enumerate().filter(|(index, _)| *index != at && *index != at + 1);
    (rest.map(|(_, word)| word.clone()).collect(), Some(format))
}

type Rest = Result<Vec<String>, LayerError>;

fn operation_of(entry: BundleEntry, words: Vec<String>) -> (Operation, Rest) {
    let operation = match entry {
        BundleEntry::Core => return operation_of_command(words),
        BundleEntry::Preflight => Operation::Preflight,
        BundleEntry::Bootstrap => Operation::Bootstrap,
        BundleEntry::Backup => Operation::Backup,
        BundleEntry::Validate => Operation::Validate,
        BundleEntry::Rollback => Operation::Rollback,
        BundleEntry::Cleanup => Operation::Cleanup,
        BundleEntry::SendTelemetry => Operation::Telemetry,
    };
    (operation, Ok(words))
}

/// Without a command, or where an option comes first, it is a run: the installer of a release calls so.
fn operation_of_command(mut words: Vec<String>) -> (Operation, Rest) {
    let Some(first) = words.first().cloned() else { return (Operation::Bootstrap, Ok(words)) };
    let operation = match first.as_str() {
        "-h" | "--help" | "help" => return (Operation::Help, Ok(Vec::new())),
        option if option.starts_with('-') => return (Operation::Bootstrap, Ok(words)),
        "bootstrap" => Operation::Bootstrap,
        "apply" => Operation::Apply,
        "preflight" => Operation::Preflight,
        "validate" => Operation::Validate,
        "backup" => Operation::Backup,
        "rollback" => Operation::Rollback,
        "clean" | "cleanup" => Operation::Cleanup,
        "bundle" => Operation::Bundle,
        "bom" => Operation::Bom,
        "send-telemetry" => Operation::Telemetry,
        "stack" | "addon" => return operation_of_package(&first, words),
        command => {
            let message = format!("Unsupported command: {command}");
            return (Operation::Unknown, Err(LayerError::Usage { message, exit_code: 1 }));
        }
    };
    words.remove(0);
    (operation, Ok(words))
}

fn operation_of_package(command: &str, mut words: Vec<String>) -> (Operation, Rest) {
    let second = words.get(1).cloned().unwrap_or_default();
    let operation = match (command, second.as_str()) {
        ("stack", "install") => Operation::StackInstall,
        ("addon", "install") => Operation::AddonInstall,
        ("addon", "validate") => Operation::AddonValidate,
        _ => {
            let message = format!("Unsupported {command} command: {second}");
            return (Operation::Unknown, Err(LayerError::Usage { message, exit_code: 1 }));
        }
    };
    words.drain(..2);
    (operation, Ok(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(entry: BundleEntry, words: &str) -> Call {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        parse(entry, &words)
    }

    #[test]
    fn without_a_command_it_is_a_run() {
        for words in ["", "--dry-run", "--mode server", "bootstrap --mode server", "apply"] {
            let call = check(BundleEntry::Core, words);
            assert!(matches!(call.command, Ok(LayerCommand::Bootstrap(_))) && !call.is_script, "{words}");
        }
        assert!(check(BundleEntry::Bootstrap, "--mode stack").is_script);
    }

    #[test]
    fn what_is_not_known_is_told_with_the_code_of_its_script() {
        let unknown = |operation, code, said: &str| (operation, code, said.to_owned());
        for (words, expected) in [
            ("unsupported", unknown(Operation::Unknown, 1, "Unsupported command: unsupported")),
            ("bootstrap --colour", unknown(Operation::Bootstrap, 1, "Unknown argument: --colour")),
            ("bootstrap --mode x", unknown(Operation::Bootstrap, 1, "Unsupported mode: x")),
            ("bootstrap --mode", unknown(Operation::Bootstrap, 1, "--mode needs a value")),
            ("preflight --x", unknown(Operation::Preflight, 2, "Unknown argument: --x")),
            ("validate --x", unknown(Operation::Validate, 2, "Unknown argument: --x")),
            ("stack export", unknown(Operation::Unknown, 1, "Unsupported stack command: export")),
            ("rollback --plan", unknown(Operation::Rollback, 1, "You must pass --to <record of a run>.")),
            (
                "--events json help",
                unknown(Operation::Help, 2, "unsupported --events format: json; supported format: ndjson"),
            ),
        ] {
            let call = check(BundleEntry::Core, words);
            let error = call.command.expect_err(words);
            assert_eq!((call.operation, error.exit_code(), error.to_string()), expected, "{words}");
        }
    }

    #[test]
    fn events_are_asked_for_before_or_behind_the_command() {
        for words in ["--events ndjson preflight --strict", "preflight --events ndjson --strict"] {
            let call = check(BundleEntry::Core, words);
            assert!(call.events, "{words}");
            assert!(
                matches!(call.command, Ok(LayerCommand::Preflight(options)) if options.strict),
                "{words}"
            );
        }
    }

    #[test]
    fn the_json_of_the_preflight_goes_to_a_file_where_one_is_named() {
        let json = |words| match check(BundleEntry::Preflight, words).command {
            Ok(LayerCommand::Preflight(options)) => (options.json, options.output, options.strict),
            other => panic!("{other:?}"),
        };
        assert_eq!(json("--json-output"), (true, None, false));
        assert_eq!(json("--json-output --strict"), (true, None, true));
        assert_eq!(json("--json-output out.json --strict"), (true, Some("out.json".into()), true));
    }
}
