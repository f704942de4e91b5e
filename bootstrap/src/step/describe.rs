//! What a dry run prints of a step.

use std::path::Path;

use manifest::PreviousFile;

use super::action::{Action, Content, Step, UndoAction};
use super::artifact::{Artifact, ArtifactOrigin, ChecksumSource};
use super::change_service::{enable, restart};
use super::command::{
    apply_object, default_class_patch, delete_object, download, enable_service, helm_uninstall, helm_upgrade,
    install_packages, longhorn_setting,
};
use super::document::Document;
use super::file_change::NODE_ADDRESS;
use super::kube::KUBECONFIG;
use super::registries::RegistryEntry;
use super::registry_push::{MEBIBYTES, RegistryPush};
use crate::host::{Command, Privilege, Stdin};
use crate::secret::{MASK, Secret};

impl Step {
    /// Lines that say exactly what the step does: each command with its arguments, each file, each object. Secrets are
    /// masked.
    pub fn describe(&self) -> Vec<String> {
        let run_all = || commands(&self.action).iter().flat_map(run).collect::<Vec<_>>();
        match &self.action {
            Action::Run(_) | Action::EnsureService(_) | Action::InstallService { .. } => run_all(),
            Action::Fetch { artifact, to } => fetch(artifact, to),
            Action::Install { from, path, mode } => {
                vec![format!("install {} as {} (mode {mode:04o})", from.display(), path.display())]
            }
            Action::Write { path, mode, content } => write(path, *mode, content),
            Action::EnsureDir { path, mode } => {
                vec![format!("create directory {} (mode {mode:04o})", path.display())]
            }
            Action::EnsureBlock { path, marker, lines } => block(path, marker, lines),
            Action::EnsureHosts { path, marker, names } => {
                let lines: Vec<String> = names.iter().map(|name| format!("{NODE_ADDRESS} {name}")).collect();
                block(path, marker, &lines)
            }
            Action::EnsureRegistry(entry) => registry_entry(entry),
            Action::Push(push) => {
                let size = format!("create a file of {MEBIBYTES} MiB at {}", push.blob().display());
                std::iter::once(size).chain(run_all()).collect()
            }
            Action::CopyKubeconfig(_) => {
                vec![format!("copy {KUBECONFIG} to ~/.kube/k3s.yaml of the user who called (mode 0600)")]
            }
            Action::EnsureLine { path, line } => {
                vec![format!("add this line to {} unless it exists", path.display()), format!("  {line}")]
            }
            Action::EnsurePackages(packages) => {
                let unless = format!("unless {} is installed:", packages.join(", "));
                std::iter::once(unless).chain(run_all()).collect()
            }
            Action::StartService(service) => {
                let unless = format!("unless {service} is enabled:");
                std::iter::once(unless).chain(run_all()).collect()
            }
            Action::Apply(object) => apply(object),
            Action::Offer(object) => {
                let unless = "unless the object exists and is not ours:".to_owned();
                std::iter::once(unless).chain(apply(object)).collect()
            }
            Action::ApplyFile(file) => {
                let each = format!("for each object of {}:", file.display());
                std::iter::once(each).chain(run_all()).collect()
            }
            Action::Helm(helm) => {
                let mut lines = run_all();
                lines.push(format!("  values {}", helm.values.masked()));
                lines
            }
            Action::MakeDefaultClass(_) => {
                let each =
                    "for each other storage class that is the default, and then for this one:".to_owned();
                std::iter::once(each).chain(run_all()).collect()
            }
            Action::Wait(check) if check.timeout.is_zero() => vec![format!("check that {check}")],
            Action::Wait(check) => vec![format!("wait until {check}")],
            Action::Undo(action) => undo(action),
        }
    }
}

fn write(path: &Path, mode: u32, content: &Content) -> Vec<String> {
    let what = match content {
        Content::Secret(_) => MASK.to_owned(),
        Content::Text(text) => text.trim_end().to_owned(),
        Content::Certificate(secret) => format!("the certificate in {secret}"),
    };
    vec![format!("write {} (mode {mode:04o}): {what}", path.display())]
}

fn block(path: &Path, marker: &str, lines: &[String]) -> Vec<String> {
    let head = format!("put this block into {}, in place of the former block", path.display());
    let block = super::lines::block(marker, lines);
    std::iter::once(head).chain(block.lines().map(|line| format!("  {line}"))).collect()
}

fn registry_entry(entry: &RegistryEntry) -> Vec<String> {
    let head = format!("put this entry into {}, and keep all others", entry.path.display());
    let when = "k3s reads it at its next start: systemctl restart k3s".to_owned();
    let lines = entry.masked().into_iter().map(|line| format!("  {line}"));
    let closed = "remove the permissions of group and others: it holds a password".to_owned();
    let closed = entry.login.is_some().then_some(closed);
    std::iter::once(head).chain(lines).chain(closed).chain([when]).collect()
}

fn apply(object: &Document) -> Vec<String> {
    let mut lines = run(&apply_object(Stdin::Empty));
    lines.push(format!("  {}", identity(object)));
    lines.push(format!("  {}", object.masked()));
    lines
}

fn fetch(artifact: &Artifact, to: &Path) -> Vec<String> {
    let mut lines = match &artifact.origin {
        ArtifactOrigin::Url(_) | ArtifactOrigin::Chart { .. } => {
            downloads(artifact).iter().flat_map(run).collect()
        }
        ArtifactOrigin::Directory(folder) => {
            vec![format!("read {}", folder.join(&artifact.name).display())]
        }
    };
    lines.push(format!("check its SHA-256: {}", artifact.checksum));
    lines.push(format!("save it as {} (mode 0600)", to.display()));
    lines
}

/// Every command that an action runs, in order. What is only known while it runs is an uppercase word.
pub(super) fn commands(action: &Action) -> Vec<Command> {
    match action {
        Action::Run(command) | Action::InstallService { script: command, .. } => vec![command.clone()],
        Action::Fetch { artifact, .. } => downloads(artifact),
        Action::Push(push) => pushes(push),
        Action::EnsurePackages(packages) => install_packages(packages).into(),
        Action::EnsureService(name) => vec![enable_service(name)],
        Action::StartService(service) => vec![enable(service), restart(service)],
        Action::Apply(_) | Action::Offer(_) | Action::ApplyFile(_) => vec![apply_object(Stdin::Empty)],
        Action::Helm(helm) => vec![helm_upgrade(helm, Stdin::Empty)],
        Action::MakeDefaultClass(class) => {
            vec![default_class_patch("NAME", false), default_class_patch(class, true)]
        }
        Action::Undo(undo) => undo_commands(undo),
        Action::Install { .. }
        | Action::Write { .. }
        | Action::EnsureDir { .. }
        | Action::EnsureBlock { .. }
        | Action::EnsureHosts { .. }
        | Action::EnsureRegistry(_)
        | Action::CopyKubeconfig(_)
        | Action::EnsureLine { .. }
        | Action::Wait(_) => Vec::new(),
    }
}

fn downloads(artifact: &Artifact) -> Vec<Command> {
    let file = match &artifact.origin {
        ArtifactOrigin::Url(url) => vec![download(url)],
        ArtifactOrigin::Chart { repository, chart, version } => vec![
            download(&format!("{repository}/index.yaml")),
            download(&format!("https://URL-OF-{chart}-{version}-IN-THAT-INDEX")),
        ],
        ArtifactOrigin::Directory(_) => Vec::new(),
    };
    let sums = match &artifact.checksum {
        ChecksumSource::SumFile { url, .. } | ChecksumSource::GithubRelease { url, .. } => {
            Some(download(url))
        }
        _ => None,
    };
    file.into_iter().chain(sums).collect()
}

fn pushes(push: &RegistryPush) -> Vec<Command> {
    let url = push.uploads();
    let requests = [("POST", url.as_str()), ("PATCH", "LOCATION"), ("DELETE", "LOCATION")];
    let login = || if push.login.is_some() { Stdin::Secret(Secret::new("")) } else { Stdin::Empty };
    requests.map(|(method, url)| push.request(NODE_ADDRESS, method, url, login())).into()
}

fn undo_commands(action: &UndoAction) -> Vec<Command> {
    match action {
        UndoAction::Run(command) => vec![command.clone()],
        UndoAction::RestoreService(former) => former.commands().into(),
        UndoAction::DeleteObject { object, uid } => vec![delete_object(&object.path(), uid)],
        UndoAction::UninstallRelease { namespace, release, confirmation } => {
            let confirm =
                confirmation.iter().map(|setting| longhorn_setting(namespace, &setting.name, "true"));
            confirm.chain([helm_uninstall(namespace, release)]).collect()
        }
        UndoAction::RestoreDefaultClass { from, to } => {
            let former = from.iter().map(|from| default_class_patch(from, true));
            former.chain([default_class_patch(to, false)]).collect()
        }
        UndoAction::RestoreFile { .. }
        | UndoAction::RemoveOfCaller { .. }
        | UndoAction::RemoveDir(_)
        | UndoAction::RestoreBlock { .. }
        | UndoAction::RemoveLine { .. }
        | UndoAction::AwaitAbsent { .. } => Vec::new(),
    }
}

fn run(command: &Command) -> Vec<String> {
    let whose = match command.privilege() {
        Privilege::Own => "run",
        Privilege::Root => "run as root",
    };
    let mut lines = vec![format!("{whose}: {command}")];
    match command.input() {
        Stdin::Empty => {}
        Stdin::Public(text) => lines.push(format!("  input {text}")),
        Stdin::Secret(_) => lines.push(format!("  input {MASK}")),
    }
    lines
}

fn identity(object: &Document) -> String {
    object.reference().map_or_else(|| "an object".to_owned(), |reference| reference.to_string())
}

fn undo(action: &UndoAction) -> Vec<String> {
    let what = match action {
        UndoAction::RestoreFile { path, previous: PreviousFile::Absent }
        | UndoAction::RemoveOfCaller { path, .. } => format!("remove {}", path.display()),
        UndoAction::RestoreFile { path, .. } => format!("restore {}", path.display()),
        UndoAction::RemoveDir(path) => format!("remove directory {}", path.display()),
        UndoAction::RestoreBlock { path, marker, previous, former_mode } => {
            let what = if previous.is_some() { "restore" } else { "remove" };
            let mode = former_mode
                .as_ref()
                .map(|former| format!(", and restore mode {:04o} unless the file was changed", former.mode));
            format!("{what} block {marker} of {}{}", path.display(), mode.unwrap_or_default())
        }
        UndoAction::RemoveLine { path, line } => format!("remove this line from {}: {line}", path.display()),
        UndoAction::RestoreService(former) => {
            format!("restore the unit of {} and its environment", former.service)
        }
        UndoAction::AwaitAbsent { object, .. } => format!("wait until {object} is gone"),
        UndoAction::Run(_)
        | UndoAction::DeleteObject { .. }
        | UndoAction::UninstallRelease { .. }
        | UndoAction::RestoreDefaultClass { .. } => {
            return undo_commands(action).iter().flat_map(run).collect();
        }
    };
    std::iter::once(what).chain(undo_commands(action).iter().flat_map(run)).collect()
}
