//! Helm releases.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use manifest::Undo;
use schema::Component;
use serde_json::Value;

use super::change::{Change, StepOutcome};
use super::error::StepError;
use super::{Effect, Executor, StepEvent};
use crate::host::Stdin;
use crate::secret::Secret;
use crate::step::{Found, HelmRelease, Kube, Revision, delete_secret, helm_upgrade};

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
        let (host, passwords) = (self.host, &mut self.passwords);
        let values = helm.values.resolved(|source| passwords.resolve(host, component, source))?.to_string();
        let undo = |revision| Undo::HelmRelease {
            release: helm.release.clone(),
            namespace: helm.namespace.clone(),
            revision,
        };
        let change = match &former {
            Some(former) => Change::of_present(component, title, Some(former.state.clone()), Undo::None),
            None => Change::of_absent(component, title, undo(None)),
        };
        self.make(change, |this| {
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
        loop {
            let Some(last) = self.last_revision(helm)? else { return Ok(None) };
            if !last.state.starts_with("pending-") {
                return Ok(Some(last));
            }
            if age(&last) >= ABANDONED {
                let title = "record of a helm that was killed";
                self.make(
                    Change::of_present(component, title, Some(last.state.clone()), Undo::None),
                    |this| {
                        this.host.run(&delete_secret(&helm.namespace, &last.secret))?;
                        Ok(StepOutcome::wrote(last.secret.clone()))
                    },
                )?;
            } else {
                (self.report)(StepEvent::Waiting("another helm is at work on the release"));
                self.pause()?;
            }
        }
    }

    fn last_revision(&self, helm: &HelmRelease) -> Result<Option<Revision>, StepError> {
        match Kube(self.host).get_path(&Revision::path(&helm.namespace, &helm.release)) {
            Found::Object(list) => Ok(Revision::all(&list).pop()),
            Found::NotFound => Ok(None),
            Found::Unknown(reason) => Err(StepError::State(reason)),
        }
    }
}

/// How long ago the revision was touched; for ever if it does not say.
fn age(revision: &Revision) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    revision.modified.map_or(Duration::MAX, |at| now.saturating_sub(at))
}
