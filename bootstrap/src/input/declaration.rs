//! The inputs of a run. One line declares an input: its field, type, key, flag, privacy, default and help.
//!
//! From these lines come the struct that holds the values, the flags of the command line, the variables of the
//! environment, the keys of the config file, the questions, and the JSON Schema of the file. What depends on the
//! component (which are skipped, versions, checksums) comes from the table of components and is not repeated here.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schema::{Bounded, Component, LetsencryptEnvironment, Mode, TlsMode};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::error::InputSource;
use super::text::{
    AbsolutePath, AnyPath, Email, HostName, HttpsUrl, Image, Network, ObjectName, Release, UserName,
};
use super::value::{Choice, InputValue, InvalidValue};
use crate::component::{COMPONENTS, PinForm};
use crate::secret::Secret;
use crate::step::Sha256Sum;
use Privacy::{Open, Private};

/// Whether values of an input may stand in something that leaves the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// Harmless.
    Open,
    /// Tells of the place or the people: the gate refuses every document that contains the value.
    Private,
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provided<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub source: InputSource,
}

/// What is known of one input.
#[derive(Clone, Debug)]
pub struct Setting<T> {
    provided: Option<Provided<T>>,
    default: Option<T>,
}

impl<T: InputValue> Setting<T> {
    fn with_default(default: Option<&str>) -> Self {
        // A test reads every default; one that is no value of its type would be as if it were missing.
        Self { provided: None, default: default.and_then(|text| T::read(text).ok()) }
    }

    /// The value that somebody gave, or the default.
    pub fn get(&self) -> Option<&T> {
        self.provided.as_ref().map(|provided| &provided.value).or(self.default.as_ref())
    }

    /// The value if somebody gave one, defaults left out.
    pub fn provided(&self) -> Option<&Provided<T>> {
        self.provided.as_ref()
    }

    fn set(&mut self, text: &str, source: InputSource) -> Result<(), InvalidValue> {
        self.provided = Some(Provided { value: T::read(text)?, source });
        Ok(())
    }
}

/// What is the same of an input for every run.
#[derive(Debug)]
pub struct Declaration {
    /// Key in the config file; dots are levels.
    pub key: String,
    /// Long flag without the dashes, if there is one.
    pub flag: Option<&'static str>,
    /// Whether the value is private.
    pub privacy: Privacy,
    /// Default, if there is one that does not depend on other inputs.
    pub default: Option<&'static str>,
    /// One line for help, prompts and the schema of the config file.
    pub help: &'static str,
    /// What stands for the value in the help.
    pub placeholder: &'static str,
    /// The words that are allowed, where the list is closed.
    pub words: Vec<&'static str>,
    /// Checks a value.
    pub check: fn(&str) -> Result<(), InvalidValue>,
    schema: fn(&mut SchemaGenerator) -> Schema,
    place: ValuePlace,
}

/// Where the value of an input is kept.
#[derive(Clone, Copy, Debug)]
enum ValuePlace {
    Field {
        set: fn(&mut Inputs, &str, InputSource) -> Result<(), InvalidValue>,
        text: fn(&Inputs) -> Option<String>,
        is_provided: fn(&Inputs) -> bool,
    },
    Choice(Component),
    Version(Component),
    Checksum(&'static str),
}

/// Declares the inputs that do not depend on the component.
macro_rules! inputs {
    ($($field:ident: $type:ty, $key:literal, $flag:literal, $privacy:expr, $default:expr, $help:literal;)+) => {
        /// Values of all inputs; every one has passed the check of its type.
        #[derive(Clone, Debug)]
        pub struct Inputs {
            $(#[doc = $help] pub $field: Setting<$type>,)+
            /// Which components are worked on.
            pub components: BTreeMap<Component, Provided<Choice>>,
            /// Versions in place of the pinned ones, as their components write them.
            pub versions: BTreeMap<Component, Provided<String>>,
            /// Pinned checksums, by the name of the artifact.
            pub checksums: BTreeMap<&'static str, Provided<Sha256Sum>>,
            /// Secrets, by the key of the input that may name a file for each.
            pub secrets: BTreeMap<&'static str, Secret>,
        }

        impl Default for Inputs {
            fn default() -> Self {
                Self {
                    $($field: Setting::with_default($default),)+
                    components: BTreeMap::new(),
                    versions: BTreeMap::new(),
                    checksums: BTreeMap::new(),
                    secrets: BTreeMap::new(),
                }
            }
        }

        fn declared() -> Vec<Declaration> {
            vec![$(
                declaration::<$type>(
                    $key.to_owned(),
                    $default,
                    $help,
                    ValuePlace::Field {
                        set: |inputs, text, source| inputs.$field.set(text, source),
                        text: |inputs| inputs.$field.get().map(InputValue::text),
                        is_provided: |inputs| inputs.$field.provided().is_some(),
                    },
                )
                .with_flag($flag, $privacy),
            )+]
        }
    };
}

inputs! {
    mode: Mode, "mode", "mode", Open, Some("server"), "What to make of this host";
    agent_server_url: HttpsUrl, "agent.server_url", "agent-server-url", Private, None, "URL of the server that the agent joins";
    agent_token_file: AnyPath, "agent.token_file", "agent-token-file", Private, None, "File that holds the join token";
    domain: HostName, "domain", "domain", Private, Some("example.local"), "Domain of the host names";
    tls_mode: TlsMode, "tls.mode", "tls", Open, Some("self-signed"), "Kind of certificates";
    letsencrypt_email: Email, "tls.letsencrypt_email", "letsencrypt-email", Private, None, "Address for notices of Let's Encrypt";
    letsencrypt_environment: LetsencryptEnvironment, "tls.letsencrypt_environment", "letsencrypt-environment", Open, Some("staging"), "Service of Let's Encrypt";
    rancher_host: HostName, "rancher.host", "rancher-host", Private, None, "Host name of Rancher [default: rancher.<domain>]";
    rancher_password_file: AnyPath, "rancher.password_file", "rancher-password-file", Private, None, "File with Rancher's first password [default: generated]";
    registry_host: HostName, "registry.host", "registry-host", Private, None, "Host name of the registry [default: registry.<domain>]";
    registry_pvc_size_gib: Bounded<1, 65_536>, "registry.pvc_size_gib", "registry-pvc-size-gib", Open, Some("20"), "Size of the registry's volume in GiB";
    registry_storage_class: ObjectName, "registry.storage_class", "registry-storage-class", Private, None, "Storage class of that volume [default: the cluster's]";
    registry_auth: bool, "registry.auth", "registry-auth", Open, Some("false"), "Whether the registry asks for a login";
    registry_user: UserName, "registry.user", "registry-user", Private, None, "User of the registry";
    registry_password_file: AnyPath, "registry.password_file", "registry-password-file", Private, None, "File with that user's password [default: generated]";
    longhorn_data_path: AbsolutePath, "longhorn.data_path", "longhorn-data-path", Private, Some("/data"), "Folder of Longhorn's volumes";
    longhorn_replica_count: Bounded<1, 9>, "longhorn.replica_count", "longhorn-replica-count", Open, Some("1"), "Copies of each volume";
    longhorn_minimal_available_percentage: Bounded<0, 100>, "longhorn.minimal_available_percentage", "longhorn-minimal-available-percentage", Open, Some("10"), "Percentage of the disk left free";
    longhorn_make_default: bool, "longhorn.make_default", "longhorn-make-default", Open, Some("false"), "Make Longhorn the default storage class";
    nfs_manage: bool, "nfs.manage", "nfs-manage", Open, Some("true"), "Whether to manage an NFS export";
    nfs_export_path: AbsolutePath, "nfs.export_path", "nfs-export-path", Private, Some("/srv/nfs/k8s-share"), "Folder that is exported";
    nfs_allowed_network: Network, "nfs.allowed_network", "nfs-allowed-network", Private, Some("192.168.0.0/24"), "Network that may mount it";
    manage_hosts_file: bool, "host.manage_hosts_file", "manage-hosts-file", Open, Some("true"), "Write the host names to the hosts file";
    trust_registry_in_docker: bool, "host.trust_registry_in_docker", "trust-registry-in-docker", Open, Some("true"), "Make Docker trust the registry";
    artifacts_dir: AnyPath, "artifacts_dir", "artifacts-dir", Private, None, "Folder with artifacts, for hosts without network";
    runs_dir: AnyPath, "runs_dir", "runs-dir", Private, Some("runs"), "Folder of the records of runs";
}

/// Every input, those of the components at the end.
pub(super) static DECLARATIONS: LazyLock<Vec<Declaration>> =
    LazyLock::new(|| declared().into_iter().chain(of_components()).collect());

fn of_components() -> Vec<Declaration> {
    let choices = COMPONENTS.iter().map(|spec| {
        let (key, place) = (format!("components.{}", spec.id()), ValuePlace::Choice(spec.id()));
        declaration::<Choice>(key, Some(Choice::Install.as_str()), spec.title(), place)
    });
    let versions = COMPONENTS.iter().filter_map(|spec| {
        let pin = spec.pin()?;
        let (key, place) = (format!("versions.{}", spec.id()), ValuePlace::Version(spec.id()));
        Some(match pin.form {
            PinForm::Release => declaration::<Release>(key, Some(pin.default), pin.help, place),
            PinForm::Image => declaration::<Image>(key, Some(pin.default), pin.help, place),
        })
    });
    let checksums = COMPONENTS.iter().flat_map(|spec| spec.checksums()).map(|input| {
        let (key, place) = (format!("checksums.{}", input.artifact), ValuePlace::Checksum(input.artifact));
        declaration::<Sha256Sum>(key, None, input.help, place)
    });
    choices.chain(versions).chain(checksums).collect()
}

fn declaration<T: InputValue>(
    key: String,
    default: Option<&'static str>,
    help: &'static str,
    place: ValuePlace,
) -> Declaration {
    Declaration {
        key,
        flag: None,
        privacy: Open,
        default,
        help,
        placeholder: T::PLACEHOLDER,
        words: T::words(),
        check: |text| T::read(text).map(drop),
        schema: <T as JsonSchema>::json_schema,
        place,
    }
}

impl Declaration {
    fn with_flag(self, flag: &'static str, privacy: Privacy) -> Self {
        Self { flag: Some(flag), privacy, ..self }
    }

    /// The environment variable: `PRODUCTIVE_K3S_` and the key in upper case, dots as underscores. The versions have
    /// the name of the shell implementation, with `VERSION` at the end.
    pub fn variable(&self) -> String {
        let name = match self.key.strip_prefix("versions.") {
            Some(component) => format!("{component}_version"),
            None => self.key.replace('.', "_"),
        };
        format!("PRODUCTIVE_K3S_{}", name.to_uppercase())
    }

    /// The input with this key.
    pub fn find(key: &str) -> Option<&'static Self> {
        DECLARATIONS.iter().find(|declaration| declaration.key == key)
    }

    /// JSON Schema of the value in the config file.
    pub(super) fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        (self.schema)(generator)
    }
}

impl Inputs {
    /// Checks a value and takes it over.
    ///
    /// # Errors
    /// It is not of the form of the input.
    pub(super) fn set(
        &mut self,
        input: &Declaration,
        text: &str,
        source: InputSource,
    ) -> Result<(), InvalidValue> {
        match input.place {
            ValuePlace::Field { set, .. } => set(self, text, source)?,
            ValuePlace::Choice(component) => {
                let value = Choice::read(text)?;
                self.components.insert(component, Provided { value, source });
            }
            ValuePlace::Version(component) => {
                (input.check)(text)?;
                self.versions.insert(component, Provided { value: text.to_owned(), source });
            }
            ValuePlace::Checksum(artifact) => {
                let value = Sha256Sum::read(text)?;
                self.checksums.insert(artifact, Provided { value, source });
            }
        }
        Ok(())
    }

    /// Whether somebody gave a value, defaults left out.
    pub(super) fn is_provided(&self, input: &Declaration) -> bool {
        match input.place {
            ValuePlace::Field { is_provided, .. } => is_provided(self),
            ValuePlace::Choice(component) => self.components.contains_key(&component),
            ValuePlace::Version(component) => self.versions.contains_key(&component),
            ValuePlace::Checksum(artifact) => self.checksums.contains_key(artifact),
        }
    }

    /// Values of private inputs, defaults included: what no outgoing document may contain.
    pub fn private_values(&self) -> impl Iterator<Item = String> {
        let private = DECLARATIONS.iter().filter(|declaration| declaration.privacy == Private);
        private.filter_map(|declaration| match declaration.place {
            ValuePlace::Field { text, .. } => text(self),
            ValuePlace::Choice(_) | ValuePlace::Version(_) | ValuePlace::Checksum(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn keys_flags_and_variables_are_unique_and_defaults_are_valid() {
        let mut names = BTreeSet::new();
        for input in DECLARATIONS.iter() {
            assert!(names.insert(input.key.clone()), "{} twice", input.key);
            assert!(names.insert(input.variable()), "{} twice", input.variable());
            assert!(
                input.flag.is_none_or(|flag| names.insert(format!("--{flag}"))),
                "{:?} twice",
                input.flag
            );
            assert!(input.default.is_none_or(|default| (input.check)(default).is_ok()), "{}", input.key);
        }
    }

    #[test]
    fn the_variable_follows_from_the_key() {
        let variable = |key| Declaration::find(key).map(Declaration::variable);
        assert_eq!(variable("agent.server_url").as_deref(), Some("PRODUCTIVE_K3S_AGENT_SERVER_URL"));
        assert_eq!(variable("versions.cert_manager").as_deref(), Some("PRODUCTIVE_K3S_CERT_MANAGER_VERSION"));
    }
}
