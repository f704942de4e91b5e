//! One change between its intent and its outcome.

use manifest::{Intent, JournalOutcome, PriorState, Undo};
use schema::Component;

use super::error::Trouble;
use super::{Apply, Effect};

/// A change that is about to happen.
pub(super) struct Change {
    component: Component,
    action: String,
    before: PriorState,
    undo: Undo,
}

/// What a change came to.
#[derive(Default)]
pub(super) struct Made {
    /// What was written and where.
    pub(super) wrote: Option<String>,
    /// How to take it back, where only the change itself could tell.
    pub(super) undo: Option<Undo>,
}

impl Change {
    /// A change to something that is not there.
    pub(super) fn of_absent(component: Component, action: impl Into<String>, undo: Undo) -> Self {
        Self { component, action: action.into(), before: PriorState::Absent, undo }
    }

    /// A change to something that is there, of which `what` tells more.
    pub(super) fn of_present(
        component: Component,
        action: impl Into<String>,
        what: Option<String>,
        undo: Undo,
    ) -> Self {
        Self { component, action: action.into(), before: PriorState::Present { what }, undo }
    }

    /// A change to something of which nothing is known and which cannot be taken back.
    pub(super) fn of_unknown(component: Component, action: impl Into<String>) -> Self {
        Self { component, action: action.into(), before: PriorState::Unknown, undo: Undo::None }
    }
}

impl Change {
    /// Whether nothing was there.
    pub(super) fn is_of_absent(&self) -> bool {
        self.before == PriorState::Absent
    }
}

impl Made {
    /// `text` was written.
    pub(super) fn wrote(text: impl Into<String>) -> Self {
        Self { wrote: Some(text.into()), undo: None }
    }
}

impl Apply<'_> {
    /// Writes the intent down, makes the change, and writes down what became of it.
    pub(super) fn make(
        &mut self,
        change: Change,
        work: impl FnOnce(&mut Self) -> Result<Made, Trouble>,
    ) -> Result<Effect, Trouble> {
        let Change { component, action, before, undo } = change;
        let seq = self.journal.begin(Intent { component, action, before, undo })?;
        match work(self) {
            Ok(Made { wrote, undo }) => {
                self.journal.end(seq, JournalOutcome::Done { wrote, undo })?;
                Ok(Effect::Changed)
            }
            Err(trouble) => {
                // The failure of the step is what the operator must hear of, even if it cannot be written down: the
                // intent stays and says that the end is not known.
                let _ = self.journal.end(seq, JournalOutcome::Failed);
                Err(trouble)
            }
        }
    }
}
