//! Stand-ins for the programs of the host: each writes down how it was called and answers as it was told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// How a stand-in answers.
#[derive(Clone, Copy, Debug)]
pub struct Stub<'a> {
    /// What it writes to standard output.
    pub stdout: &'a str,
    /// What it writes to standard error.
    pub stderr: &'a str,
    /// How long it takes.
    pub seconds: u32,
    /// Its exit code.
    pub code: u8,
}

impl Default for Stub<'_> {
    /// A program that a dry run has no reason to call.
    fn default() -> Self {
        Self { stdout: "", stderr: "a stand-in that should not have been called", seconds: 0, code: 97 }
    }
}

impl Stub<'_> {
    /// The stand-ins of every sandbox: a host where systemd knows nothing and no package is installed.
    pub(crate) const HOST: [(&'static str, Self); 5] = [
        ("systemctl", Stub { stdout: "inactive", stderr: "", seconds: 0, code: 3 }),
        ("dpkg-query", Stub { stdout: "", stderr: "dpkg-query: no packages found", seconds: 0, code: 1 }),
        ("curl", UNWANTED),
        ("tar", UNWANTED),
        ("apt-get", UNWANTED),
    ];

    /// Writes it to `folder` as the program `name`; its calls go to `calls`, one a line.
    pub(crate) fn install(self, folder: &Path, name: &str, calls: &Path) {
        let Self { stdout, stderr, seconds, code } = self;
        let calls = calls.display();
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"{name} $*\" >>'{calls}'\n[ {seconds} = 0 ] || /bin/sleep {seconds}\n\
             printf '%s' '{stdout}'\nprintf '%s' '{stderr}' >&2\nexit {code}\n"
        );
        let path = folder.join(name);
        fs::write(&path, script).expect("the folder is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    }
}

const UNWANTED: Stub<'static> =
    Stub { stdout: "", stderr: "a stand-in that should not have been called", seconds: 0, code: 97 };
