//! Changes to files and directories of the system.

use std::path::Path;

use manifest::{FormerMode, PreviousFile, Undo};
use schema::Component;

use super::action::Content;
use super::error::StepError;
use super::executor::{Change, Effect, Executor, StepOutcome};
use super::lines;
use super::node_address::node_address;
use super::observe::certificate;
use crate::host::{ProbeError, Written};

impl Executor<'_> {
    pub(super) fn install(
        &mut self,
        component: Component,
        title: &str,
        from: &Path,
        path: &Path,
        mode: u32,
    ) -> Result<Effect, StepError> {
        let new = self.host.sha256_of_staged(from)?.ok_or_else(|| StepError::NotFetched(from.to_owned()))?;
        let change = match self.host.read(path)? {
            None => {
                let undo =
                    Undo::File { path: path.to_owned(), sha256: new.clone(), previous: PreviousFile::Absent };
                Change::of_absent(component, title, undo)
            }
            Some(old) => {
                let sha256 = manifest::sha256_hex(&old);
                if sha256 == new && self.host.mode(path)? == Some(mode) {
                    return Ok(Effect::Unchanged);
                }
                let previous = PreviousFile::NotKept { sha256 };
                let undo = Undo::File { path: path.to_owned(), sha256: new.clone(), previous };
                Change::of_present(component, title, None, undo)
            }
        };
        self.change(change, |this| Ok(wrote(this.host.install(from, path, mode)?, path)))
    }

    pub(super) fn write(
        &mut self,
        component: Component,
        title: &str,
        path: &Path,
        mode: u32,
        content: &Content,
    ) -> Result<Effect, StepError> {
        let text = match content {
            Content::Secret(secret) => {
                self.host.log().redact(secret);
                secret.expose().to_owned()
            }
            Content::Text(text) => text.clone(),
            Content::Certificate(secret) => certificate(self.host, secret).map_err(ProbeError::from)?,
        };
        // Without root a secret file of a former run cannot be read, and is written again.
        let old = match self.host.read(path) {
            Err(error) if error.is_denied() => Some(Vec::new()),
            read => read?,
        };
        let old_mode = self.host.mode(path)?.unwrap_or(mode);
        if old.as_deref() == Some(text.as_bytes()) && old_mode == mode {
            return Ok(Effect::Unchanged);
        }
        let change = match (&old, content) {
            (None, _) => {
                Change::of_absent(component, title, Undo::file(path, text.as_bytes(), PreviousFile::Absent))
            }
            (Some(old), Content::Certificate(_) | Content::Text(_)) => {
                let previous = PreviousFile::of(old, old_mode);
                Change::of_present(component, title, None, Undo::file(path, text.as_bytes(), previous))
            }
            (Some(old), Content::Secret(_)) => {
                let previous = PreviousFile::NotKept { sha256: manifest::sha256_hex(old) };
                Change::of_present(component, title, None, Undo::file(path, text.as_bytes(), previous))
            }
        };
        self.change(change, |this| Ok(wrote(this.host.write(path, &text, Some(mode))?, path)))
    }

    pub(super) fn ensure_dir(
        &mut self,
        component: Component,
        title: &str,
        path: &Path,
        mode: u32,
    ) -> Result<Effect, StepError> {
        let mut effect = Effect::Unchanged;
        // One by one, so that each directory has its own record: rollback removes those that are empty.
        for folder in self.host.missing_dirs(path)? {
            let change = Change::of_absent(component, title, Undo::Directory { path: folder.clone() });
            let mode = if folder == path { mode } else { 0o755 };
            effect = self.change(change, |this| {
                this.host.ensure_dir(&folder, mode)?;
                Ok(StepOutcome::wrote(folder.display().to_string()))
            })?;
        }
        Ok(effect)
    }

    pub(super) fn ensure_block(
        &mut self,
        component: Component,
        title: &str,
        path: &Path,
        marker: &str,
        lines: &[String],
    ) -> Result<Effect, StepError> {
        let text = self.host.read_text(path)?.unwrap_or_default();
        let block = lines::block(marker, lines);
        let previous = lines::find_block(&text, marker).map(str::to_owned);
        if previous.as_ref() == Some(&block) {
            return Ok(Effect::Unchanged);
        }
        let there = previous.is_some();
        let sha256 = manifest::sha256_hex(block.as_bytes());
        let (path_of, marker_of) = (path.to_owned(), marker.to_owned());
        let undo = Undo::LineBlock { path: path_of, marker: marker_of, sha256, previous, former_mode: None };
        let change = if there {
            Change::of_present(component, title, None, undo)
        } else {
            Change::of_absent(component, title, undo)
        };
        let new = lines::with_block(&text, marker, lines);
        self.change(change, |this| Ok(wrote(this.host.write(path, &new, None)?, path)))
    }

    pub(super) fn ensure_hosts(
        &mut self,
        component: Component,
        title: &str,
        path: &Path,
        marker: &str,
        names: &[String],
    ) -> Result<Effect, StepError> {
        let address = node_address(self.host).map_err(ProbeError::from)?;
        self.ensure_block(component, title, path, marker, &lines::of_hosts(address, names))
    }

    pub(super) fn ensure_line(
        &mut self,
        component: Component,
        title: &str,
        path: &Path,
        line: &str,
    ) -> Result<Effect, StepError> {
        let text = self.host.read_text(path)?.unwrap_or_default();
        if lines::has_line(&text, line) {
            return Ok(Effect::Unchanged);
        }
        let undo = Undo::Line { path: path.to_owned(), line: line.to_owned() };
        let change = Change::of_absent(component, title, undo);
        let new = lines::with_line(&text, line);
        self.change(change, |this| Ok(wrote(this.host.write(path, &new, None)?, path)))
    }

    pub(super) fn restore_file(&self, path: &Path, previous: &PreviousFile) -> Result<(), StepError> {
        match previous {
            PreviousFile::Text { content, mode } => drop(self.host.write(path, content, Some(*mode))?),
            PreviousFile::Absent => self.host.remove_file(path)?,
            // The planner never asks for this: what is not kept is left to the operator.
            PreviousFile::NotKept { .. } => {}
        }
        Ok(())
    }

    pub(super) fn remove_dir(&self, path: &Path) -> Result<(), StepError> {
        if self.host.remove_empty_dir(path)? { Ok(()) } else { Err(StepError::NotEmpty(path.to_owned())) }
    }

    pub(super) fn restore_block(
        &self,
        path: &Path,
        marker: &str,
        previous: Option<&str>,
        former_mode: Option<&FormerMode>,
    ) -> Result<(), StepError> {
        let Some(text) = self.host.read_text(path)? else { return Ok(()) };
        let Some(found) = lines::find_block(&text, marker) else { return Ok(()) };
        let restored = text.replacen(found, previous.unwrap_or_default(), 1);
        let found_mode = self.host.mode(path)?;
        let is_as_left = |former: &&FormerMode| {
            found_mode == Some(former.closed())
                && manifest::sha256_hex(restored.as_bytes()) == former.rest_sha256
        };
        self.host.write(path, &restored, former_mode.filter(is_as_left).map(|former| former.mode))?;
        Ok(())
    }

    pub(super) fn remove_line(&self, path: &Path, line: &str) -> Result<(), StepError> {
        let Some(text) = self.host.read_text(path)? else { return Ok(()) };
        self.host.write(path, &lines::without_line(&text, line), None)?;
        Ok(())
    }
}

fn wrote(how: Written, path: &Path) -> StepOutcome {
    let remark = match how {
        Written::Created => "created",
        Written::Replaced => "replaced",
        Written::InPlace => "written in place, because something is mounted on it",
        Written::Unchanged => "unchanged",
    };
    StepOutcome::wrote(format!("{}: {remark}", path.display()))
}
