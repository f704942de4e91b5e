//! `cargo xtask dist`: the release as operators install it.
//!
//! Everything here depends only on the sources, the compiler and the time of the commit, so that everyone who builds
//! the same commit gets the same bytes and can compare their checksums with the published ones.

mod build;
mod deb;
mod licences;
mod limits;
mod product;
mod release;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::{archive, contract, workspace};
use product::{Contents, Product};
use release::ReleaseStamp;
use tree::Tree;

const USAGE: &str = "usage: cargo xtask dist [--out DIRECTORY] [--bootstrap FILE --receiver FILE]

  --out DIRECTORY   where the release goes [default: target/dist/release-files]
  --bootstrap FILE  program to pack, instead of a release build
  --receiver FILE   program to pack, instead of a release build";

/// Makes the release for these arguments.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let (mut out, mut given) = (workspace::root().join("target/dist/release-files"), [None, None]);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value = PathBuf::from(words.next().context(USAGE)?);
        match *word {
            "--out" => out = value,
            "--bootstrap" => given[0] = Some(value),
            "--receiver" => given[1] = Some(value),
            _ => bail!("{USAGE}"),
        }
    }
    build::require(&["dpkg-deb", "git", "gzip", "tar", "time"])?;
    let release = ReleaseStamp::here(out)?;
    fs::create_dir_all(&release.out)?;
    let [core, receiver] = match given {
        // As a test of the packages passes them: a debug build has no limits.
        [Some(core), Some(receiver)] => [core, receiver],
        [None, None] => built(&release)?,
        _ => bail!("{USAGE}"),
    };
    let files =
        [pack(&release, &product::CORE, &core)?, pack(&release, &product::RECEIVER, &receiver)?].concat();
    write_sums(&release.out, files)
}

/// Builds both programs and checks their limits.
fn built(release: &ReleaseStamp) -> anyhow::Result<[PathBuf; 2]> {
    let programs = released([product::CORE.program, product::RECEIVER.program])?;
    workspace::print_line(&limits::check_size_and_memory(&programs[0], &release.out)?);
    Ok(programs)
}

/// Builds the programs of these packages as they are released: for any host, and without a trace of this one.
pub(crate) fn released<const N: usize>(packages: [&str; N]) -> anyhow::Result<[PathBuf; N]> {
    let programs = build::release(packages)?;
    for program in &programs {
        limits::check_portable(program)?;
    }
    Ok(programs)
}

/// Packs a product in each form and returns the names of the files.
fn pack(release: &ReleaseStamp, product: &Product, program: &Path) -> anyhow::Result<Vec<String>> {
    let ReleaseStamp { version, epoch, arch, out } = release;
    let contents = Contents::of(product, program, out, version)?;
    let name = product.control.name;
    let stem = format!("{name}-{version}-linux-{arch}");
    let names = [
        format!("{stem}.tar.gz"),
        format!("{name}_{version}_{arch}.deb"),
        format!("{name}-{version}.cdx.json"),
    ];
    let staged = out.join("staged");
    let tree = Tree::new(staged.join(&stem))?;
    contents.lay_out_archive(&tree)?;
    archive::write(&staged, &stem, &out.join(&names[0]), epoch)?;
    let tree = Tree::new(staged.join("deb"))?;
    contents.lay_out_host(&tree)?;
    deb::write(&tree, &product.control, release, &out.join(&names[1]))?;
    fs::write(out.join(&names[2]), &contents.bill)?;
    fs::remove_dir_all(&staged)?;
    Ok(names.to_vec())
}

/// Writes the checksums of the files, which `sha256sum --check` reads.
fn write_sums(out: &Path, mut names: Vec<String>) -> anyhow::Result<()> {
    names.sort();
    let mut sums = String::new();
    for name in names {
        let sum = contract::sha256(fs::read(out.join(&name))?);
        sums += &[&sum, "  ", &name, "\n"].concat();
    }
    fs::write(out.join("SHA256SUMS"), &sums)?;
    workspace::print_line(&format!("{}\n{}", out.display(), sums.trim_end()));
    Ok(())
}
