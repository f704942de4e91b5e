//! What is going on right now: a live line on a terminal, plain lines elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::interruption::Interruption;
use super::printer::Printer;

/// Without a terminal, what is waited for is told again after this time, so that a log does not fill up.
const REMINDER: Duration = Duration::from_secs(30);

/// How often a live line is drawn anew: often enough for a spinner to turn, rarely enough for a slow connection.
const TICK: Duration = Duration::from_millis(100);

/// Shows the steps of one subject, such as a component, one after the other.
#[derive(Debug)]
pub struct StepProgress<'a> {
    printer: &'a mut Printer,
    interruption: Interruption,
    live: Option<ProgressBar>,
    subject: String,
    headline: String,
    step_began: Instant,
    last_wait: Option<(String, Instant)>,
}

impl<'a> StepProgress<'a> {
    /// Shows on standard error what happens to `subject`.
    pub fn new(printer: &'a mut Printer, interruption: &Interruption, subject: impl Into<String>) -> Self {
        let live = printer.is_live().then(live_line);
        let (interruption, headline) = (interruption.clone(), String::new());
        let subject = subject.into();
        Self { printer, interruption, live, subject, headline, step_began: Instant::now(), last_wait: None }
    }

    /// Step `number` of `of` begins.
    pub fn started(&mut self, title: &str, number: usize, of: usize) {
        self.step_began = Instant::now();
        self.last_wait = None;
        self.interruption.set_subject(&format!("{}: {title}", self.subject), self.live.as_ref());
        self.headline = format!("{} {number}/{of} {title}", self.subject);
        match &self.live {
            Some(live) => {
                live.reset_elapsed();
                live.set_prefix(self.headline.clone());
                live.set_message("");
            }
            // A log must tell which step a run hangs in, and nobody reads it with -v afterwards.
            None => self.printer.note(&format!("start {}", self.headline)),
        }
    }

    /// The step goes on and waits for `what`.
    pub fn waiting(&mut self, what: &str) {
        if let Some(live) = &self.live {
            return live.set_message(format!("- {what}"));
        }
        // A change of what is waited for is told at once; the reminder only breaks a long silence.
        let known = self.last_wait.as_ref().is_some_and(|(told, at)| told == what && at.elapsed() < REMINDER);
        if !known {
            let waited = self.step_began.elapsed().as_secs();
            self.printer.note(&format!("wait  {} ({waited} s): {what}", self.headline));
            self.last_wait = Some((what.to_owned(), Instant::now()));
        }
    }

    /// The step is done; `mark` is the word for what it came to.
    pub fn done(&mut self, mark: &str) {
        let took = self.step_began.elapsed().as_secs_f32();
        let text = format!("{mark:<5} {} ({took:.1} s)", self.headline);
        match &self.live {
            // Past the live line, which would overwrite the text when it is drawn again.
            Some(live) => live.suspend(|| self.printer.note(&text)),
            None => self.printer.note(&text),
        }
    }
}

impl Drop for StepProgress<'_> {
    fn drop(&mut self) {
        self.interruption.set_subject("", None);
        if let Some(live) = &self.live {
            live.finish_and_clear();
        }
    }
}

fn live_line() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {prefix} ({elapsed}) {wide_msg}");
    let line = ProgressBar::new_spinner()
        .with_style(plain(style.unwrap_or_else(|_| ProgressStyle::default_spinner())));
    line.enable_steady_tick(TICK);
    line
}

/// Signs of ASCII alone: they are the same in every locale and on every console.
fn plain(style: ProgressStyle) -> ProgressStyle {
    style.tick_chars("-\\|/ ").progress_chars("=> ")
}

/// Shows how many documents of a known number are dealt with. Without a terminal it shows nothing: a delivery takes
/// seconds, and its result is printed anyway.
#[derive(Debug)]
pub struct DeliveryBar(ProgressBar);

impl DeliveryBar {
    /// A bar on standard error, if that is a terminal.
    pub fn new(printer: &Printer) -> Self {
        if !printer.is_live() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{spinner} delivering [{bar:30}] {pos} of {len}, {elapsed}");
        let bar =
            ProgressBar::new(0).with_style(plain(style.unwrap_or_else(|_| ProgressStyle::default_bar())));
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// `done` of `known` documents are dealt with. More may become known while others are delivered.
    pub fn set(&self, done: usize, known: usize) {
        self.0.set_length(known as u64);
        self.0.set_position(done as u64);
    }
}

impl Drop for DeliveryBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
