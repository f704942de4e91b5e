//! The one way text reaches the operator: data on standard output, everything else on standard error.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde::Serialize;

/// Widest line that messages are wrapped to. A fixed number and not the width of the terminal, so that a message looks the
/// same in a bug report and in a log.
const COLUMNS: usize = 80;

/// How much is said on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Warnings and errors.
    Quiet,
    /// What is going on.
    Normal,
    /// Details as well.
    Verbose,
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Even into a pipe.
    Always,
    /// Never.
    Never,
}

/// What standard output holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// Text for a reader.
    Text,
    /// JSON alone, so that a program can read it; text of the result is left out.
    Json,
    /// One event a line, while the work goes on; text of the result is on standard error.
    Events,
}

/// Prints for the operator. A closed pipe is not an error: whoever closed it has read enough.
#[derive(Debug)]
pub struct Printer {
    out: AutoStream<io::Stdout>,
    err: AutoStream<io::Stderr>,
    verbosity: Verbosity,
    format: OutputFormat,
    lost: bool,
    unread: bool,
}

impl From<ColorChoice> for anstream::ColorChoice {
    fn from(choice: ColorChoice) -> Self {
        match choice {
            ColorChoice::Auto => Self::Auto,
            ColorChoice::Always => Self::Always,
            ColorChoice::Never => Self::Never,
        }
    }
}

impl Printer {
    /// A printer on the standard streams of this process.
    pub fn new(verbosity: Verbosity, color: ColorChoice, format: OutputFormat) -> Self {
        Self {
            out: AutoStream::new(io::stdout(), color.into()),
            err: AutoStream::new(io::stderr(), color.into()),
            verbosity,
            format,
            lost: false,
            unread: false,
        }
    }

    /// A printer for a process that nobody watches.
    pub fn silent() -> Self {
        Self::new(Verbosity::Quiet, ColorChoice::Never, OutputFormat::Text)
    }

    /// Whether standard output is kept for one JSON document.
    pub fn is_json(&self) -> bool {
        self.format == OutputFormat::Json
    }

    /// Whether progress can be shown as a live line.
    pub fn is_live(&self) -> bool {
        // A live line moves the cursor, which a dumb terminal cannot, and -q asked for silence.
        io::stderr().is_terminal()
            && self.verbosity > Verbosity::Quiet
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// A line of the result. With `--json` the result is the document, so the line is left out.
    pub fn data(&mut self, line: &str) {
        if !self.is_json() {
            self.put(&format!("{line}\n"));
        }
    }

    /// A heading of the result.
    pub fn heading(&mut self, text: &str) {
        if !self.is_json() {
            let style = Style::new().bold();
            self.put(&format!("{style}{text}{style:#}\n"));
        }
    }

    /// A result whose text is wrapped behind its label.
    pub fn wrapped(&mut self, label: &str, text: &str) {
        let indent = " ".repeat(label.chars().count());
        self.hanging(label, &indent, text);
    }

    /// A result with a hanging indent: its first line begins with `first` and its further lines begin with `rest`.
    pub fn hanging(&mut self, first: &str, rest: &str, text: &str) {
        let width = COLUMNS - first.chars().count().max(rest.chars().count());
        for (index, line) in wrap(text, width).iter().enumerate() {
            self.data(&format!("{}{line}", if index == 0 { first } else { rest }));
        }
    }

    /// The one JSON document of standard output.
    pub fn document(&mut self, document: &impl Serialize) {
        // Our documents have string keys and no serializer that fails, so they always have a JSON form.
        let text = serde_json::to_string_pretty(document).unwrap_or_default();
        self.put(&format!("{text}\n"));
    }

    /// One line of JSON on standard output.
    pub fn json_line(&mut self, document: &impl Serialize) {
        let text = serde_json::to_string(document).unwrap_or_default();
        let written = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
        self.note_loss(written);
    }

    /// Whether standard output is kept for events.
    pub fn is_events(&self) -> bool {
        self.format == OutputFormat::Events
    }

    /// Text of a conversation, where the result would be, and at once: whoever answers may be a program.
    pub fn plain(&mut self, text: &str) {
        self.put(text);
        // What cannot be flushed is told at the end, as any other loss is.
        let flushed = if self.is_events() { self.err.flush() } else { self.out.flush() };
        self.note_loss(flushed);
    }

    /// Text on standard output as it is, whatever `--json` says.
    pub fn raw(&mut self, text: &str) {
        self.put(text);
    }

    /// Whether a part of the result could not be written. That nobody reads any more is no loss.
    pub fn has_lost_output(&mut self) -> bool {
        let flushed = self.out.flush();
        self.note_loss(flushed);
        self.lost
    }

    /// Whether a part of the result could not be written for any reason, a reader that has gone among them.
    pub fn has_unread_output(&mut self) -> bool {
        self.has_lost_output() || self.unread
    }

    fn put(&mut self, text: &str) {
        let written = if self.is_events() {
            self.err.write_all(text.as_bytes())
        } else {
            self.out.write_all(text.as_bytes())
        };
        self.note_loss(written);
    }

    /// A full disk behind a redirection is a loss that the exit code must show; a reader such as `head` that has gone is
    /// none, and failing then would break every pipeline that stops early.
    fn note_loss(&mut self, written: io::Result<()>) {
        self.unread |= written.is_err();
        self.lost |= written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe);
    }

    /// Something that happens.
    pub fn note(&mut self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            self.message("", Style::new(), text);
        }
    }

    /// A detail that only `-v` shows.
    pub fn detail(&mut self, text: &str) {
        if self.verbosity >= Verbosity::Verbose {
            self.message("", Style::new().dimmed(), text);
        }
    }

    /// Something the operator should know, whatever `-q` says.
    pub fn warn(&mut self, text: &str) {
        self.message("warning: ", AnsiColor::Yellow.on_default().bold(), text);
    }

    /// An error: what failed, what to do, where the log is.
    pub fn error(&mut self, message: &str, hint: Option<&str>, log: Option<&Path>) {
        self.message("error: ", AnsiColor::Red.on_default().bold(), message);
        if let Some(hint) = hint {
            self.message("  try: ", AnsiColor::Cyan.on_default(), hint);
        }
        if let Some(log) = log {
            self.message("  log: ", AnsiColor::Cyan.on_default(), &log.display().to_string());
        }
    }

    /// Text that belongs to a question, laid out already.
    pub fn prompt_text(&mut self, text: &str) {
        let _ = writeln!(self.err, "{text}");
    }

    /// Something that happens, wrapped behind its label.
    pub fn item(&mut self, label: &str, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            self.message(label, Style::new(), text);
        }
    }

    /// A question, without a line feed behind it.
    pub fn question(&mut self, text: &str) {
        let _ = write!(self.err, "{text} ");
        let _ = self.err.flush();
    }

    fn message(&mut self, label: &str, style: Style, text: &str) {
        let indent = " ".repeat(label.len());
        for (index, line) in wrap(text, COLUMNS - label.len()).iter().enumerate() {
            let _ = match index {
                0 => writeln!(self.err, "{style}{label}{style:#}{line}"),
                _ => writeln!(self.err, "{indent}{line}"),
            };
        }
    }
}

/// Breaks text into lines of at most `width` characters, at spaces, and in JSON behind commas. A word without either
/// stands alone, so that a URL or a path can still be copied.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for piece in pieces(paragraph) {
            let length = line.chars().count() + piece.trim_end().chars().count();
            // An indent alone is no line: a word that is too long follows it even so.
            if !line.trim().is_empty() && length > width {
                lines.push(line.trim_end().to_owned());
                line.clear();
            }
            line.push_str(piece);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// The smallest parts of a line that stay together, each with the space behind it.
fn pieces(line: &str) -> Vec<&str> {
    // Only in JSON, where commas end a member. Elsewhere they belong to the word before them.
    let is_json = |word: &&str| word.starts_with('{') || word.contains("\":");
    line.split_inclusive(' ')
        .flat_map(|word| if is_json(&word) { word.split_inclusive(',').collect() } else { vec![word] })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{Printer, wrap};

    #[test]
    fn a_reader_that_has_gone_is_no_loss_and_has_not_read_all() {
        let mut printer = Printer::silent();
        assert!(!printer.has_unread_output());
        printer.note_loss(Err(io::ErrorKind::BrokenPipe.into()));
        assert!(!printer.has_lost_output() && printer.has_unread_output());
        printer.note_loss(Err(io::ErrorKind::StorageFull.into()));
        assert!(printer.has_lost_output());
    }

    #[test]
    fn long_lines_are_broken_at_spaces_and_nothing_is_lost() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("aaaaaaaa b", 5), ["aaaaaaaa", "b"]);
        assert_eq!(wrap("a\n  b b b b", 5), ["a", "  b b", "b b"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap(r#"{"a":1,"b":2}"#, 8), [r#"{"a":1,"#, r#""b":2}"#]);
    }
}
