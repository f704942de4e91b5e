//! The inputs of a run. A new input is one field here; what is done with it is `resolve`'s business.

use std::sync::LazyLock;

use schema::{Bounded, Component, LetsencryptEnvironment, Mode, TlsMode};

use super::declaration::{
    AnyInput, Input, InputField, Privacy, ValueSource, input_struct, key_below, open, private, variable,
};
use super::secret_input::SecretInput;
use super::text::{
    AbsolutePath, AnyPath, Email, HostName, HttpsUrl, ImageReference, K3sRelease, Network, ObjectName,
    ReleaseName, UserName,
};
use super::value::{Choice, Gibibytes};
use crate::component::{COMPONENTS, PinForm};
use crate::step::Sha256Sum;

/// Modes that install the platform on a cluster.
const PLATFORM: &[Mode] = &[Mode::SingleNode, Mode::Stack];
/// Modes that make the host a server.
const SERVERS: &[Mode] = &[Mode::Server, Mode::SingleNode];
const SINGLE_NODE: &[Mode] = &[Mode::SingleNode];
const AGENT: &[Mode] = &[Mode::Agent];

input_struct! {
    /// The inputs of a run, in the order of the help.
    pub struct Inputs {
        /// Installation mode
        mode: Input<Mode> = open().or("server"),
        /// How an agent joins its server
        agent: AgentInputs,
        /// Base domain of the host names
        domain: Input<HostName> = private().used_in(PLATFORM).or("example.local"),
        /// TLS certificates
        tls: TlsInputs,
        /// The management interface
        rancher: RancherInputs,
        /// The image registry
        registry: RegistryInputs,
        /// Block storage
        longhorn: LonghornInputs,
        /// The NFS export
        nfs: NfsInputs,
        /// Files of the host that are not of the cluster
        host: HostInputs,
        /// Components to install or skip
        components: Rows<Component, Choice>,
        /// Versions in place of those that the components are pinned to
        versions: Rows<Component, String>,
        /// Checksums in place of those that the releases state
        checksums: Rows<&'static str, Sha256Sum>,
        /// Directory with artifacts for installation without a network
        artifacts_dir: Input<AnyPath> = private(),
        /// Directory of run records
        runs_dir: Input<AnyPath> = private().or(RUNS_DIR),
    }
}

/// The default of `runs_dir`, also for commands that take no inputs.
const RUNS_DIR: &str = "runs";

input_struct! {
    /// Inputs of agent mode.
    pub struct AgentInputs {
        /// URL of the server to join
        server_url: Input<HttpsUrl> = private().used_in(AGENT),
        /// File that contains the join token
        token_file: SecretInput = private().used_in(AGENT),
    }
}

input_struct! {
    /// Inputs of the certificates.
    pub struct TlsInputs {
        /// TLS certificate source
        mode: Input<TlsMode> = open().used_in(PLATFORM).flag("tls").or("self-signed"),
        /// E-mail address for Let's Encrypt notices
        letsencrypt_email: Input<Email> = private().used_in(PLATFORM).flag("letsencrypt-email"),
        /// Let's Encrypt environment
        letsencrypt_environment: Input<LetsencryptEnvironment> =
            open().used_in(PLATFORM).flag("letsencrypt-environment").or("staging"),
    }
}

input_struct! {
    /// Inputs of Rancher.
    pub struct RancherInputs {
        /// Host name of Rancher
        host: Input<HostName> = private().used_in(PLATFORM).or_derived("rancher.<domain>"),
        /// File that contains the bootstrap password of Rancher
        password_file: SecretInput = private().used_in(PLATFORM).or_derived("generated"),
    }
}

input_struct! {
    /// Inputs of the registry.
    pub struct RegistryInputs {
        /// Host name of the registry
        host: Input<HostName> = private().used_in(PLATFORM).or_derived("registry.<domain>"),
        /// Size of the registry volume in GiB
        pvc_size_gib: Input<Gibibytes> = open().used_in(PLATFORM).or("20"),
        /// Storage class of the registry volume
        storage_class: Input<ObjectName> = private().used_in(PLATFORM).or_derived("the cluster's"),
        /// Require a login for the registry
        auth: Input<bool> = open().used_in(PLATFORM).or("false"),
        /// User name for the registry
        user: Input<UserName> = private().used_in(PLATFORM),
        /// File that contains the password of the registry user
        password_file: SecretInput = private().used_in(PLATFORM).or_derived("generated"),
    }
}

input_struct! {
    /// Inputs of Longhorn.
    pub struct LonghornInputs {
        /// Directory of Longhorn volumes
        data_path: Input<AbsolutePath> = private().used_in(PLATFORM).or("/data"),
        /// Replicas of each volume
        replica_count: Input<Bounded<1, 9>> = open().used_in(PLATFORM).or("1"),
        /// Minimal free disk space in percent
        minimal_available_percentage: Input<Bounded<0, 100>> = open().used_in(PLATFORM).or("10"),
        /// Make Longhorn the default storage class
        make_default: Input<bool> = open().used_in(PLATFORM).or("false"),
        /// Install iSCSI and NFS client for Longhorn on an agent
        node: Input<bool> = open().used_in(AGENT).or("false"),
    }
}

input_struct! {
    /// Inputs of the NFS export.
    pub struct NfsInputs {
        /// Manage an NFS export
        manage: Input<bool> = open().used_in(SINGLE_NODE).or("true"),
        /// Exported directory
        export_path: Input<AbsolutePath> = private().used_in(SINGLE_NODE).or("/srv/nfs/k8s-share"),
        /// Network that may mount the export
        allowed_network: Input<Network> = private().used_in(SINGLE_NODE).or("192.168.0.0/24"),
        /// Map root of a client to root in the export
        no_root_squash: Input<bool> = open().used_in(SINGLE_NODE).or("false"),
    }
}

input_struct! {
    /// Inputs of the host itself.
    pub struct HostInputs {
        /// Add the host names to /etc/hosts
        manage_hosts_file: Input<bool> = open().used_in(SINGLE_NODE).flag("manage-hosts-file").or("true"),
        /// Add the registry certificate to Docker
        trust_registry_in_docker: Input<bool> = open().used_in(SINGLE_NODE).flag("trust-registry-in-docker").or("true"),
        /// Copy the cluster's credentials to ~/.kube/k3s.yaml
        user_kubeconfig: Input<bool> = open().used_in(SERVERS).flag("user-kubeconfig").or("false"),
    }
}

/// Inputs of which there is one for each component or artifact. The table of components says which, so that a new
/// component needs no line here.
#[derive(Clone, Debug)]
pub struct Rows<K, T> {
    rows: Vec<(K, Input<T>)>,
}

impl<K: Copy + PartialEq, T> Rows<K, T> {
    /// The values that are known, defaults included.
    pub(super) fn values(&self) -> impl Iterator<Item = (K, &T)> {
        self.rows.iter().filter_map(|(row, input)| Some((*row, input.value()?)))
    }

    /// The input of a row.
    pub(super) fn row_mut(&mut self, row: K) -> Option<&mut Input<T>> {
        self.rows.iter_mut().find(|(known, _)| *known == row).map(|(_, input)| input)
    }
}

/// A field whose inputs come from a table.
trait FromTable<K, T> {
    fn rows(section: &str) -> Vec<(K, Input<T>)>;
}

impl<K, T> InputField for Rows<K, T>
where
    Self: FromTable<K, T>,
{
    type Attributes = ();

    fn declare(key: &str, _: &'static str, (): ()) -> Self {
        Self { rows: Self::rows(key) }
    }

    fn inputs(&self) -> Vec<&dyn AnyInput> {
        self.rows.iter().map(|(_, input)| input as &dyn AnyInput).collect()
    }

    fn inputs_mut(&mut self) -> Vec<&mut dyn AnyInput> {
        self.rows.iter_mut().map(|(_, input)| input as &mut dyn AnyInput).collect()
    }
}

impl FromTable<Component, Choice> for Rows<Component, Choice> {
    fn rows(section: &str) -> Vec<(Component, Input<Choice>)> {
        let attributes = open().or(Choice::Install.as_str()).without_flag();
        let input =
            |id: Component, title| Input::of::<Choice>(&key_below(section, id.as_str()), title, attributes);
        COMPONENTS.iter().map(|spec| (spec.id(), input(spec.id(), spec.title()))).collect()
    }
}

impl FromTable<Component, String> for Rows<Component, String> {
    fn rows(section: &str) -> Vec<(Component, Input<String>)> {
        let pinned = COMPONENTS.iter().filter_map(|spec| Some((spec.id(), spec.pin()?)));
        pinned
            .map(|(id, pin)| {
                let (key, attributes) =
                    (key_below(section, id.as_str()), open().or(pin.default).without_flag());
                let input = match pin.form {
                    PinForm::Release => Input::of::<ReleaseName>(&key, pin.help, attributes),
                    PinForm::K3sRelease => Input::of::<K3sRelease>(&key, pin.help, attributes),
                    PinForm::Image => Input::of::<ImageReference>(&key, pin.help, attributes),
                };
                (id, input)
            })
            .collect()
    }
}

impl FromTable<&'static str, Sha256Sum> for Rows<&'static str, Sha256Sum> {
    fn rows(section: &str) -> Vec<(&'static str, Input<Sha256Sum>)> {
        let checksums = COMPONENTS.iter().flat_map(|spec| spec.checksums());
        checksums
            .map(|checksum| {
                let key = key_below(section, checksum.artifact);
                (checksum.artifact, Input::of::<Sha256Sum>(&key, checksum.help, open().without_flag()))
            })
            .collect()
    }
}

impl Inputs {
    /// Leaves a component out, as if the operator had said so.
    pub fn leave_out(&mut self, component: Component) {
        if let Some(input) = self.components.row_mut(component) {
            // The word is one of the list, so it is always accepted.
            let _ = input.set(Choice::Skip.as_str(), ValueSource::Flag);
        }
    }

    /// Every input, without a value.
    pub(super) fn declared() -> &'static Self {
        // The parser of the command line borrows names from it for as long as the program runs.
        static DECLARED: LazyLock<Inputs> = LazyLock::new(|| Inputs::declare("", "", ()));
        &DECLARED
    }

    /// The input with this key.
    pub(super) fn find_mut(&mut self, key: &str) -> Option<&mut dyn AnyInput> {
        self.inputs_mut().into_iter().find(|input| input.declaration().key == key)
    }

    /// Values of private inputs, defaults included: what no outgoing document may contain.
    pub fn private_values(&self) -> impl Iterator<Item = &str> {
        let private =
            self.inputs().into_iter().filter(|input| input.declaration().privacy == Privacy::Private);
        private.filter_map(|input| input.text())
    }
}

/// The environment variables of private inputs and secrets.
pub fn private_variables() -> impl Iterator<Item = String> {
    let private = Inputs::declared()
        .inputs()
        .into_iter()
        .filter(|input| input.declaration().privacy == Privacy::Private);
    private
        .flat_map(|input| [Some(input.declaration().variable.as_str()), input.secret_variable()])
        .flatten()
        .map(str::to_owned)
}

/// The directory of runs for commands that take no inputs but this one.
pub fn runs_dir_from_env() -> std::path::PathBuf {
    let given = std::env::var_os(variable("runs_dir")).filter(|given| !given.is_empty());
    given.map_or_else(|| RUNS_DIR.into(), Into::into)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn keys_flags_and_variables_are_unique_and_defaults_are_valid() {
        let mut names = BTreeSet::new();
        for input in Inputs::declared().inputs() {
            let spec = input.declaration();
            let flag = spec.flag.as_ref().map(|flag| format!("--{flag}"));
            let secret = input.secret_variable().map(str::to_owned);
            for name in
                [Some(spec.key.clone()), Some(spec.variable.clone()), flag, secret].into_iter().flatten()
            {
                assert!(names.insert(name.clone()), "{name} twice");
            }
            assert!(spec.default.is_none_or(|default| (spec.check)(default).is_ok()), "{}", spec.key);
        }
    }

    #[test]
    fn names_follow_from_the_place_of_the_field() {
        let inputs = Inputs::declared();
        let spec = inputs.agent.server_url.declaration();
        assert_eq!(spec.key, "agent.server_url");
        assert_eq!(spec.flag.as_deref(), Some("agent-server-url"));
        assert_eq!(spec.variable, "PRODUCTIVE_K3S_AGENT_SERVER_URL");
        assert_eq!(inputs.agent.token_file.secret_variable(), Some("PRODUCTIVE_K3S_AGENT_TOKEN"));
        assert_eq!(variable("versions.cert_manager"), "PRODUCTIVE_K3S_CERT_MANAGER_VERSION");
    }
}
