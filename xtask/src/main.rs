//! Chores of the repository: `cargo xtask COMMAND`.

mod files;
mod schema_files;

use anyhow::bail;

const USAGE: &str = "usage: cargo xtask schema [--check]";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["schema"] => schema_files::write(),
        ["schema", "--check"] => schema_files::check(),
        _ => bail!("{USAGE}"),
    }
}
