//! Who asked for a run, as far as that changes what is told of it.

use schema::Component;

use super::operation_event::{EventStatus, EventStep, EventSubject, Operation, OperationEvent};
use crate::run::now;
use crate::terminal::Printer;

/// Who asked for a run: the operator, or a layer above by an entry point of the bundle.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunOrigin {
    operation: Option<Operation>,
    tells_no_command: bool,
}

impl RunOrigin {
    /// A layer above, by the name of the operation.
    pub const fn layer(operation: Operation) -> Self {
        Self { operation: Some(operation), tells_no_command: false }
    }

    /// A layer above that has called the script of the run itself: the events of the command are those of the entry at the
    /// root, which was not called.
    pub const fn without_command(self) -> Self {
        Self { tells_no_command: true, ..self }
    }

    /// Whether telemetry has the events of the command.
    pub const fn tells_command(self) -> bool {
        !self.tells_no_command
    }

    /// The operation began.
    pub fn operation_started(self, printer: &mut Printer) {
        self.tell(EventStep::OperationStarted, EventStatus::Running, EventSubject::None, printer);
    }

    /// The operation ended.
    pub fn operation_completed(self, status: EventStatus, printer: &mut Printer) {
        self.tell(EventStep::OperationCompleted, status, EventSubject::None, printer);
    }

    /// A component is worked on, or is done.
    pub fn component(self, component: Component, status: EventStatus, printer: &mut Printer) {
        self.tell(EventStep::Component, status, EventSubject::Component(component), printer);
    }

    /// A check ended.
    pub fn check(self, check: &'static str, status: EventStatus, printer: &mut Printer) {
        self.tell(EventStep::Check, status, EventSubject::Check(check), printer);
    }

    /// A package is read or was looked into.
    pub fn package(self, step: EventStep, status: EventStatus, printer: &mut Printer) {
        self.tell(step, status, EventSubject::None, printer);
    }

    fn tell(self, step: EventStep, status: EventStatus, subject: EventSubject, printer: &mut Printer) {
        if let (Some(operation), true) = (self.operation, printer.is_events()) {
            printer.json_line(&OperationEvent::new(operation, (step, status), subject, now()));
        }
    }
}
