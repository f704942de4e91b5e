//! Changes to files and folders of the system.

use std::path::Path;

use manifest::{PreviousFile, Undo};
use schema::Component;

use super::change::{Change, Made};
use super::error::Trouble;
use super::{Apply, Effect, fetch};
use crate::host::Written;
use crate::step::{Content, certificate, lines};

impl Apply<'_> {
    pub(super) fn install(
        &mut self,
        component: Component,
        title: &str,
        from: &Path,
        path: &Path,
        mode: u32,
    ) -> Result<Effect, Trouble> {
        // Optional artifacts that a folder did not have.
        if !from.exists() {
            return Ok(Effect::Unchanged);
        }
        let new = fetch::sum_of(from)?;
        let change = match self.host.read(path)? {
            None => {
                let undo = Undo::File {
                    path: path.to_owned(),
                    sha256: new.to_string(),
                    previous: PreviousFile::Absent,
                };
                Change::of_absent(component, title, undo)
            }
            Some(old) => {
                let sha256 = manifest::sha256_hex(&old);
                if sha256 == new.to_string() && self.host.mode(path)? == Some(mode) {
                    return Ok(Effect::Unchanged);
                }
                let previous = PreviousFile::NotKept { sha256 };
                let undo = Undo::File { path: path.to_owned(), sha256: new.to_string(), previous };
                Change::of_present(component, title, None, undo)
            }
        };
        self.make(change, |this| Ok(wrote(this.host.install(from, path, mode)?, path)))
    }

    pub(super) fn write(
        &mut self,
        component: Component,
        title: &str,
        path: &Path,
        mode: u32,
        content: &Content,
    ) -> Result<Effect, Trouble> {
        let text = match content {
            Content::Secret(secret) => {
                self.host.log().learn(secret);
                secret.expose().to_owned()
            }
            Content::Certificate(secret) => certificate(self.host, secret).map_err(Trouble::State)?,
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
            (Some(old), Content::Certificate(_)) => {
                let previous = PreviousFile::of(old, old_mode);
                Change::of_present(component, title, None, Undo::file(path, text.as_bytes(), previous))
            }
            (Some(old), Content::Secret(_)) => {
                let previous = PreviousFile::NotKept { sha256: manifest::sha256_hex(old) };
                Change::of_present(component, title, None, Undo::file(path, text.as_bytes(), previous))
            }
        };
        self.make(change, |this| Ok(wrote(this.host.write(path, &text, Some(mode))?, path)))
    }

    pub(super) fn ensure_dir(
        &mut self,
        component: Component,
        title: &str,
        path: &Path,
        mode: u32,
    ) -> Result<Effect, Trouble> {
        let mut effect = Effect::Unchanged;
        // One by one, so that each folder has its own record: rollback removes those that are empty.
        for folder in self.host.missing_dirs(path)? {
            let change = Change::of_absent(component, title, Undo::Directory { path: folder.clone() });
            let mode = if folder == path { mode } else { 0o755 };
            effect = self.make(change, |this| {
                this.host.ensure_dir(&folder, mode)?;
                Ok(Made::wrote(folder.display().to_string()))
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
    ) -> Result<Effect, Trouble> {
        let text = self.host.read_text(path)?.unwrap_or_default();
        let block = lines::block(marker, lines);
        let previous = lines::find_block(&text, marker).map(str::to_owned);
        if previous.as_ref() == Some(&block) {
            return Ok(Effect::Unchanged);
        }
        let there = previous.is_some();
        let sha256 = manifest::sha256_hex(block.as_bytes());
        let undo = Undo::LineBlock { path: path.to_owned(), marker: marker.to_owned(), sha256, previous };
        let change = if there {
            Change::of_present(component, title, None, undo)
        } else {
            Change::of_absent(component, title, undo)
        };
        let new = lines::with_block(&text, marker, lines);
        self.make(change, |this| Ok(wrote(this.host.write(path, &new, None)?, path)))
    }

    pub(super) fn ensure_line(
        &mut self,
        component: Component,
        title: &str,
        path: &Path,
        line: &str,
    ) -> Result<Effect, Trouble> {
        let text = self.host.read_text(path)?.unwrap_or_default();
        if lines::has_line(&text, line) {
            return Ok(Effect::Unchanged);
        }
        let undo = Undo::Line { path: path.to_owned(), line: line.to_owned() };
        let change = Change::of_absent(component, title, undo);
        let new = lines::with_line(&text, line);
        self.make(change, |this| Ok(wrote(this.host.write(path, &new, None)?, path)))
    }
}

fn wrote(how: Written, path: &Path) -> Made {
    let remark = match how {
        Written::Created => "created",
        Written::Replaced => "replaced",
        Written::InPlace => "written in place, because something is mounted on it",
        Written::Unchanged => "unchanged",
    };
    Made::wrote(format!("{}: {remark}", path.display()))
}
