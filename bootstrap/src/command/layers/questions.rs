//! The questions of a run in the words and the order of the shell core. The drivers of the layers know them by their text, so
//! each is here once and as it is there; the order is that of June, which takes the answers of both generations.

use std::collections::BTreeSet;

use schema::{Component, Mode, TlsMode};

use super::conversation::Conversation;
use super::refusal::LayerError;
use crate::component::{Conflict, Detection, Gap, Keep};
use crate::input::{AnyInput, HostName, Input, Inputs, ValueSource};

/// What was found on the host, as far as a question depends on it.
pub(super) struct Found {
    pub(super) mode: Mode,
    pub(super) k3s: bool,
    pub(super) helm: bool,
    pub(super) detections: Vec<(Component, Detection)>,
}

impl Found {
    /// Whether a component is there. What is there in part is told as missing: a yes lets the run complete it.
    pub(super) fn has(&self, component: Component) -> bool {
        self.of(component).is_some_and(is_there)
    }

    /// Whether the run has no use for a component, whatever is answered.
    pub(super) fn is_left_out(&self, component: Component) -> bool {
        self.of(component) == Some(&Detection::NotNeeded)
    }

    /// Whether a component is there, and no answer could make a run that takes it as it is.
    fn is_kept_by_leaving_it_out(&self, component: Component) -> bool {
        let keep = self.of(component).and_then(|detection| match detection {
            Detection::Conflict(Conflict::OtherSetting { keep, .. }) => Some(keep),
            _ => None,
        });
        keep == Some(&Keep::LeaveOut(component))
    }

    fn of(&self, component: Component) -> Option<&Detection> {
        self.detections.iter().find(|(of, _)| *of == component).map(|(_, detection)| detection)
    }

    /// What was found, a line each: drivers strike the questions off their lists that cannot come.
    pub(super) fn tell(&self, conversation: &mut Conversation<'_>) {
        let word = |present| if present { "present" } else { "missing" };
        conversation.say("Detected state:");
        conversation.say(&format!("- k3s: {}", word(self.k3s)));
        if self.mode == Mode::Agent {
            return;
        }
        conversation.say(&format!("- helm: {}", word(self.helm)));
        for (component, name) in NAMES {
            if self.detections.iter().any(|(found, _)| *found == component) {
                conversation.say(&format!("- {name}: {}", word(self.has(component))));
            }
        }
    }
}

/// What the inputs of before the questions would set otherwise is there all the same: the answers may be what it is set to,
/// and the run refuses those that are not. What cannot be completed without its password is there in part: who is told that
/// it is missing is asked for the password.
fn is_there(detection: &Detection) -> bool {
    match detection {
        Detection::Present | Detection::PresentWithExport => true,
        // k3s itself is there also where the caller has no copy of its credentials yet.
        Detection::Incomplete(gap) => matches!(gap, Gap::UserKubeconfig(_)),
        Detection::Conflict(conflict) => !matches!(
            conflict,
            Conflict::OtherRole(_) | Conflict::OtherRoleInstalled(_) | Conflict::UnknownPassword { .. }
        ),
        _ => false,
    }
}

const NAMES: [(Component, &str); 4] = [
    (Component::CertManager, "cert-manager"),
    (Component::Longhorn, "Longhorn"),
    (Component::Rancher, "Rancher"),
    (Component::Registry, "Registry"),
];

/// Asks everything that a run needs to know. Afterwards `inputs` has every answer.
///
/// # Errors
/// A question was not answered, was answered with what cannot be used, or with a no to what is required.
pub(super) fn ask(
    conversation: &mut Conversation<'_>,
    found: &Found,
    inputs: &mut Inputs,
) -> Result<(), LayerError> {
    found.tell(conversation);
    let is_platform = matches!(found.mode, Mode::Stack | Mode::SingleNode);
    if found.mode == Mode::Agent {
        required(
            conversation,
            "k3s agent",
            "k3s agent was not detected",
            "Existing k3s agent installation detected",
            found.k3s,
        )?;
        return agent(conversation, inputs);
    }
    if found.mode != Mode::Stack {
        required(
            conversation,
            "k3s",
            "k3s was not detected",
            "Existing k3s installation detected",
            found.k3s,
        )?;
    }
    if found.detections.iter().any(|(component, _)| *component == Component::Helm) {
        required(conversation, "Helm", "Helm was not detected", "Helm is already installed", found.helm)?;
    }
    if !is_platform {
        return Ok(());
    }
    let installed = components(conversation, found, inputs)?;
    if found.mode == Mode::SingleNode {
        nfs(conversation, found, inputs)?;
        conversation.switch(
            &mut inputs.host.manage_hosts_file,
            "Do you want this script to add/update local /etc/hosts entries for Rancher and Registry on this machine? [optional]",
            true,
        )?;
    }
    settings(conversation, found, &installed, inputs)
}

fn required(
    conversation: &mut Conversation<'_>,
    what: &'static str,
    missing: &str,
    present: &str,
    is_there: bool,
) -> Result<(), LayerError> {
    let question = if is_there {
        format!("{present}. Continue using it without changes? [required]")
    } else {
        format!("{missing}. Install it now? [required]")
    };
    if conversation.yes_or_no(&question, true, None)? { Ok(()) } else { Err(LayerError::Declined(what)) }
}

fn agent(conversation: &mut Conversation<'_>, inputs: &mut Inputs) -> Result<(), LayerError> {
    // Without the shell core's examples as defaults: an agent that joins an example joins nothing.
    conversation.text(&mut inputs.agent.server_url, "Agent server URL", "")?;
    conversation.secret(&mut inputs.agent.token_file, "Agent cluster token", "")
}

/// The components that are there afterwards; the others are left out.
fn components(
    conversation: &mut Conversation<'_>,
    found: &Found,
    inputs: &mut Inputs,
) -> Result<BTreeSet<Component>, LayerError> {
    let mut installed = BTreeSet::new();
    for (component, name) in [
        (Component::Longhorn, "Longhorn"),
        (Component::Rancher, "Rancher"),
        (Component::Registry, "The in-cluster registry"),
    ] {
        // What the environment or a package leaves out is no question.
        let wanted = !found.is_left_out(component) && {
            let question = if found.has(component) {
                format!("{name} is already present. Leave it unchanged and continue? [optional]")
            } else {
                format!("{name} is missing. Install it now? [optional]")
            };
            conversation.yes_or_no(&question, true, None)? && !found.is_kept_by_leaving_it_out(component)
        };
        if wanted {
            installed.insert(component);
        } else {
            inputs.leave_out(component);
        }
    }
    let needs_certificates =
        installed.contains(&Component::Rancher) || installed.contains(&Component::Registry);
    if needs_certificates && !found.has(Component::CertManager) && !found.is_left_out(Component::CertManager)
    {
        let question = "cert-manager is missing. Install it now? [required for TLS-dependent installs]";
        if !conversation.yes_or_no(question, true, None)? {
            return Err(LayerError::Declined("cert-manager, which issues the certificates"));
        }
    }
    // A package may ask for cert-manager without either of the two.
    let are_declined = !found.is_left_out(Component::Rancher) || !found.is_left_out(Component::Registry);
    if !needs_certificates && are_declined {
        inputs.leave_out(Component::CertManager);
        inputs.leave_out(Component::Clusterissuer);
    }
    let is_declined = !installed.contains(&Component::Registry) && !found.is_left_out(Component::Registry);
    if is_declined && !found.has(Component::Registry) {
        // There is nothing that Docker could trust.
        inputs.leave_out(Component::DockerRegistryTrust);
    }
    Ok(installed)
}

fn nfs(conversation: &mut Conversation<'_>, found: &Found, inputs: &mut Inputs) -> Result<(), LayerError> {
    conversation.switch(
        &mut inputs.nfs.manage,
        "Do you want to ensure a local NFS server is available for host-to-cluster shared files? [optional]",
        true,
    )?;
    if inputs.nfs.manage.value() != Some(&true) {
        return Ok(());
    }
    let question = "NFS server and export are already present. Leave them unchanged and continue?";
    if found.has(Component::Nfs) && conversation.yes_or_no(question, true, None)? {
        return Ok(());
    }
    let path = known(&inputs.nfs.export_path, "");
    conversation.text(&mut inputs.nfs.export_path, "NFS export path on the host", &path)?;
    let network = known(&inputs.nfs.allowed_network, "");
    let question = "Allowed client network/CIDR for the NFS export";
    conversation.text(&mut inputs.nfs.allowed_network, question, &network)
}

/// Names, certificates and volumes of what is installed.
fn settings(
    conversation: &mut Conversation<'_>,
    found: &Found,
    installed: &BTreeSet<Component>,
    inputs: &mut Inputs,
) -> Result<(), LayerError> {
    let (rancher, registry) =
        (installed.contains(&Component::Rancher), installed.contains(&Component::Registry));
    if rancher || registry {
        let domain = known_domain(inputs);
        conversation.text(&mut inputs.domain, "Base domain (used to build hostnames)", &domain)?;
    }
    let domain = inputs.domain.text().unwrap_or_default().to_owned();
    if rancher {
        let host = known(&inputs.rancher.host, &format!("rancher.{domain}"));
        conversation.text(&mut inputs.rancher.host, "Rancher hostname (DNS name)", &host)?;
        if !found.has(Component::Rancher) {
            conversation.secret(
                &mut inputs.rancher.password_file,
                "Rancher bootstrap password",
                "generated",
            )?;
        }
    }
    if registry {
        registry_settings(conversation, found, &domain, inputs)?;
    }
    if rancher || registry {
        tls(conversation, inputs)?;
    }
    if installed.contains(&Component::Longhorn) && !found.has(Component::Longhorn) {
        longhorn(conversation, found.mode, inputs)?;
    }
    if found.mode == Mode::SingleNode && registry && inputs.tls.mode.value() == Some(&TlsMode::SelfSigned) {
        conversation.switch(
            &mut inputs.host.trust_registry_in_docker,
            "Do you want this script to trust the registry certificate in local Docker on this machine? [optional]",
            true,
        )?;
    }
    Ok(())
}

fn registry_settings(
    conversation: &mut Conversation<'_>,
    found: &Found,
    domain: &str,
    inputs: &mut Inputs,
) -> Result<(), LayerError> {
    let registry = &mut inputs.registry;
    let host = known(&registry.host, &format!("registry.{domain}"));
    conversation.text(&mut registry.host, "Registry hostname (DNS name)", &host)?;
    if found.has(Component::Registry) {
        return Ok(());
    }
    let size = format!("{}Gi", known(&registry.pvc_size_gib, ""));
    conversation.text(&mut registry.pvc_size_gib, "Registry PVC size", &size)?;
    let question = "Registry StorageClass (blank uses cluster default)";
    // The question says what a blank answer is, so the class of a run before cannot be its default.
    if let Some(class) = registry.storage_class.take_recorded() {
        conversation.say(&format!("The run before asked for the class {class} for the registry."));
    }
    conversation.text(&mut registry.storage_class, question, "")?;
    let question = "Do you want to enable basic auth on the in-cluster registry?";
    let had_login = registry.auth.value() == Some(&true);
    conversation.switch(&mut registry.auth, question, had_login)?;
    if registry.auth.value() == Some(&true) {
        let user = known(&registry.user, "registry");
        conversation.text(&mut registry.user, "Registry username", &user)?;
        conversation.secret(&mut registry.password_file, "Registry password", "generated")?;
    }
    Ok(())
}

fn tls(conversation: &mut Conversation<'_>, inputs: &mut Inputs) -> Result<(), LayerError> {
    let tls = &mut inputs.tls;
    if !tls.mode.source().is_some_and(ValueSource::is_given) {
        conversation.say("TLS options:");
        conversation.say("  1) Let's Encrypt (the names must resolve on the Internet, and ports 80 and 443 must be reachable)");
        conversation.say("  2) Self-signed (works anywhere; clients must be told to trust it)");
    }
    let mode = if tls.mode.value() == Some(&TlsMode::Letsencrypt) { "1" } else { "2" };
    conversation.text(&mut tls.mode, "Choose TLS mode (1/2)", mode)?;
    if tls.mode.value() == Some(&TlsMode::Letsencrypt) {
        let email = known(&tls.letsencrypt_email, "");
        conversation.text(&mut tls.letsencrypt_email, "Let's Encrypt email", &email)?;
        let environment = known(&tls.letsencrypt_environment, "staging");
        let question = "Let's Encrypt environment (staging/production)";
        conversation.text(&mut tls.letsencrypt_environment, question, &environment)?;
    }
    Ok(())
}

fn longhorn(conversation: &mut Conversation<'_>, mode: Mode, inputs: &mut Inputs) -> Result<(), LayerError> {
    let longhorn = &mut inputs.longhorn;
    let path = known(&longhorn.data_path, "");
    conversation.text(&mut longhorn.data_path, "Longhorn data mount path", &path)?;
    let replicas = known(&longhorn.replica_count, "");
    let question = "Longhorn default replica count (1 for single-node)";
    conversation.text(&mut longhorn.replica_count, question, &replicas)?;
    // June's driver has no answer to this one for a stack.
    if mode == Mode::SingleNode {
        let percentage = known(&longhorn.minimal_available_percentage, "");
        let question =
            "Longhorn storage minimal available percentage (10 is recommended for single-node dev/lab)";
        conversation.text(&mut longhorn.minimal_available_percentage, question, &percentage)?;
    }
    // The layers' usual answer is yes, and that of the program is no: only what a run was told counts.
    let was_default = longhorn.make_default.source() != Some(ValueSource::Record)
        || longhorn.make_default.value() == Some(&true);
    conversation.switch(&mut longhorn.make_default, "Make Longhorn the default StorageClass?", was_default)
}

/// What runs were told before, or else the default, or else the usual.
fn known(input: &dyn AnyInput, usual: &str) -> String {
    input.text().unwrap_or(usual).to_owned()
}

/// The domain that the names of a run before are in, or else the default. Nothing but these names is made of it.
fn known_domain(inputs: &Inputs) -> String {
    let of = |input: &Input<HostName>, label: &str| {
        let recorded = input.text().filter(|_| input.source() == Some(ValueSource::Record))?;
        recorded.strip_prefix(label).map(str::to_owned)
    };
    of(&inputs.rancher.host, "rancher.")
        .or_else(|| of(&inputs.registry.host, "registry."))
        .unwrap_or_else(|| known(&inputs.domain, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its names are told by the answers, and so it is there before they are known.
    #[test]
    fn what_is_there_under_another_name_is_not_told_as_missing() {
        let other_name = Conflict::OtherSetting {
            what: "host name",
            found: "rancher.k3s.lab.example".to_owned(),
            asked: "rancher.example.local".to_owned(),
            keep: Keep::Set("rancher.host"),
            change: String::new(),
        };
        let foreign = Conflict::ForeignService { service: "k3s", deviations: Vec::new() };
        let unknown_password = Conflict::UnknownPassword { input: "registry.password_file", change: "" };
        for (detection, there) in [
            (Detection::Present, true),
            (Detection::Conflict(unknown_password), false),
            (Detection::Conflict(other_name), true),
            (Detection::Conflict(foreign), true),
            (Detection::Conflict(Conflict::OtherRole("k3s-agent")), false),
            (Detection::Incomplete(Gap::NodesTrust), false),
            (Detection::Missing, false),
        ] {
            let detections = vec![(Component::Rancher, detection.clone())];
            let found = Found { mode: Mode::Stack, k3s: true, helm: true, detections };
            assert_eq!(found.has(Component::Rancher), there, "{detection:?}");
        }
    }

    #[test]
    fn what_no_input_can_name_is_left_unchanged_by_leaving_it_out() {
        for (keep, left_out) in
            [(Keep::LeaveOut(Component::Registry), true), (Keep::Set("registry.host"), false)]
        {
            let (what, change) = ("login", String::new());
            let conflict =
                Conflict::OtherSetting { what, found: String::new(), asked: String::new(), keep, change };
            let detections = vec![(Component::Registry, Detection::Conflict(conflict))];
            let found = Found { mode: Mode::Stack, k3s: true, helm: true, detections };
            assert!(found.has(Component::Registry));
            assert_eq!(found.is_kept_by_leaving_it_out(Component::Registry), left_out, "{keep:?}");
        }
    }
}
