//! Words of the telemetry documents.

use crate::Mode;

vocabulary! {
    /// Family of lifecycle events.
    pub enum UsageFamily {
        /// Lifecycle of a command or a run.
        Usage => "usage",
    }
}

vocabulary! {
    /// Family of manifest deliveries.
    pub enum InstallFamily {
        /// Delivery of a run manifest.
        Install => "install",
    }
}

vocabulary! {
    /// Category of the command events.
    pub enum OperationAttempt {
        /// A command was tried.
        OperationAttempt => "operation_attempt",
    }
}

vocabulary! {
    /// Category of the events of a mode.
    pub enum ModeUsage {
        /// A mode was used.
        ModeUsage => "mode_usage",
    }
}

vocabulary! {
    /// Category of the events of a component.
    pub enum ComponentEnabled {
        /// A component was enabled.
        ComponentEnabled => "component_enabled",
    }
}

vocabulary! {
    /// Category of manifest deliveries.
    pub enum Install {
        /// An installation was recorded.
        Install => "install",
    }
}

vocabulary! {
    /// Name of a command event.
    pub enum CommandEventName {
        /// A command that may change the host, or its dry run, began.
        Started => "core.command.started",
        /// That command ended.
        Completed => "core.command.completed",
    }
}

vocabulary! {
    /// Name of a mode event.
    pub enum ModeEventName {
        /// A single-node run began.
        SingleNodeStarted => "core.bootstrap.single_node.started",
        /// A single-node run ended.
        SingleNodeCompleted => "core.bootstrap.single_node.completed",
        /// A server run began.
        ServerStarted => "core.bootstrap.server.started",
        /// A server run ended.
        ServerCompleted => "core.bootstrap.server.completed",
        /// An agent run began.
        AgentStarted => "core.bootstrap.agent.started",
        /// An agent run ended.
        AgentCompleted => "core.bootstrap.agent.completed",
        /// A stack run began.
        StackStarted => "core.bootstrap.stack.started",
        /// A stack run ended.
        StackCompleted => "core.bootstrap.stack.completed",
    }
}

impl ModeEventName {
    pub(super) const fn new(mode: Mode, result: CommandResult) -> Self {
        let started = matches!(result, CommandResult::Started);
        match (mode, started) {
            (Mode::SingleNode, true) => Self::SingleNodeStarted,
            (Mode::SingleNode, false) => Self::SingleNodeCompleted,
            (Mode::Server, true) => Self::ServerStarted,
            (Mode::Server, false) => Self::ServerCompleted,
            (Mode::Agent, true) => Self::AgentStarted,
            (Mode::Agent, false) => Self::AgentCompleted,
            (Mode::Stack, true) => Self::StackStarted,
            (Mode::Stack, false) => Self::StackCompleted,
        }
    }
}

vocabulary! {
    /// Name of a component event.
    pub enum ComponentEventName {
        /// A component was installed or configured.
        Enabled => "core.component.enabled",
    }
}

vocabulary! {
    /// Name of a manifest delivery.
    pub enum DeliveryEventName {
        /// A run ended; its manifest is enclosed.
        Completed => "bootstrap.completed",
    }
}

vocabulary! {
    /// Layer that reports.
    pub enum ComponentLabel {
        /// This program.
        Core => "core",
        /// The infrastructure layer above it.
        Infra => "infra",
        /// The command line layer above that.
        Cli => "cli",
    }
}

vocabulary! {
    /// A command that may change the host.
    pub enum CommandName {
        /// `bootstrap run`.
        Run => "run",
        /// `bootstrap rollback --apply`.
        Rollback => "rollback",
    }
}

vocabulary! {
    /// State or result of a command.
    pub enum CommandResult {
        /// It began.
        Started => "started",
        /// It succeeded.
        Success => "success",
        /// It failed.
        Failed => "failed",
        /// The operator declined.
        Cancelled => "cancelled",
        /// A signal or a crash ended it.
        Interrupted => "interrupted",
    }
}

vocabulary! {
    /// The result of an enabled component.
    pub enum EnabledResult {
        /// Installed and verified.
        Installed => "installed",
        /// Configured and verified.
        Configured => "configured",
    }
}

vocabulary! {
    /// How deliveries are treated.
    pub enum DeliveryMode {
        /// Never at the cost of the installation.
        BestEffort => "best-effort",
    }
}
