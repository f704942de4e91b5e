//! Where the binary under test is, built if it is missing or older than its sources.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The binary under test: the one that `BOOTSTRAP_BINARY` names, such as a release build, or that of this target folder.
pub fn bootstrap() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        if let Some(named) = std::env::var_os("BOOTSTRAP_BINARY") {
            return PathBuf::from(named);
        }
        let this = std::env::current_exe().expect("this test is a file");
        // Test executables are in `deps`, the binary is in the folder above.
        let folder = this.ancestors().nth(2).expect("a target folder");
        let path = folder.join("bootstrap");
        if is_stale(&path) {
            build();
        }
        path
    })
}

/// The folder of the workspace.
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
