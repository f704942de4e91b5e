//! Lines of output before they are laid out: what stands in front, the text, and how it is broken.

use anstyle::{AnsiColor, Style};

/// What a piece of a line means. Colour repeats what the words or signs say, and never says it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing in particular.
    Plain,
    /// A heading.
    Heading,
    /// Something new, or something that went well.
    Good,
    /// Something that changes, or a warning.
    Caution,
    /// A failure.
    Bad,
    /// A detail.
    Dim,
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Heading => Style::new().bold(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Caution => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Dim => Style::new().dimmed(),
        }
    }

    /// `text` in this tone.
    fn paint(self, text: &str) -> String {
        let style = self.style();
        if self == Self::Plain || text.is_empty() {
            text.to_owned()
        } else {
            format!("{style}{text}{style:#}")
        }
    }
}

/// A line of output. Where it is too long for the terminal, its further lines are indented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    lead: Vec<(Tone, String)>,
    hang: usize,
    tone: Tone,
    text: String,
    is_whole: bool,
}

impl Line {
    /// A line of plain text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { lead: Vec::new(), hang: 0, tone: Tone::Plain, text: text.into(), is_whole: false }
    }

    /// An empty line.
    pub fn blank() -> Self {
        Self::new("")
    }

    /// A heading.
    pub fn heading(text: impl Into<String>) -> Self {
        Self::new(text).tone(Tone::Heading)
    }

    /// Puts `text` behind what stands in front of the line already; it is never broken, and further lines begin below the
    /// text behind it.
    pub fn lead(mut self, tone: Tone, text: impl Into<String>) -> Self {
        let text = text.into();
        self.hang += text.chars().count();
        self.lead.push((tone, text));
        self
    }

    /// Indents further lines by `columns`, whatever stands in front.
    pub fn hanging(mut self, columns: usize) -> Self {
        self.hang = columns;
        self
    }

    /// Leaves the text whole, because it is to be copied.
    pub fn whole(mut self) -> Self {
        self.is_whole = true;
        self
    }

    /// Gives the text a tone.
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    /// The line for a terminal of `columns`, with its line breaks.
    pub fn laid_out(&self, columns: usize) -> String {
        let front = self.lead.iter().map(|(_, text)| text.chars().count()).sum::<usize>();
        let columns = if self.is_whole { usize::MAX } else { columns };
        let width = columns.saturating_sub(front.max(self.hang)).max(MIN_TEXT);
        let lead: String = self.lead.iter().map(|(tone, text)| tone.paint(text)).collect();
        let mut out = String::new();
        for (index, line) in wrap(&self.text, width).iter().enumerate() {
            let front = if index == 0 { lead.clone() } else { " ".repeat(self.hang) };
            out.push_str((front + &self.tone.paint(line)).trim_end());
            out.push('\n');
        }
        out
    }
}

/// However narrow the terminal is, text is not broken into single words.
const MIN_TEXT: usize = 20;

/// Breaks text into lines of at most `width` characters, at spaces, and in JSON behind commas. A word without either
/// stands alone, so that a URL or a path can still be copied.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
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
    use super::*;

    #[test]
    fn long_lines_are_broken_at_spaces_and_nothing_is_lost() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("aaaaaaaa b", 5), ["aaaaaaaa", "b"]);
        assert_eq!(wrap("a\n  b b b b", 5), ["a", "  b b", "b b"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap(r#"{"a":1,"b":2}"#, 8), [r#"{"a":1,"#, r#""b":2}"#]);
    }

    #[test]
    fn further_lines_stand_below_the_text_and_a_pipe_has_none() {
        let line = Line::new("one two three four five six seven")
            .lead(Tone::Good, "  + ")
            .lead(Tone::Plain, "k3s  ");
        let plain = |columns| anstream::adapter::strip_str(&line.laid_out(columns)).to_string();
        assert_eq!(plain(30), "  + k3s  one two three four\n         five six seven\n");
        assert_eq!(plain(usize::MAX), "  + k3s  one two three four five six seven\n");
        assert!(line.laid_out(30).contains('\x1b'), "and the sign is coloured");
    }
}
