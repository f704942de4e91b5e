//! The question whether a run may report.

use telemetry::{Consent, ConsentAnswer, ConsentDecision, ConsentQuestion, Interactivity, decide_consent};

use crate::terminal::{Printer, Prompter, Signals, on_terminal};

const QUESTION: &str = "\
Anonymous telemetry helps to see which set-ups work. May this run report?
  sent        mode, platform, components and their results, times,
              exit code, settings such as a number of replicas
  never sent  names of hosts or users, addresses, URLs, paths,
              networks, passwords, tokens
  see it all  bootstrap telemetry preview";

/// What the environment says, and whether there is somebody to ask.
pub(crate) fn decided(warnings: &mut Vec<String>) -> ConsentDecision {
    let terminals = if on_terminal() { Interactivity::Interactive } else { Interactivity::NonInteractive };
    let (decision, told) = decide_consent(&|name| std::env::var_os(name), terminals);
    warnings.extend(told.iter().map(ToString::to_string));
    decision
}

/// Asks once; the end of the input and an interrupt mean no.
pub(crate) fn ask(question: ConsentQuestion, printer: &mut Printer, signals: &Signals) -> Consent {
    let answer = Prompter::on_terminal(printer, signals, false).and_then(|mut prompter| {
        prompter.printer().prompt_text(QUESTION);
        prompter.confirm("Send anonymous telemetry for this run?", true)
    });
    question.answered(if answer == Some(true) { ConsentAnswer::Yes } else { ConsentAnswer::No })
}
