//! The plan of a run as text. By default what an operator decides on, one line a component; with `-v` the steps and checks
//! of each; with `-vv` every command, object and file.

use schema::{Component, PlannedAction};

use super::plan::{PlannedChange, PlannedComponent};
use crate::component::spec_of;
use crate::host::Host;
use crate::settings::Settings;
use crate::step::Step;
use crate::terminal::{Line, Tone, Verbosity};

/// The plan of `planned` as lines. Files are compared with those of `host`, so that their changes can be shown.
pub fn plan_lines(
    planned: &[PlannedComponent],
    settings: &Settings,
    host: &Host,
    verbosity: Verbosity,
) -> Vec<Line> {
    let rows: Vec<Row> = planned.iter().filter_map(|planned| Row::new(planned, settings)).collect();
    let width = |of: fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or_default();
    let (name, version) = (width(|row| row.component.as_str().len()), width(|row| row.version.len()));
    let mut lines = vec![Line::heading("Plan: + create  ~ change  = unchanged  ? unknown")];
    for row in &rows {
        lines.push(row.line(name, version));
        if verbosity >= Verbosity::Verbose {
            lines.extend(details(row.planned, host, verbosity));
        }
    }
    lines.extend(left_out(planned));
    lines
}

/// How many components there are of each kind, as the end of a plan says it.
pub fn plan_counts(planned: &[PlannedComponent]) -> String {
    let count = |change| planned.iter().filter(|planned| planned.change() == Some(change)).count();
    let known = format!(
        "{} to create, {} to change, {} unchanged",
        count(PlannedChange::Create),
        count(PlannedChange::Change),
        count(PlannedChange::Unchanged)
    );
    match count(PlannedChange::Unknown) {
        0 => format!("{known}."),
        unknown => format!("{known}, {unknown} unknown."),
    }
}

/// One component of the plan.
struct Row<'a> {
    planned: &'a PlannedComponent,
    change: PlannedChange,
    component: Component,
    version: &'a str,
    text: String,
}

impl<'a> Row<'a> {
    fn new(planned: &'a PlannedComponent, settings: &'a Settings) -> Option<Self> {
        let PlannedComponent { component, detection, plan, installed } = planned;
        let (spec, change) = (spec_of(*component), planned.change()?);
        let made = || spec.makes(settings).join(", ");
        let (version, text) = match change {
            PlannedChange::Create => (spec.version(settings), made()),
            PlannedChange::Change => (spec.version(settings), detection.detail().unwrap_or_else(made)),
            PlannedChange::Unchanged => (installed.as_deref().unwrap_or_default(), made()),
            PlannedChange::Unknown => ("", plan.blocked.clone().unwrap_or_default()),
        };
        Some(Self { planned, change, component: *component, version, text })
    }

    fn line(&self, name: usize, version: usize) -> Line {
        let (sign, tone) = match self.change {
            PlannedChange::Create => ('+', Tone::Good),
            PlannedChange::Change => ('~', Tone::Caution),
            PlannedChange::Unchanged => ('=', Tone::Plain),
            PlannedChange::Unknown => ('?', Tone::Bad),
        };
        let version = if version == 0 { String::new() } else { format!("{:<version$}  ", self.version) };
        Line::new(self.text.clone())
            .lead(tone, format!("  {sign} "))
            .lead(Tone::Plain, format!("{:<name$}  {version}", self.component.as_str()))
    }
}

/// The steps of a component, and what must be so afterwards.
fn details(planned: &PlannedComponent, host: &Host, verbosity: Verbosity) -> Vec<Line> {
    let mut lines = Vec::new();
    for (step, number) in planned.plan.steps.iter().zip(1..) {
        lines.push(Line::new(&step.title).lead(Tone::Plain, format!("     {number:>2}. ")));
        if verbosity >= Verbosity::Exact {
            lines.extend(exact(step, host));
        }
    }
    let checks = planned.plan.verify.iter();
    lines.extend(checks.map(|check| Line::new(check.to_string()).lead(Tone::Dim, "      check: ")));
    lines
}

/// Each command, object and file of a step.
fn exact(step: &Step, host: &Host) -> Vec<Line> {
    const INDENT: usize = 9;
    let change = step.file_change(host).map(|change| change.unified()).filter(|diff| !diff.is_empty());
    let is_diff = change.is_some();
    let describe = |line: String| {
        let text = line.trim_start();
        let indent = INDENT + line.len() - text.len();
        Line::new(text).lead(Tone::Plain, " ".repeat(indent)).hanging(indent + 2)
    };
    let diff = |line: String| {
        let tone = match line.as_bytes().first() {
            Some(b'+') => Tone::Good,
            Some(b'-') => Tone::Bad,
            _ => Tone::Plain,
        };
        Line::new(line).lead(Tone::Plain, " ".repeat(INDENT)).tone(tone)
    };
    let lines = change.unwrap_or_else(|| step.describe()).into_iter();
    if is_diff { lines.map(diff).collect() } else { lines.map(describe).collect() }
}

/// The components of the mode that this run has no use for.
fn left_out(planned: &[PlannedComponent]) -> Option<Line> {
    let names: Vec<&str> = planned
        .iter()
        .filter(|planned| planned.plan.action == PlannedAction::Skip)
        .map(|planned| planned.component.as_str())
        .collect();
    (!names.is_empty()).then(|| Line::new(names.join(", ")).lead(Tone::Dim, "    skipped: "))
}
