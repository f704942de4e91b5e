//! All charts. Each has two dimensions at most, and no reader can add a filter: with a filter, one host could be
//! identified in a group.

/// A chart.
#[derive(Debug)]
pub(crate) struct ChartSpec {
    /// Its name in addresses and tables. A name that was released is never given another meaning.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// The question that it answers.
    pub(crate) question: &'static str,
    /// The names of its two dimensions; the second is empty where there is none.
    pub(crate) keys: [&'static str; 2],
}

/// The chart of this name.
pub(crate) fn chart_named(name: &str) -> Option<&'static ChartSpec> {
    CHARTS.iter().find(|chart| chart.name == name)
}

macro_rules! charts {
    ($($name:literal, $title:literal, $question:literal, [$k1:literal, $k2:literal];)+) => {
        /// All charts, in the order in which they are shown.
        pub(crate) const CHARTS: &[ChartSpec] =
            &[$(ChartSpec { name: $name, title: $title, question: $question, keys: [$k1, $k2] }),+];
    };
}

charts! {
    "results", "Results by mode", "Does an installation succeed? Unknown means that no end was reported.",
        ["mode", "result"];
    "results-by-version", "Results by version", "Did a release make it better or worse?", ["version", "result"];
    "failures", "Failing steps and reasons", "What should be fixed first?", ["step", "reason"];
    "last-steps", "Last step of runs without success", "Where do runs stop?", ["step", "status"];
    "exit-codes", "Exit codes", "How do runs end?", ["exit code", "status"];
    "durations", "Duration by mode", "How long does an installation take?", ["mode", "duration"];
    "component-states", "Components before the run", "On what kind of hosts do runs start?",
        ["component", "detected before"];
    "component-plans", "Components as planned", "What do runs plan to do?", ["component", "planned action"];
    "component-results", "Components as they ended", "Which components fail?", ["component", "result"];
    "plans-by-state", "From state to plan", "What does a state lead to?", ["detected before", "planned action"];
    "results-by-plan", "From plan to result", "Which plans fail?", ["planned action", "result"];
    "enabled", "Components enabled", "Which components are installed, and which configured?", ["component", "result"];
    "issuers", "Certificate issuers", "Which certificate set-ups are in use?", ["issuer", "result"];
    "platforms", "Platforms", "Which platforms deserve support?", ["platform", "support"];
    "architectures", "Families and architectures", "Which builds are needed?", ["family", "architecture"];
    "features", "Settings", "Which defaults would be good?", ["setting", "value"];
    "versions", "Versions in use", "Are new releases adopted?", ["version", "contract"];
    "trials", "From dry run to installation", "Does a dry run lead to an installation?", ["mode", "what a session did"];
    "rollbacks", "Rollbacks", "How often is a run undone, and does that succeed?", ["mode", "result"];
    "chains", "Chains", "Which layers work together?", ["layers", "runs of the session"];
    "events", "Events", "Do all layers report?", ["layer", "event"];
    "deliveries", "Deliveries", "How many attempts does a delivery take, and how long?", ["attempt", "delay"];
    "words", "Words of the contract", "Which words do groups use that are large enough to be shown?",
        ["list", "word"];
}
