//! Helm releases: installing, waiting for another helm, uninstalling.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use manifest::Undo;
use schema::Component;
use serde_json::Value;

use super::action::HelmRelease;
use super::command::{delete_secret, helm_uninstall, helm_upgrade, longhorn_setting};
use super::error::StepError;
use super::executor::{Change, Effect, Executor, Look, StepOutcome};
use super::kube::{Kube, ObjectRef, Revision};
use crate::host::Stdin;
use crate::secret::Secret;

/// A helm that was left alone has given up after this time.
const ABANDONED: Duration = Duration::from_mins(12);

impl Executor<'_> {
    pub(super) fn helm(
        &mut self,
        component: Component,
        title: &str,
        helm: &HelmRelease,
    ) -> Result<Effect, StepError> {
        let former = self.wait_for_helm_lock(component, helm)?;
        // A former run got this far. Its release is left alone, as one that somebody else made would be.
        if former.as_ref().is_some_and(|former| former.state == "deployed") {
            return Ok(Effect::Unchanged);
        }
        let values = helm.values.resolved(|source| self.resolve_secret(component, source))?.to_string();
        let undo = |revision| Undo::HelmRelease {
            release: helm.release.clone(),
            namespace: helm.namespace.clone(),
            revision,
        };
        let change = match &former {
            Some(former) => Change::of_present(component, title, Some(former.state.clone()), Undo::None),
            None => Change::of_absent(component, title, undo(None)),
        };
        self.change(change, |this| {
            let output = this.host.run(&helm_upgrade(helm, Stdin::Secret(Secret::new(values))))?;
            let release: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let revision = release.get("version").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
            let undo = former.is_none().then(|| undo(revision));
            Ok(StepOutcome { wrote: Some(format!("{}/{}", helm.namespace, helm.release)), undo })
        })
    }

    /// The last revision of the release, when no helm is at work on it any more.
    ///
    /// A run that was killed leaves its helm at work, and a helm that was killed leaves a revision that stays pending
    /// and bars every further one. The first is waited for; the record of the second is removed, upon which helm takes
    /// the objects of the release over, for they carry its name.
    fn wait_for_helm_lock(
        &mut self,
        component: Component,
        helm: &HelmRelease,
    ) -> Result<Option<Revision>, StepError> {
        let path = Revision::path(&helm.namespace, &helm.release);
        let look = |this: &mut Self| {
            let revisions = Kube(this.host).get_path(&path)?;
            match revisions.as_ref().map(Revision::all).unwrap_or_default().pop() {
                Some(last) if last.state.starts_with("pending-") && age(&last) < ABANDONED => {
                    Ok(Look::NotYet("another helm operation on the release is in progress"))
                }
                Some(last) if last.state.starts_with("pending-") => {
                    this.remove_abandoned(component, helm, &last)?;
                    Ok(Look::NotYet("the record of a helm that was killed to go away"))
                }
                last => Ok(Look::Ready(last)),
            }
        };
        // A revision is abandoned sooner than this, so the wait ends by itself.
        match self.wait_until(2 * ABANDONED, look)? {
            Look::Ready(last) => Ok(last),
            Look::NotYet(_) => Err(StepError::Stays {
                what: format!("a pending revision of helm release {}/{}", helm.namespace, helm.release),
                seconds: 2 * ABANDONED.as_secs(),
            }),
        }
    }

    fn remove_abandoned(
        &mut self,
        component: Component,
        helm: &HelmRelease,
        last: &Revision,
    ) -> Result<Effect, StepError> {
        let title = "record of a helm that was killed";
        self.change(Change::of_present(component, title, Some(last.state.clone()), Undo::None), |this| {
            this.host.run(&delete_secret(&helm.namespace, &last.secret))?;
            Ok(StepOutcome::wrote(last.secret.clone()))
        })
    }

    pub(super) fn uninstall_release(
        &self,
        namespace: &str,
        release: &str,
        confirmation: Option<&ObjectRef>,
    ) -> Result<(), StepError> {
        let uninstall = || self.host.run(&helm_uninstall(namespace, release)).map(drop);
        // A chart that never got as far as having settings has nothing to confirm.
        let setting = match confirmation {
            Some(setting) => Kube(self.host).get(setting)?.map(|_| setting),
            None => None,
        };
        let confirm = |setting: &ObjectRef, value| {
            self.host.run(&longhorn_setting(namespace, &setting.name, value)).map(drop)
        };
        if let Some(setting) = setting {
            confirm(setting, "true")?;
        }
        uninstall().map_err(|error| {
            // It guards against others, too.
            drop(setting.map(|setting| confirm(setting, "false")));
            error.into()
        })
    }
}

/// How long ago the revision was touched. One that does not say so counts as fresh: the record of a helm that is at work
/// must never be removed, and the operator can remove one that is not.
fn age(revision: &Revision) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    revision.touched.map_or(Duration::ZERO, |at| now.saturating_sub(at))
}
