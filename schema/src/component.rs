//! The components a run may install, and what a manifest says of each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

vocabulary! {
    /// State of a component before the run touched it. `unknown` means that the probe failed, never that it is missing.
    pub enum DetectedBefore {
        /// It was present.
        Present => "present",
        /// It was missing.
        Missing => "missing",
        /// The probe failed, so nothing is known.
        Unknown => "unknown",
        /// The run did not need it.
        NotNeeded => "not-needed",
        /// The NFS server was present and the export was listed.
        PresentWithExport => "present-with-export",
        /// The NFS server was present and the export was not listed.
        PresentWithoutExport => "present-without-export",
    }
}

vocabulary! {
    /// The planned action for a component.
    pub enum PlannedAction {
        /// Not decided yet.
        Pending => "pending",
        /// Install it.
        Install => "install",
        /// Use the present one.
        Reuse => "reuse",
        /// Do nothing.
        Skip => "skip",
        /// Create or correct it so that it is as configured.
        Ensure => "ensure",
        /// Add the export to the present NFS server.
        AddExport => "add-export",
        /// Replace the present version.
        Update => "update",
    }
}

vocabulary! {
    /// The result of a component. `installed` and `configured` are stated only after a passed verification.
    pub enum ComponentResult {
        /// Not reached yet.
        Pending => "pending",
        /// Installed and verified.
        Installed => "installed",
        /// The present one was verified and is in use.
        Reused => "reused",
        /// Configured and verified.
        Configured => "configured",
        /// Left out.
        Skipped => "skipped",
        /// Only planned: the run was a dry run.
        DryRun => "dry-run",
        /// A step or the verification failed.
        Failed => "failed",
    }
}

vocabulary! {
    /// Issuer of the certificates in the cluster.
    pub enum Issuer {
        /// Certificates signed by the cluster itself.
        Selfsigned => "selfsigned",
        /// The staging service of Let's Encrypt.
        LetsencryptStaging => "letsencrypt-staging",
        /// The production service of Let's Encrypt.
        LetsencryptProduction => "letsencrypt-production",
    }
}

/// What a manifest records of one component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Component record")]
pub struct ComponentRecord {
    /// State before the run. Purpose: to learn the initial state of hosts.
    pub detected_before: DetectedBefore,
    /// The planned action. Purpose: to compare plan and result.
    pub planned_action: PlannedAction,
    /// The result. Purpose: to find the components that fail on real hosts.
    pub result: ComponentResult,
}

/// What a manifest records of the cluster issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Cluster issuer record")]
pub struct ClusterIssuerRecord {
    /// State before the run. Purpose: to learn the initial state of hosts.
    pub detected_before: DetectedBefore,
    /// The planned action. Purpose: to compare plan and result.
    pub planned_action: PlannedAction,
    /// The result. Purpose: to find the components that fail on real hosts.
    pub result: ComponentResult,
    /// The requested issuer. Purpose: to learn which certificate set-ups are in use.
    pub issuer: Issuer,
}

impl ClusterIssuerRecord {
    fn new(record: ComponentRecord, issuer: Issuer) -> Self {
        let ComponentRecord { detected_before, planned_action, result } = record;
        Self { detected_before, planned_action, result, issuer }
    }

    fn record(self) -> ComponentRecord {
        let Self { detected_before, planned_action, result, .. } = self;
        ComponentRecord { detected_before, planned_action, result }
    }
}

/// The one list of components: everything that enumerates them is declared from it, so that a component is added in one
/// place and the compiler finds what it misses. The cluster issuer alone has a record of its own kind, which the inner
/// rules tell apart by its name.
macro_rules! declare_components {
    ($($(#[doc = $meaning:literal])+ $variant:ident $field:ident => $word:literal,)+) => {
        vocabulary! {
            /// A part of the base that a run may install or configure.
            pub enum Component { $($(#[doc = $meaning])+ $variant => $word,)+ }
        }

        vocabulary! {
            /// The current or last step of a run.
            pub enum Step {
                /// Checking the host.
                Preflight => "preflight",
                /// Detecting what is installed.
                Detect => "detect",
                /// Planning the actions.
                Plan => "plan",
                $($(#[doc = $meaning])+ $variant => $word,)+
                /// All steps are done.
                Completed => "completed",
            }
        }

        impl From<Component> for Step {
            fn from(component: Component) -> Self {
                match component { $(Component::$variant => Self::$variant),+ }
            }
        }

        /// The components of a run, each absent when the run's mode does not have it.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(title = "Components")]
        pub struct Components {
            $(
                $(#[doc = $meaning])+
                /// Purpose: to see which components are used and which fail.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                $field: Option<declare_components!(@record $variant)>,
            )+
        }

        impl Components {
            /// The record of `component`, if the run has it.
            pub fn get(&self, component: Component) -> Option<ComponentRecord> {
                match component {
                    $(Component::$variant => declare_components!(@get $variant, self.$field),)+
                }
            }

            fn slot(&mut self, component: Component) -> Slot<'_> {
                match component {
                    $(Component::$variant => declare_components!(@slot $variant, &mut self.$field),)+
                }
            }
        }
    };
    (@record Clusterissuer) => { ClusterIssuerRecord };
    (@record $variant:ident) => { ComponentRecord };
    (@get Clusterissuer, $value:expr) => { $value.map(ClusterIssuerRecord::record) };
    (@get $variant:ident, $value:expr) => { $value };
    (@slot Clusterissuer, $value:expr) => { Slot::Issuer($value) };
    (@slot $variant:ident, $value:expr) => { Slot::Plain($value) };
}

/// The place of a record, of either kind.
enum Slot<'a> {
    Plain(&'a mut Option<ComponentRecord>),
    Issuer(&'a mut Option<ClusterIssuerRecord>),
}

declare_components! {
    /// The k3s server or agent.
    K3s k3s => "k3s",
    /// The helm command.
    Helm helm => "helm",
    /// The cert-manager deployment.
    CertManager cert_manager => "cert_manager",
    /// The issuer of certificates in the cluster.
    Clusterissuer clusterissuer => "clusterissuer",
    /// Longhorn block storage.
    Longhorn longhorn => "longhorn",
    /// The Rancher management interface.
    Rancher rancher => "rancher",
    /// The image registry in the cluster.
    Registry registry => "registry",
    /// The NFS export of the host.
    Nfs nfs => "nfs",
    /// The block of names in the hosts file.
    LocalHosts local_hosts => "local_hosts",
    /// Trust of the registry's certificate in Docker.
    DockerRegistryTrust docker_registry_trust => "docker_registry_trust",
}

impl Components {
    /// Records `component`, which the run has from then on. The cluster issuer keeps the issuer that
    /// [`Self::set_issuer`] named, or is self-signed.
    pub fn set(&mut self, component: Component, record: ComponentRecord) {
        match self.slot(component) {
            Slot::Plain(slot) => *slot = Some(record),
            Slot::Issuer(slot) => {
                // A record is replaced as the run continues; what is known of the issuer must not be lost with it.
                let issuer = slot.map_or(Issuer::Selfsigned, |known| known.issuer);
                *slot = Some(ClusterIssuerRecord::new(record, issuer));
            }
        }
    }

    /// Names the issuer, if the run has the cluster issuer.
    pub fn set_issuer(&mut self, issuer: Issuer) {
        if let Some(record) = &mut self.clusterissuer {
            record.issuer = issuer;
        }
    }

    /// Records the result of `component`, if the run has it.
    pub fn set_result(&mut self, component: Component, result: ComponentResult) {
        if let Some(record) = self.get(component) {
            self.set(component, ComponentRecord { result, ..record });
        }
    }

    /// The components that the run has, in the order in which they are worked on.
    pub fn iter(&self) -> impl Iterator<Item = (Component, ComponentRecord)> {
        Component::ALL.iter().filter_map(|component| Some((*component, self.get(*component)?)))
    }
}
