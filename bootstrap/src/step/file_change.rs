//! What a step would change in a text file of this host, as a unified diff.
//!
//! Each of our steps changes one place of a file, so what differs is what stands between the lines that are the same at the
//! beginning and those that are the same at the end: a general algorithm would find nothing else. Files that may hold
//! secrets, ours or those of others, have no diff.

use std::path::{Path, PathBuf};

use super::action::{Action, Content, Step};
use super::lines;
use crate::host::Host;

/// A text file before and after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    path: PathBuf,
    before: Option<String>,
    after: String,
}

/// What stands for the address of this host's node, which is not known before there is a cluster.
pub(super) const NODE_ADDRESS: &str = "<node address>";

/// Lines that are shown before and after what differs.
const CONTEXT: usize = 3;

impl Step {
    /// The change that this step would make to a text file of `host` now; `None` if it makes none, or none that can be shown.
    pub fn file_change(&self, host: &Host) -> Option<FileChange> {
        let of = |path: &Path, after: &dyn Fn(&str) -> String| {
            let before = host.read_text(path).ok()?;
            let after = after(before.as_deref().unwrap_or_default());
            Some(FileChange { path: path.to_owned(), before, after })
        };
        match &self.action {
            Action::Write { path, content: Content::Text(text), .. } => of(path, &|_| text.clone()),
            Action::EnsureBlock { path, marker, lines } => {
                of(path, &|before| lines::with_block(before, marker, lines))
            }
            Action::EnsureHosts { path, marker, names } => {
                let lines: Vec<String> = names.iter().map(|name| format!("{NODE_ADDRESS} {name}")).collect();
                of(path, &|before| lines::with_block(before, marker, &lines))
            }
            Action::EnsureLine { path, line } => of(path, &|before| lines::with_line(before, line)),
            _ => None,
        }
    }
}

impl FileChange {
    /// The lines of the unified diff, its two headers first. None where nothing changes.
    pub fn unified(&self) -> Vec<String> {
        let old: Vec<&str> = self.before.iter().flat_map(|text| text.lines()).collect();
        let new: Vec<&str> = self.after.lines().collect();
        if self.before.is_some() && old == new {
            return Vec::new();
        }
        let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        let left = old.len().min(new.len()) - same;
        let pairs = old.iter().rev().zip(new.iter().rev()).take(left);
        let same_at_end = pairs.take_while(|(old, new)| old == new).count();
        let from = same.saturating_sub(CONTEXT);
        let until = (old.len() - same_at_end + CONTEXT).min(old.len());
        let (removed, added) = (&old[same..old.len() - same_at_end], &new[same..new.len() - same_at_end]);
        let path = self.path.display();
        let before = if self.before.is_some() { format!("--- {path}") } else { "--- /dev/null".to_owned() };
        let (old_count, new_count) = (until - from, until - from + added.len() - removed.len());
        // An empty side is counted from the line before it, which is zero in an empty file.
        let start = |count: usize| if count == 0 { from } else { from + 1 };
        let hunk = format!("@@ -{},{old_count} +{},{new_count} @@", start(old_count), start(new_count));
        let line = |sign: char| move |line: &&str| format!("{sign}{line}").trim_end().to_owned();
        [before, format!("+++ {path}"), hunk]
            .into_iter()
            .chain(old[from..same].iter().map(line(' ')))
            .chain(removed.iter().map(line('-')))
            .chain(added.iter().map(line('+')))
            .chain(old[old.len() - same_at_end..until].iter().map(line(' ')))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::FileChange;

    fn diff(before: Option<&str>, after: &str) -> String {
        let before = before.map(str::to_owned);
        FileChange { path: "/etc/hosts".into(), before, after: after.to_owned() }.unified().join("\n")
    }

    #[test]
    fn a_change_is_a_unified_diff_that_patch_understands() {
        assert_eq!(
            diff(Some("a\nb\nc\nd\ne\n"), "a\nb\nc\nd\ne\nX\n"),
            "--- /etc/hosts\n+++ /etc/hosts\n@@ -3,3 +3,4 @@\n c\n d\n e\n+X"
        );
        assert_eq!(
            diff(Some("a\nold\nb\n"), "a\nnew\nnewer\nb\n"),
            "--- /etc/hosts\n+++ /etc/hosts\n@@ -1,3 +1,4 @@\n a\n-old\n+new\n+newer\n b"
        );
        assert_eq!(diff(None, "a\n"), "--- /dev/null\n+++ /etc/hosts\n@@ -0,0 +1,1 @@\n+a");
        assert_eq!(diff(Some("a\na\n"), "a\n"), "--- /etc/hosts\n+++ /etc/hosts\n@@ -1,2 +1,1 @@\n a\n-a");
        assert_eq!(diff(Some("a\n"), "a\n"), "");
    }
}
