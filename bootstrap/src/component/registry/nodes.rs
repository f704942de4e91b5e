//! What k3s needs to pull from the registry on this host: trust in its certificate, and its login.
//!
//! k3s reads the file at its start alone and makes the configuration of containerd from it. It is not restarted for that:
//! the operator knows what runs on the host, and the plan says that a restart is what it takes.

use std::path::{Path, PathBuf};

use manifest::{PreviousFile, Undo};
use schema::Component;

use super::super::{Finding, Probe};
use super::names::certificate_secret;
use crate::host::ProbeError;
use crate::settings::{Password, RegistryAuth, Settings, Tls};
use crate::step::{
    Action, Condition, Content, RegistryEntry, RegistryLogin, Step, Unmet, has_password, registries_fault,
};

const REGISTRIES: &str = "/etc/rancher/k3s/registries.yaml";
const AUTHORITY: &str = "/etc/rancher/k3s/registry-ca.crt";

/// Titles of the steps.
pub(super) const AUTHORITY_STEP: &str = "authority of the registry, for k3s";
pub(super) const ENTRY_STEP: &str = "registry in k3s' registries.yaml";

/// The steps that make k3s on this host trust the registry; none where everybody does and nobody has to log in.
pub(super) fn trust(settings: &Settings) -> Vec<Step> {
    let Some(entry) = entry(settings) else { return Vec::new() };
    let mut steps = Vec::new();
    if let Some(path) = &entry.ca_file {
        let content = Content::Certificate(certificate_secret());
        steps.push(Step::new(AUTHORITY_STEP, Action::Write { path: path.clone(), mode: 0o644, content }));
    }
    steps.push(Step::new(ENTRY_STEP, Action::EnsureRegistry(entry)));
    steps
}

/// Whether k3s knows what it has to: there is nothing to enter, or the file has the entry, as far as it can be read, and the
/// authority that it names is that of now. Only root can read it, and that is no reason to know nothing of the registry.
pub(super) fn is_trusted(probe: &Probe<'_>) -> Result<bool, ProbeError> {
    let Some(entry) = entry(probe.settings) else { return Ok(true) };
    let entry = with_known_password(entry, probe);
    let text = match probe.host.read_text(Path::new(REGISTRIES)) {
        Err(error) if error.is_denied() => return Ok(true),
        text => text?.unwrap_or_default(),
    };
    if !entry.is_in(&text).unwrap_or(false) {
        return Ok(false);
    }
    if !entry.is_trust_in(&text) {
        return Ok(true);
    }
    let (path, secret) = (PathBuf::from(AUTHORITY), certificate_secret());
    match (Condition::CertificateInstalled { path, secret }).observe(probe.host) {
        Err(Unmet::Probe(error)) => Err(error),
        // What else is wrong with the certificate is told of the registry itself.
        looked => Ok(!matches!(looked, Err(Unmet::FileAbsent(_) | Unmet::OtherCertificate(_)))),
    }
}

/// The password that a run made and nobody was shown yet may be newer than the one in the file.
fn with_known_password(mut entry: RegistryEntry, probe: &Probe<'_>) -> RegistryEntry {
    let made = probe.history().password(Component::Registry);
    if let (Some(login), Some(made)) = (&mut entry.login, made)
        && login.password == Password::Generate
    {
        login.password = Password::Given(made.clone());
    }
    entry
}

/// Whether the steps could have made this.
pub(super) fn could_make(undo: &Undo) -> bool {
    match undo {
        Undo::File { path, previous: PreviousFile::Absent, .. } if path == Path::new(REGISTRIES) => true,
        // A certificate takes the place of the one before it.
        Undo::File { path, previous, .. } => path == Path::new(AUTHORITY) && previous.has_plain_mode(),
        Undo::LineBlock { path, marker, previous: None, former_mode, .. } => {
            let is_plain = former_mode.as_ref().is_none_or(|former| former.mode & !0o777 == 0);
            path == Path::new(REGISTRIES) && marker == RegistryEntry::MARKER && is_plain
        }
        _ => false,
    }
}

/// A file that k3s would not start with.
pub(super) fn unreadable(probe: &Probe<'_>) -> Option<Finding> {
    let text = probe.host.read_text(Path::new(REGISTRIES)).ok().flatten()?;
    let fault = registries_fault(&text)?;
    Some(Finding::failure("registries", format!("{REGISTRIES}: {fault}")).help("correct or remove the file"))
}

/// A file that has the password already, and that others than its owner can read. The step that writes the password closes
/// the file, and so it was opened since.
pub(super) fn readable_by_others(probe: &Probe<'_>) -> Option<Finding> {
    let file = probe.host.target_status(Path::new(REGISTRIES)).ok().flatten()?;
    let text = probe.host.read_text(Path::new(REGISTRIES)).ok().flatten()?;
    let has_password = has_password(&text, &probe.settings.registry.host);
    (has_password && file.permissions() & 0o077 != 0).then(|| {
        let evidence =
            format!("{REGISTRIES} has the password of the registry, and others than root can read it");
        Finding::warning("registries", evidence).help(format!("chmod 600 {REGISTRIES}"))
    })
}

/// The login as k3s and a push give it.
pub(super) fn login(auth: &RegistryAuth) -> RegistryLogin {
    RegistryLogin { user: auth.user.clone(), password: auth.password.clone() }
}

fn entry(settings: &Settings) -> Option<RegistryEntry> {
    let registry = &settings.registry;
    let ca_file = (settings.tls == Tls::SelfSigned).then(|| PathBuf::from(AUTHORITY));
    let login = registry.auth.as_ref().map(login);
    (ca_file.is_some() || login.is_some()).then(|| RegistryEntry {
        path: REGISTRIES.into(),
        host: registry.host.clone(),
        ca_file,
        login,
    })
}
