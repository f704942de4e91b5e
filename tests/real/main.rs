//! The tiers on real systems: the built program on a real systemd, and with a real k3s.
//!
//! A separate program and not a test target, because a tier needs root, a network the first time and minutes: `cargo test`
//! must not start it. Tiers print SKIP where they cannot run; nothing outside their cache directory is
//! changed. A tier is `prepare` (what takes network or minutes, kept in the cache; a fault there is a SKIP) and `run`
//! (from there on a fault is a failure).

#![expect(
    clippy::disallowed_methods,
    reason = "the host seam belongs to the program; this starts machines for it and writes files into them"
)]

mod artifacts;
mod cache;
mod cgroups;
mod container;
mod debian;
mod inspect;
mod k3s;
mod machine;
mod network;
mod node;
mod nspawn;
mod options;
mod process;
mod transcript;

use anyhow::Context;

use cache::{Cache, Scratch, Subject};
use options::{Options, USAGE};
use transcript::{Skip, Transcript, line};

/// A tier.
struct Tier {
    name: &'static str,
    prepare: fn(&Cache, &Options, &mut Transcript) -> Result<(), Skip>,
    run: fn(&Cache, &Options, &Scratch, &Subject, &mut Transcript) -> anyhow::Result<()>,
}

const TIERS: [Tier; 2] = [
    Tier { name: "nspawn", prepare: nspawn::prepare, run: nspawn::run },
    Tier { name: "k3s", prepare: k3s::prepare, run: k3s::run },
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (name, options) = arguments.split_first().context(USAGE)?;
    let options = Options::parse(options)?;
    let tier = TIERS.iter().find(|tier| tier.name == *name).context(USAGE)?;
    let mut transcript = Transcript::new();
    let cache = match Cache::open(options.cache.clone()).map_err(Skip::from).and_then(|cache| {
        (tier.prepare)(&cache, &options, &mut transcript)?;
        Ok(cache)
    }) {
        Ok(cache) => cache,
        Err(Skip(reason)) => {
            line(&format!("SKIP e2e {name}: {reason}"));
            anyhow::ensure!(std::env::var_os("CI").is_none(), "CI leaves no tier out: {name}: {reason}");
            return Ok(());
        }
    };
    // From here on nothing is a reason to skip: what was prepared works on this machine.
    let scratch = Scratch::new(&cache)?;
    let subject = Subject::get(options.bootstrap.as_deref(), &scratch)?;
    transcript.note("the program to test is in place");
    (tier.run)(&cache, &options, &scratch, &subject, &mut transcript)?;
    transcript.end(tier.name)
}
