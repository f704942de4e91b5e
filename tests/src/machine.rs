//! What a test finds on this machine: the binary under test, programs and privileges.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// The binary under test: the one that `BOOTSTRAP_BINARY` names, such as a release build, or that of this target directory.
pub fn bootstrap() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        if let Some(named) = std::env::var_os("BOOTSTRAP_BINARY") {
            return PathBuf::from(named);
        }
        let this = std::env::current_exe().expect("this test is a file");
        // Test executables are in `deps`, the binary is in the directory above.
        let directory = this.ancestors().nth(2).expect("a target directory");
        let path = directory.join("bootstrap");
        if is_stale(&path) {
            build();
        }
        path
    })
}

/// The directory of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// Cargo does not know that these tests need the binary, and a suite that ran an old one would prove nothing. The file
/// that Cargo leaves beside the binary names every source of it.
fn is_stale(binary: &Path) -> bool {
    let modified = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    let Some(built) = modified(binary) else { return true };
    let Ok(sources) = std::fs::read_to_string(binary.with_extension("d")) else { return true };
    let mut sources = sources.split_whitespace().skip(1);
    sources.any(|source| modified(Path::new(source)).is_none_or(|changed| changed > built))
}

fn build() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--package", "bootstrap"])
        .current_dir(workspace())
        .status()
        .expect("cargo starts");
    assert!(status.success(), "the binary under test does not build");
}

/// User and group id that owns nothing.
pub const NOBODY: u32 = 65_534;

/// Whether this process is root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Where the program `name` of this machine is.
pub fn program(name: &str) -> Option<PathBuf> {
    // The binary gets a PATH of its own, so that wrappers are named by their full path.
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|path| path.is_file())
}

/// Reports that a test, or a part of it, cannot run here. The test harness hides what the print macros write, so this goes
/// past it: a skipped test must be seen. CI has all that tests need, so that it fails there.
///
/// # Panics
/// Where the variable `CI` is set.
pub fn skip(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIP {what}: {why}");
    assert!(std::env::var_os("CI").is_none(), "CI leaves no test out: {what}: {why}");
}

/// Whether `holds` becomes true before the time limit.
pub fn eventually(patience: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + patience;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() > until {
            return false;
        }
        // Short compared with the awaited condition, long enough to leave the processor to it.
        thread::sleep(Duration::from_millis(5));
    }
}
