//! What this machine lets a test do.

use std::io::Write;
use std::path::PathBuf;

/// User and group id that owns nothing.
pub const NOBODY: u32 = 65_534;

/// Whether this process is root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Where the program `name` of this machine is.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Says that a test, or a part of it, cannot run here. The test harness hides what the print macros write, so this goes
/// past it: a skipped test must be seen.
pub fn skip(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIP {what}: {why}");
}
