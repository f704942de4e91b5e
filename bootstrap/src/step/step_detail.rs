//! A step as data, for programs: what it does by kind, and every command with its arguments. Never prose; secrets are masked.
//!
//! Apart from [`Action`], because this form is published: fields may be added to it, and what is inside may change freely.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::action::{Action, Content, HelmRelease, Step};
use super::artifact::{Artifact, ArtifactOrigin, ChecksumSource};
use super::condition::{Check, Condition};
use super::describe::commands;
use super::document::Document;
use super::kube::{KUBECONFIG, ObjectRef};
use crate::host::{Command, Privilege, Stdin};
use crate::secret::MASK;

/// A step of a plan.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StepDetail {
    /// What it is for, for a reader.
    title: String,
    /// What it does.
    #[serde(flatten)]
    action: ActionDetail,
    /// The commands that it runs, in order. An uppercase word stands for what is only known while it runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    commands: Vec<CommandDetail>,
}

/// A program with its arguments.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct CommandDetail {
    /// The program and its arguments.
    argv: Vec<String>,
    /// Variables that it gets beside the few that every command gets.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    env: BTreeMap<String, String>,
    /// Whether it runs as root.
    root: bool,
    /// What it reads from standard input, with secrets masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    stdin: Option<String>,
}

/// What a step does.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ActionDetail {
    /// Runs commands.
    Run,
    /// Brings a file to this host and checks it.
    Fetch { source: SourceDetail, path: PathBuf, checksum: ChecksumDetail },
    /// Puts a fetched file in its place.
    Install { from: PathBuf, path: PathBuf, mode: String },
    /// Writes a file.
    WriteFile { path: PathBuf, mode: String, content: ContentDetail },
    /// Creates a directory and those above it.
    CreateDirectory { path: PathBuf, mode: String },
    /// Puts marked lines into a text file.
    EditBlock { path: PathBuf, marker: String, lines: Vec<String> },
    /// Gives host names the address of this node, in marked lines of a hosts file.
    EditHosts { path: PathBuf, marker: String, names: Vec<String> },
    /// Adds an entry to the file by which k3s knows registries.
    EditRegistries { path: PathBuf, host: String, lines: Vec<String> },
    /// Copies the credentials of the cluster to `~/.kube/k3s.yaml` of the user who called.
    CopyKubeconfig { from: PathBuf },
    /// Adds a line to a text file.
    AddLine { path: PathBuf, line: String },
    /// Installs packages of the distribution.
    InstallPackages { packages: Vec<String> },
    /// Enables and starts a service.
    EnableService { service: String },
    /// Runs a script that writes the unit of a service.
    InstallService { service: String },
    /// Starts a service without waiting for it.
    StartService { service: String },
    /// Applies an object on the API server's side.
    ApplyObject { object: Option<ObjectRef>, manifest: Value, only_if_absent: bool },
    /// Applies each object of a fetched file.
    ApplyFile { path: PathBuf },
    /// Installs a chart, or upgrades its release.
    InstallChart { release: String, namespace: String, chart: PathBuf, values: Value },
    /// Makes a storage class the only default one.
    SetDefaultStorageClass { class: String },
    /// Pushes a blob to a registry and cancels the upload.
    PushToRegistry { host: String },
    /// Waits for a condition.
    Wait { check: CheckDetail },
    /// Takes back what an earlier step did.
    Undo,
}

/// Where a fetched file comes from.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum SourceDetail {
    /// A URL.
    Url { url: String },
    /// The URL that the index of a chart repository names.
    ChartRepository { url: String, chart: String, version: String },
    /// The artifacts directory.
    Directory { path: PathBuf },
}

/// Where the SHA-256 comes from that a fetched file must have.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(tag = "source", rename_all = "snake_case")]
enum ChecksumDetail {
    /// The operator's input.
    Pinned { sha256: String },
    /// This program.
    BuiltIn { sha256: String },
    /// A sum file of the release.
    SumFile { url: String, entry: String },
    /// The description of the release on GitHub.
    GithubRelease { url: String, asset: String },
    /// The index of the chart repository.
    ChartIndex,
    /// The first of these files in the artifacts directory that exists.
    Directory { files: Vec<String> },
}

/// What a written file holds.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ContentDetail {
    /// This text.
    Text { text: String },
    /// A secret, which is not shown.
    Secret,
    /// The certificate in a secret of the cluster.
    Certificate { secret: ObjectRef },
}

/// Something that must be so within a time.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CheckDetail {
    #[serde(flatten)]
    condition: Condition,
    /// How long it may take, in seconds; 0 is looked at once.
    timeout_seconds: u64,
}

impl Step {
    /// The step as data.
    pub fn detail(&self) -> StepDetail {
        StepDetail {
            title: self.title.clone(),
            action: ActionDetail::from(&self.action),
            commands: commands(&self.action).iter().map(CommandDetail::from).collect(),
        }
    }
}

impl Check {
    /// The check as data.
    pub fn detail(&self) -> CheckDetail {
        CheckDetail { condition: self.condition.clone(), timeout_seconds: self.timeout.as_secs() }
    }
}

impl From<&Command> for CommandDetail {
    fn from(command: &Command) -> Self {
        let stdin = match command.input() {
            Stdin::Empty => None,
            Stdin::Public(text) => Some(text.clone()),
            Stdin::Secret(_) => Some(MASK.to_owned()),
        };
        let root = command.privilege() == Privilege::Root;
        Self { argv: command.argv(), env: command.environment().iter().cloned().collect(), root, stdin }
    }
}

impl From<&Action> for ActionDetail {
    fn from(action: &Action) -> Self {
        match action.clone() {
            Action::Run(_) => Self::Run,
            Action::Fetch { artifact, to } => Self::fetch(artifact, to),
            Action::Install { from, path, mode } => Self::Install { from, path, mode: octal(mode) },
            Action::Write { path, mode, content } => {
                Self::WriteFile { path, mode: octal(mode), content: content.into() }
            }
            Action::EnsureDir { path, mode } => Self::CreateDirectory { path, mode: octal(mode) },
            Action::EnsureBlock { path, marker, lines } => Self::EditBlock { path, marker, lines },
            Action::EnsureHosts { path, marker, names } => Self::EditHosts { path, marker, names },
            Action::EnsureRegistry(entry) => {
                let lines = entry.masked();
                Self::EditRegistries { path: entry.path, host: entry.host, lines }
            }
            Action::Push(push) => Self::PushToRegistry { host: push.host },
            Action::CopyKubeconfig(_) => Self::CopyKubeconfig { from: KUBECONFIG.into() },
            Action::EnsureLine { path, line } => Self::AddLine { path, line },
            Action::EnsurePackages(packages) => Self::InstallPackages { packages },
            Action::EnsureService(service) => Self::EnableService { service },
            Action::InstallService { service, .. } => Self::InstallService { service },
            Action::StartService(service) => Self::StartService { service },
            Action::Apply(object) => Self::apply(&object, false),
            Action::Offer(object) => Self::apply(&object, true),
            Action::ApplyFile(path) => Self::ApplyFile { path },
            Action::Helm(HelmRelease { release, namespace, chart, values }) => {
                Self::InstallChart { release, namespace, chart, values: values.masked() }
            }
            Action::MakeDefaultClass(class) => Self::SetDefaultStorageClass { class },
            Action::Wait(check) => Self::Wait { check: check.detail() },
            Action::Undo(_) => Self::Undo,
        }
    }
}

impl ActionDetail {
    fn fetch(artifact: Artifact, path: PathBuf) -> Self {
        let source = match artifact.origin {
            ArtifactOrigin::Url(url) => SourceDetail::Url { url },
            ArtifactOrigin::Chart { repository, chart, version } => {
                SourceDetail::ChartRepository { url: repository, chart, version }
            }
            ArtifactOrigin::Directory(folder) => {
                SourceDetail::Directory { path: folder.join(&artifact.name) }
            }
        };
        Self::Fetch { source, path, checksum: artifact.checksum.into() }
    }

    fn apply(object: &Document, only_if_absent: bool) -> Self {
        Self::ApplyObject { object: object.reference(), manifest: object.masked(), only_if_absent }
    }
}

impl From<ChecksumSource> for ChecksumDetail {
    fn from(source: ChecksumSource) -> Self {
        match source {
            ChecksumSource::Pinned(sum) => Self::Pinned { sha256: sum.to_string() },
            ChecksumSource::BuiltIn(sum) => Self::BuiltIn { sha256: sum.to_string() },
            ChecksumSource::SumFile { url, entry } => Self::SumFile { url, entry },
            ChecksumSource::GithubRelease { url, asset } => Self::GithubRelease { url, asset },
            ChecksumSource::ChartIndex => Self::ChartIndex,
            ChecksumSource::DirectorySums { files } => Self::Directory { files },
        }
    }
}

impl From<Content> for ContentDetail {
    fn from(content: Content) -> Self {
        match content {
            Content::Secret(_) => Self::Secret,
            Content::Text(text) => Self::Text { text },
            Content::Certificate(secret) => Self::Certificate { secret },
        }
    }
}

fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}
