//! What a run is doing right now: a live line on a terminal, plain lines elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use schema::Component;

use super::Printer;
use crate::step::{Effect, StepEvent};

/// Without a terminal, what is waited for is told again after this time, so that a log does not fill up.
const REMINDER: Duration = Duration::from_secs(30);

/// Shows the steps of one component after the other.
#[derive(Debug)]
pub struct Progress<'a> {
    printer: &'a mut Printer,
    live: Option<ProgressBar>,
    component: Component,
    step_began: Instant,
    told: Option<(String, Instant)>,
}

impl<'a> Progress<'a> {
    /// Shows on standard error what happens to `component`.
    pub fn new(printer: &'a mut Printer, component: Component) -> Self {
        let live = printer.is_live().then(live_line);
        Self { printer, live, component, step_began: Instant::now(), told: None }
    }

    /// Shows what happens.
    pub fn show(&mut self, event: StepEvent<'_>) {
        match event {
            StepEvent::Started { title, number, of } => self.started(title, number, of),
            StepEvent::Waiting(what) => self.waiting(what),
            StepEvent::Done { title, effect } => self.done(title, effect),
        }
    }

    fn started(&mut self, title: &str, number: usize, of: usize) {
        self.step_began = Instant::now();
        self.told = None;
        let headline = format!("{} {number}/{of} {title}", self.component);
        match &self.live {
            Some(live) => {
                live.reset_elapsed();
                live.set_prefix(headline);
                live.set_message("");
            }
            None => self.printer.detail(&format!("{headline} ...")),
        }
    }

    fn waiting(&mut self, what: &str) {
        if let Some(live) = &self.live {
            return live.set_message(format!("- {what}"));
        }
        let known = self.told.as_ref().is_some_and(|(told, at)| told == what && at.elapsed() < REMINDER);
        if !known {
            let waited = self.step_began.elapsed().as_secs();
            self.printer.note(&format!("{}: waiting ({waited} s): {what}", self.component));
            self.told = Some((what.to_owned(), Instant::now()));
        }
    }

    fn done(&mut self, title: &str, effect: Effect) {
        let mark = match effect {
            Effect::Changed => "done",
            Effect::Unchanged => "kept",
        };
        let took = self.step_began.elapsed().as_secs_f32();
        let told = format!("{mark}  {}: {title} ({took:.1} s)", self.component);
        match &self.live {
            Some(live) => live.suspend(|| self.printer.note(&told)),
            None => self.printer.note(&told),
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(live) = &self.live {
            live.finish_and_clear();
        }
    }
}

fn live_line() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {prefix} ({elapsed}) {wide_msg}");
    let line =
        ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    line.enable_steady_tick(Duration::from_millis(100));
    line
}
