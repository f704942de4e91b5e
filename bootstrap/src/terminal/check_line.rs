//! Lines of a list of checks: what each came to, and below it what helps. Preflight and verification look the same, so that
//! an operator learns one form.

use super::line::{Line, Tone};

/// What a check came to, as its line says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckMark {
    /// It is as it should be.
    Ok,
    /// Something recommended is missing.
    Warning,
    /// Something required is missing, or does not work.
    Failed,
    /// It could not be found out.
    Unknown,
    /// It was not checked.
    Skipped,
}

/// The columns of a line before the name of its check.
const MARK_COLUMNS: usize = 8;

impl CheckMark {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warn",
            Self::Failed => "FAIL",
            // The sign of the plan.
            Self::Unknown => "?",
            Self::Skipped => "skip",
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::Ok => Tone::Plain,
            Self::Warning | Self::Unknown => Tone::Caution,
            Self::Failed => Tone::Bad,
            Self::Skipped => Tone::Dim,
        }
    }
}

/// The line of a check: its mark, its name in a column of `width`, and what was found.
pub fn check_line(mark: CheckMark, (name, width): (&str, usize), found: impl Into<String>) -> Line {
    Line::new(found)
        .lead(mark.tone(), format!("  {:<4}  ", mark.word()))
        .lead(Tone::Plain, format!("{name:<width$}  "))
}

/// Below the line of a check whose name has a column of `width`: the command that helps, or the line to add and the file
/// that it belongs to.
pub fn help_line(width: usize, help: &str) -> Line {
    let indent = MARK_COLUMNS + width + 2;
    Line::new(help).lead(Tone::Plain, " ".repeat(indent)).lead(Tone::Dim, "help: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helps_stands_below_what_was_found() {
        let lines = [check_line(CheckMark::Failed, ("dns", 5), "no nameserver"), help_line(5, "echo")];
        let text: String = lines.iter().map(|line| line.laid_out(80)).collect();
        let text = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(text, "  FAIL  dns    no nameserver\n               help: echo\n");
    }
}
