//! `man DIRECTORY` writes a manual page for each command. An example and not a command of the program: it is run once a
//! release, and the program stays without what writes roff.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args_os().nth(1).map(PathBuf::from).ok_or("usage: man DIRECTORY")?;
    Ok(clap_mangen::generate_to(bootstrap::cli::parser(), directory)?)
}
