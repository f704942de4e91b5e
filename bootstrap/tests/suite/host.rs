//! The seam itself.

mod caller;
mod commands;
mod environment;
mod files;
mod replaceable;
mod root;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::stub_host::StubHost;
use bootstrap::host::*;
use bootstrap::secret::Secret;

/// Puts a program of the stand-in host in place.
fn program(stub: &StubHost, name: &str, text: &str) {
    stub.put(&format!("stub/bin/{name}"), format!("#!/bin/sh\n{text}\n"));
    let path = stub.path(&format!("stub/bin/{name}"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("mode");
}

/// Passes if this call of one test of this program passes: a name that no test has would pass as well, with none run.
fn check_repeated(mut again: std::process::Command) {
    let output = again.output().expect("it starts");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Puts real programs of this machine beside the stand-ins.
fn tools<const N: usize>(stub: &StubHost, names: [&str; N]) {
    for name in names {
        let real = ["/usr/bin", "/bin"].map(|dir| Path::new(dir).join(name));
        let real = real.into_iter().find(|path| path.exists()).unwrap_or_else(|| panic!("no {name} here"));
        std::os::unix::fs::symlink(real, stub.path("stub/tools").join(name)).expect("link");
    }
}
