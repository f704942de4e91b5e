//! The transcript: one line per check.

use std::fmt::Debug;
use std::time::Instant;

use anyhow::bail;

/// Why a tier cannot run here.
pub(crate) struct Skip(pub(crate) String);

impl<E: std::fmt::Display> From<E> for Skip {
    fn from(error: E) -> Self {
        Self(format!("{error:#}"))
    }
}

/// Writes one line.
#[expect(clippy::print_stdout, reason = "the transcript is what a tier is run for")]
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// Whether something holds, and what was found instead.
pub(crate) type CheckResult = Result<(), String>;

/// Writes the transcript and counts.
pub(crate) struct Transcript {
    began: Instant,
    last: Instant,
    passed: usize,
    failed: Vec<String>,
}

impl Transcript {
    /// An empty one, whose clock runs from now.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self { began: now, last: now, passed: 0, failed: Vec::new() }
    }

    /// Begins a part.
    pub(crate) fn part(&mut self, title: &str) {
        line(&format!("\n{title}"));
        self.last = Instant::now();
    }

    /// Says what was done and how long it took since the line before.
    pub(crate) fn note(&mut self, text: &str) {
        let took = self.lap();
        line(&format!("      {took}  {text}"));
    }

    /// Says whether something holds and how long it took since the line before.
    pub(crate) fn check(&mut self, what: &str, result: CheckResult) {
        let took = self.lap();
        match result {
            Ok(()) => {
                self.passed += 1;
                line(&format!("ok    {took}  {what}"));
            }
            Err(found) => {
                self.failed.push(what.to_owned());
                line(&format!("FAIL  {took}  {what}"));
                found.lines().for_each(|text| line(&format!("        | {text}")));
            }
        }
    }

    /// The last line.
    ///
    /// # Errors
    /// A check failed.
    pub(crate) fn end(self, tier: &str) -> anyhow::Result<()> {
        let seconds = self.began.elapsed().as_secs_f32();
        let (passed, failed) = (self.passed, self.failed.len());
        line(&format!("\ne2e {tier}: {passed} ok, {failed} FAIL in {seconds:.0} s"));
        if failed > 0 {
            bail!("e2e {tier} failed:\n  {}", self.failed.join("\n  "));
        }
        Ok(())
    }

    fn lap(&mut self) -> String {
        let now = Instant::now();
        let took = now.duration_since(std::mem::replace(&mut self.last, now));
        format!("{:6.1} s", took.as_secs_f32())
    }
}

/// Holds if both are the same.
pub(crate) fn equal<T: PartialEq + Debug>(found: &T, wanted: &T) -> CheckResult {
    if found == wanted { Ok(()) } else { Err(format!("found  {found:?}\nwanted {wanted:?}")) }
}

/// Holds if `is` does; `evidence` is what else to show.
pub(crate) fn holds(is: bool, evidence: impl Into<String>) -> CheckResult {
    if is { Ok(()) } else { Err(evidence.into()) }
}

/// Holds if `text` has each of `parts`, wherever lines are broken.
pub(crate) fn contains(text: &str, parts: &[&str]) -> CheckResult {
    // Messages are wrapped to the width of the supposed terminal.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match parts.iter().find(|part| !text.contains(**part)) {
        None => Ok(()),
        Some(part) => Err(format!("there is no {part:?} in\n{text}")),
    }
}

/// Holds if all do; everything that does not is reported together.
pub(crate) fn all(results: impl IntoIterator<Item = CheckResult>) -> CheckResult {
    let faults: Vec<String> = results.into_iter().filter_map(CheckResult::err).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}
