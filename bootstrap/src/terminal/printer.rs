//! The one way text reaches the operator: data on standard output, everything else on standard error.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use rustix::termios::tcgetwinsize;
use serde::Serialize;

use super::line::{Line, Tone, wrap};

/// How much is said on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Warnings and errors.
    Quiet,
    /// What an operator decides on, and what is going on.
    Normal,
    /// Each step and each verification too.
    Verbose,
    /// Each command, object and file too.
    Exact,
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    out_columns: usize,
    err_columns: usize,
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
            out_columns: columns(&io::stdout()),
            err_columns: columns(&io::stderr()),
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

    /// How much is said.
    pub fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Lines of the result. With `--json` the result is the document, so they are left out.
    pub fn result(&mut self, lines: &[Line]) {
        if !self.is_json() {
            for line in lines {
                self.put(&line.laid_out(self.out_columns));
            }
        }
    }

    /// Lines about what happens.
    pub fn notes(&mut self, lines: &[Line]) {
        if self.verbosity >= Verbosity::Normal {
            self.basis(lines);
        }
    }

    /// Lines that a question is about: shown whatever `-q` says, because without them nobody could answer.
    pub fn basis(&mut self, lines: &[Line]) {
        for line in lines {
            let _ = self.err.write_all(line.laid_out(self.err_columns).as_bytes());
        }
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
        self.result(&[Line::new(text).lead(Tone::Plain, label)]);
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

    /// An error: what failed, and behind their labels what to do about it and where to read more.
    pub fn error(&mut self, message: &str, below: &[(&str, &str)]) {
        self.message("error: ", AnsiColor::Red.on_default().bold(), message);
        self.labelled(below);
    }

    /// As [`Self::error`], for an end that is not well and that is nobody's fault.
    pub fn outcome(&mut self, message: &str, below: &[(&str, &str)]) {
        self.message("", AnsiColor::Yellow.on_default(), message);
        self.labelled(below);
    }

    fn labelled(&mut self, below: &[(&str, &str)]) {
        let style = AnsiColor::Cyan.on_default();
        for (label, text) in below {
            let label = format!("{:<8}", format!("{label}:"));
            if label.starts_with("help") {
                self.message(&label, style, text);
            } else {
                // A command or a path is pasted, and must be whole.
                let _ = writeln!(self.err, "{style}{label}{style:#}{text}");
            }
        }
    }

    /// Text that belongs to a question, laid out already.
    pub fn prompt_text(&mut self, text: &str) {
        let _ = writeln!(self.err, "{text}");
    }

    /// A question, without a line feed behind it.
    pub fn question(&mut self, text: &str) {
        let _ = write!(self.err, "{text} ");
        let _ = self.err.flush();
    }

    fn message(&mut self, label: &str, style: Style, text: &str) {
        let indent = " ".repeat(label.len());
        for (index, line) in wrap(text, self.err_columns.saturating_sub(label.len())).iter().enumerate() {
            let _ = match index {
                0 => writeln!(self.err, "{style}{label}{style:#}{line}"),
                _ => writeln!(self.err, "{indent}{line}"),
            };
        }
    }
}

/// How wide the terminal is that `stream` goes to. What is no terminal is never broken: whoever reads a pipe or a log breaks
/// lines as they like, and finds each whole.
fn columns(stream: &(impl AsFd + IsTerminal)) -> usize {
    if !stream.is_terminal() {
        return usize::MAX;
    }
    match tcgetwinsize(stream) {
        // Serial lines and some containers say zero.
        Ok(size) if size.ws_col > 0 => size.ws_col.into(),
        _ => 80,
    }
}

/// How wide the terminal is that standard output goes to; `None` where it is no terminal.
pub fn terminal_columns() -> Option<usize> {
    Some(columns(&io::stdout())).filter(|columns| *columns < usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::Printer;

    #[test]
    fn a_reader_that_has_gone_is_no_loss_and_has_not_read_all() {
        let mut printer = Printer::silent();
        assert!(!printer.has_unread_output());
        printer.note_loss(Err(io::ErrorKind::BrokenPipe.into()));
        assert!(!printer.has_lost_output() && printer.has_unread_output());
        printer.note_loss(Err(io::ErrorKind::StorageFull.into()));
        assert!(printer.has_lost_output());
    }
}
