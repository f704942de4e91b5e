//! `cargo xtask e2e nspawn` and `cargo xtask e2e apiserver`: the built program against a real systemd and against a
//! real API server. Both need root and say SKIP where they cannot run; nothing outside their cache folder is changed.

#![expect(
    clippy::disallowed_methods,
    reason = "the host seam belongs to the program; this starts machines for it and writes files into them"
)]

mod apiserver;
mod cache;
mod debian;
mod machine;
mod nspawn;
mod process;
mod report;
mod snapshot;
mod subject;

use anyhow::{Context, bail};

use crate::workspace;
use cache::{Cache, Work};
use report::Report;
use subject::Subject;

/// What `cargo xtask e2e` understands.
pub(crate) const USAGE: &str = "usage: cargo xtask e2e nspawn|apiserver [--cache DIR] [--bootstrap FILE]

  --cache DIR       where packages and what is built of them are kept
                    [default: productive-k3s-e2e in $XDG_CACHE_HOME or ~/.cache]
  --bootstrap FILE  the program to test, instead of the one that cargo builds";

/// Why a tier cannot run here.
pub(super) struct Skip(String);

impl<E: std::fmt::Display> From<E> for Skip {
    fn from(error: E) -> Self {
        Self(format!("{error:#}"))
    }
}

/// Runs one tier.
///
/// # Errors
/// Something did not hold, or could not be tried. That this machine cannot run the tier at all is no error.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let (tier, options) = arguments.split_first().context(USAGE)?;
    let options = Options::parse(options)?;
    let prepare = match *tier {
        "nspawn" => nspawn::prepare,
        "apiserver" => apiserver::prepare,
        _ => bail!("{USAGE}"),
    };
    let run = match *tier {
        "nspawn" => nspawn::run,
        _ => apiserver::run,
    };
    let mut report = Report::new();
    let cache = match Cache::open(options.cache).map_err(Skip::from).and_then(|cache| {
        prepare(&cache, &mut report)?;
        Ok(cache)
    }) {
        Ok(cache) => cache,
        Err(Skip(reason)) => {
            workspace::print_line(&format!("SKIP e2e {tier}: {reason}"));
            return Ok(());
        }
    };
    let work = Work::new(&cache)?;
    let subject = Subject::get(options.bootstrap.as_deref(), &work)?;
    report.note("the program to test is in place");
    run(&cache, &work, &subject, &mut report)?;
    report.end(tier)
}

/// The options that both tiers have.
#[derive(Default)]
struct Options {
    cache: Option<std::path::PathBuf>,
    bootstrap: Option<std::path::PathBuf>,
}

impl Options {
    fn parse(mut arguments: &[&str]) -> anyhow::Result<Self> {
        let mut options = Self::default();
        loop {
            arguments = match arguments {
                [] => return Ok(options),
                ["--cache", folder, rest @ ..] => {
                    options.cache = Some(std::path::absolute(folder)?);
                    rest
                }
                ["--bootstrap", file, rest @ ..] => {
                    options.bootstrap = Some(std::path::absolute(file)?);
                    rest
                }
                _ => bail!("{USAGE}"),
            }
        }
    }
}
