//! Steps as data, and the one executor that carries them out.
//!
//! Applying a component and undoing one are both lists of [`Step`]s. A dry run prints what [`Step::describe`] says of
//! each, a run gives the same steps to the [`Executor`], which writes each change to the [`Journal`] before and after it.

mod action;
mod artifact;
mod change_cluster;
mod change_files;
mod change_registries;
mod change_release;
mod change_service;
mod change_system;
mod command;
mod condition;
mod describe;
mod document;
mod error;
mod executor;
mod fetch;
mod file_change;
mod htpasswd;
mod journal;
mod kube;
mod kubeconfig;
pub mod lines;
mod node;
mod node_address;
mod node_fault;
mod observe;
mod passwords;
mod perform;
mod push;
mod registries;
mod registry_push;
mod retry;
mod start_cause;
mod step_detail;
mod transfer_fault;
mod unmet;
mod x509;
mod yaml;

pub use action::{Action, Content, FormerService, HelmRelease, Step, UndoAction};
pub use artifact::{Artifact, ArtifactOrigin, ChecksumSource, Sha256Sum};
pub use change_service::may_hold_secret;
pub use command::{FIELD_MANAGER, list_namespace, namespaced_kinds};
pub use condition::{Check, Condition};
pub use document::{Document, SecretKeyRef, SecretSource};
pub(crate) use error::UNTRUSTED_ARTIFACTS_HELP;
pub use error::{ExecutionError, StepError, StepFailure};
pub use executor::{Effect, Executor, Look, StepEvent, Timing};
pub use fetch::check_in_folder;
pub use file_change::FileChange;
pub use htpasswd::Htpasswd;
pub use journal::{Journal, Update};
pub use kube::{KUBECONFIG, Kube, ObjectRef, Revision, STORAGE_CLASSES, StatusReason, default_classes, text};
pub use kubeconfig::{
    FormerCopy, are_of_one_cluster, cluster_authority, may_be_user_kubeconfig, user_kubeconfig,
};
pub use node::node_arguments;
pub use node_address::node_address;
pub use node_fault::NodeFault;
pub use observe::{certificate, version_of};
pub use passwords::{stored_password, stored_text};
pub use registries::{RegistriesFault, RegistryEntry, RegistryLogin, has_password, registries_fault};
pub use registry_push::RegistryPush;
pub use start_cause::{StartCause, StartCauseKind, is_hopeless};
pub use step_detail::{CheckDetail, StepDetail};
pub use transfer_fault::TransferFault;
pub use unmet::Unmet;
pub use x509::{PemCertificate, certificates};
pub use yaml::yaml_keys;
