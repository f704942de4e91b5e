//! Separate cgroups for a machine, in every hierarchy of this machine.
//!
//! A kubelet makes cgroups for its pods. On a machine without any of its own they would be made among those of this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::process;

/// One directory per hierarchy. They are removed with this value, when nothing runs in them any more.
pub(crate) struct Cgroups(Vec<PathBuf>);

/// Enters the cgroups before the `--`, and executes the program after it.
const ENTER: &str = r#"while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done; shift; exec "$@""#;

impl Cgroups {
    /// Makes those of the machine `name`.
    pub(crate) fn make(name: &str) -> anyhow::Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").context("cannot read the mounts")?;
        let hierarchies = mounts.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            matches!(fields.as_slice(), [_, _, "cgroup" | "cgroup2", ..]).then(|| PathBuf::from(fields[1]))
        });
        let mut made = Self(Vec::new());
        for hierarchy in hierarchies {
            let directory = hierarchy.join(format!("productive-k3s-e2e-{name}"));
            remove(&directory);
            fs::create_dir_all(&directory)
                .with_context(|| format!("cannot create {}", directory.display()))?;
            inherit_cpus(&hierarchy, &directory)?;
            made.0.push(directory);
        }
        Ok(made)
    }

    /// A command that enters them and executes the program that is appended to it.
    pub(crate) fn enter(&self) -> Vec<String> {
        let directories = self.0.iter().map(|directory| directory.display().to_string());
        let start = ["sh", "-euc", ENTER, "sh"].map(str::to_owned);
        start.into_iter().chain(directories).chain(["--".to_owned()]).collect()
    }
}

/// In version 1 a cpuset begins empty, and nothing can run in it.
fn inherit_cpus(hierarchy: &Path, directory: &Path) -> anyhow::Result<()> {
    if !directory.join("cgroup.clone_children").exists() || !directory.join("cpuset.cpus").exists() {
        return Ok(());
    }
    for file in ["cpuset.cpus", "cpuset.mems"] {
        fs::write(directory.join(file), fs::read(hierarchy.join(file))?)?;
    }
    Ok(fs::write(directory.join("cgroup.clone_children"), "1")?)
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        self.0.iter().for_each(|directory| remove(directory));
    }
}

/// Cgroups are removed one by one, the innermost first; their files go with them.
fn remove(directory: &Path) {
    if directory.exists() {
        let mut find = Command::new("find");
        find.arg(directory).args(["-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]);
        // One in which something is still ending stays; the next run removes it.
        let _ = process::run(&mut find);
    }
}
