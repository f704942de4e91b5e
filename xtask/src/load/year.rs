//! A year of a fleet, compressed. The clock of a year is an argument inside the receiver and nowhere else, so that its own
//! test does it: here it gets its size, a store, and an optimized build.

use std::process::Command;

use anyhow::{Context, bail, ensure};

use super::site::{LoadSite, LoadStore};
use crate::workspace;

/// The hosts of the year that is spoken of.
const HOSTS: u32 = 100_000;
/// Weeks of a year.
const WEEKS: &str = "52";

/// Runs it. The arguments are the store (sqlite) and the number of hosts (100,000).
pub(super) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let (store, hosts) = match arguments {
        ["postgres", rest @ ..] => (LoadStore::Postgres, rest),
        ["sqlite", rest @ ..] | rest => (LoadStore::Sqlite, rest),
    };
    let hosts: u32 = match hosts {
        [] => HOSTS,
        [hosts] => hosts.parse()?,
        _ => bail!("usage: cargo xtask load year [sqlite|postgres] [HOSTS]"),
    };
    ensure!((1_000..=HOSTS).contains(&hosts), "between 1,000 and {HOSTS} hosts");
    let site = LoadSite::new(store)?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["test", "--release", "--package", "receiver", "--lib", "year::", "--", "--nocapture"])
        .current_dir(workspace::root())
        .env("RECEIVER_YEAR_HOSTS", hosts.to_string())
        .env("RECEIVER_YEAR_WEEKS", WEEKS)
        .env("RECEIVER_YEAR_STORE", site.store_url()?)
        .status()
        .context("failed to start cargo")?;
    ensure!(status.success(), "the year did not pass");
    workspace::print_line(&format!("storage at the end of the year, logs included: {}", site.size()?));
    Ok(())
}
