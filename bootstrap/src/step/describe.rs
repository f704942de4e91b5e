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
use super::registries::RegistryEntry;
use super::registry_push::{MEBIBYTES, RegistryPush};
use crate::host::{Command, Privilege, Stdin};
use crate::secret::{MASK, Secret};

impl Step {
    /// Lines that say exactly what the step does: each command with its arguments, each file, each object. Secrets are
    /// masked.
    pub fn describe(&self) -> Vec<String> {
        match &self.action {
            Action::Run(command) => run(command),
            Action::Fetch { artifact, to } => fetch(artifact, to),
            Action::Install { from, path, mode } => {
                vec![format!("install {} as {} (mode {mode:04o})", from.display(), path.display())]
            }
            Action::Write { path, mode, content } => write(path, *mode, content),
            Action::EnsureDir { path, mode } => {
                vec![format!("make folder {} (mode {mode:04o})", path.display())]
            }
            Action::EnsureBlock { path, marker, lines } => block(path, marker, lines),
            Action::EnsureHosts { path, marker, names } => {
                let lines: Vec<String> = names.iter().map(|name| format!("{NODE_ADDRESS} {name}")).collect();
                block(path, marker, &lines)
            }
            Action::EnsureRegistry(entry) => registry_entry(entry),
            Action::Push(push) => describe_push(push),
            Action::EnsureLine { path, line } => {
                vec![format!("add this line to {} unless it is there", path.display()), format!("  {line}")]
            }
            Action::EnsurePackages(packages) => {
                let unless = format!("unless {} is installed:", packages.join(", "));
                std::iter::once(unless).chain(install_packages(packages).iter().flat_map(run)).collect()
            }
            Action::EnsureService(name) => run(&enable_service(name)),
            Action::InstallService { script, .. } => run(script),
            Action::StartService(service) => {
                let unless = format!("unless {service} is enabled:");
                let commands = [enable(service), restart(service)].map(|command| run(&command));
                let [enable, restart] = commands;
                std::iter::once(unless).chain(enable).chain(restart).collect()
            }
            Action::Apply(object) => apply(object),
            Action::Offer(object) => {
                let unless = "unless somebody else has made this object:".to_owned();
                std::iter::once(unless).chain(apply(object)).collect()
            }
            Action::ApplyFile(file) => {
                let each = format!("for each object of {}:", file.display());
                std::iter::once(each).chain(run(&apply_object(Stdin::Empty))).collect()
            }
            Action::Helm(helm) => {
                let mut lines = run(&helm_upgrade(helm, Stdin::Empty));
                lines.push(format!("  values {}", helm.values.masked()));
                lines
            }
            Action::MakeDefaultClass(class) => default_class(class),
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
    let head = format!("put this block into {}, in place of the former one", path.display());
    let block = super::lines::block(marker, lines);
    std::iter::once(head).chain(block.lines().map(|line| format!("  {line}"))).collect()
}

fn registry_entry(entry: &RegistryEntry) -> Vec<String> {
    let head = format!("put this entry into {}, and keep all others", entry.path.display());
    let when = "k3s reads it at its next start: systemctl restart k3s".to_owned();
    let lines = entry.masked().into_iter().map(|line| format!("  {line}"));
    std::iter::once(head).chain(lines).chain([when]).collect()
}

fn describe_push(push: &RegistryPush) -> Vec<String> {
    let size = format!("make a file of {MEBIBYTES} MiB at {}", push.blob().display());
    let url = push.uploads();
    let requests = [("POST", url.as_str()), ("PATCH", "LOCATION"), ("DELETE", "LOCATION")];
    let login = || if push.login.is_some() { Stdin::Secret(Secret::new("")) } else { Stdin::Empty };
    let requests = requests.map(|(method, url)| push.request(NODE_ADDRESS, method, url, login()));
    std::iter::once(size).chain(requests.iter().flat_map(run)).collect()
}

fn apply(object: &Document) -> Vec<String> {
    let mut lines = run(&apply_object(Stdin::Empty));
    lines.push(format!("  {}", identity(object)));
    lines.push(format!("  {}", object.masked()));
    lines
}

fn default_class(class: &str) -> Vec<String> {
    let mut lines = vec!["for each other storage class that is the default:".to_owned()];
    lines.extend(run(&default_class_patch("NAME", false)));
    lines.extend(run(&default_class_patch(class, true)));
    lines
}

fn fetch(artifact: &Artifact, to: &Path) -> Vec<String> {
    let mut lines = match &artifact.origin {
        ArtifactOrigin::Url(url) => run(&download(url)),
        ArtifactOrigin::Chart { repository, chart, version } => {
            let mut lines = run(&download(&format!("{repository}/index.yaml")));
            let url = format!("https://URL-OF-{chart}-{version}-IN-THAT-INDEX");
            lines.extend(run(&download(&url)));
            lines
        }
        ArtifactOrigin::Folder(folder) => {
            let when = if artifact.optional { ", if it is there" } else { "" };
            vec![format!("read {}{when}", folder.join(&artifact.name).display())]
        }
    };
    if let ChecksumSource::SumFile { url, .. } | ChecksumSource::GithubRelease { url, .. } =
        &artifact.checksum
    {
        lines.extend(run(&download(url)));
    }
    lines.push(format!("check its sha256: {}", artifact.checksum));
    lines.push(format!("save it as {} (mode 0600)", to.display()));
    lines
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
    match action {
        UndoAction::Run(command) => run(command),
        UndoAction::RestoreFile { path, previous: PreviousFile::Absent } => {
            vec![format!("remove {}", path.display())]
        }
        UndoAction::RestoreFile { path, .. } => vec![format!("restore {}", path.display())],
        UndoAction::RemoveDir(path) => vec![format!("remove directory {}", path.display())],
        UndoAction::RestoreBlock { path, marker, previous } => {
            let what = if previous.is_some() { "restore" } else { "remove" };
            vec![format!("{what} block {marker} of {}", path.display())]
        }
        UndoAction::RemoveLine { path, line } => {
            vec![format!("remove this line from {}", path.display()), format!("  {line}")]
        }
        UndoAction::RestoreService(former) => {
            let files = format!("restore the unit of {} and its environment", former.service);
            std::iter::once(files).chain(former.commands().iter().flat_map(run)).collect()
        }
        UndoAction::DeleteObject { object, uid } => run(&delete_object(&object.path(), uid)),
        UndoAction::AwaitAbsent { object, .. } => vec![format!("wait until {object} is gone")],
        UndoAction::UninstallRelease { namespace, release, confirmation } => {
            let confirm =
                confirmation.iter().map(|setting| longhorn_setting(namespace, &setting.name, "true"));
            confirm.chain([helm_uninstall(namespace, release)]).flat_map(|command| run(&command)).collect()
        }
        UndoAction::RestoreDefaultClass { from, to } => {
            let former = from.iter().map(|from| default_class_patch(from, true));
            former.chain([default_class_patch(to, false)]).flat_map(|command| run(&command)).collect()
        }
    }
}
