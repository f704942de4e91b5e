//! The programs of a cluster, from Debian's packages and from Debian's source of Kubernetes 1.20.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::cache::Cache;
use crate::debian::{self, Apt};
use crate::process;
use crate::transcript::{Skip, Transcript};

/// Programs of this machine that the tier uses.
const PROGRAMS: [&str; 10] = [
    "apt-get",
    "dpkg-deb",
    "dpkg-source",
    "make",
    "curl",
    "openssl",
    "nsenter",
    "setpriv",
    "sha256sum",
    "tar",
];

/// What is unpacked: etcd to be run; Go, a library, and rsync with its own library, to build the rest.
const PACKAGES: [&str; 6] = [
    "etcd-server",
    "golang-1.19-go",
    "golang-1.19-src",
    "golang-github-modern-go-reflect2-dev",
    "libpopt0",
    "rsync",
];

/// A library of which Kubernetes 1.20 brings release 1.0.1. Built with Go from 1.18 on, that one overwrites memory at
/// random whenever it encodes a map as JSON; Debian's package has the release that does not.
const REFLECT2: &str = "github.com/modern-go/reflect2";

/// What is built.
const BUILT: [&str; 3] = ["kube-apiserver", "kube-controller-manager", "kubectl"];

/// Where the packages are in the cache.
const TOOLS: &str = "apiserver-tools";

/// Where the built programs are in the cache.
const KUBERNETES: &str = "kubernetes";

/// Everything that takes network or minutes, done once.
pub(crate) fn prepare(cache: &Cache, transcript: &mut Transcript) -> Result<(), Skip> {
    debian::require(&PROGRAMS)?;
    let unpacked = cache.once(TOOLS, |directory| Apt::refreshed(cache)?.unpack(&PACKAGES, directory))?;
    transcript.note(if unpacked { "etcd and Go unpacked" } else { "etcd and Go are in the cache" });
    let built = cache.once(KUBERNETES, |directory| {
        let build = directory.join("build");
        fs::create_dir(&build)?;
        let source = build.join("source");
        Apt::refreshed(cache)?
            .source("kubernetes", &source)
            .context("cannot get the source of Kubernetes")?;
        make(&cache.at(TOOLS), &source, directory)?;
        fs::remove_dir_all(&build).context("cannot remove the source")
    })?;
    transcript.note(if built { "Kubernetes built" } else { "Kubernetes is in the cache" });
    Ok(())
}

/// The program `name` of the cluster.
pub(crate) fn program(cache: &Cache, name: &str) -> PathBuf {
    if BUILT.contains(&name) {
        cache.at(KUBERNETES).join(name)
    } else {
        cache.at(TOOLS).join("usr/bin").join(name)
    }
}

/// Builds as Debian's own rules do: in a GOPATH that leads to the source itself.
fn make(tools: &Path, source: &Path, directory: &Path) -> anyhow::Result<()> {
    let (gopath, goroot) = (source.join(".go"), tools.join("usr/lib/go-1.19"));
    let mended = tools.join("usr/share/gocode/src").join(REFLECT2);
    let vendored = source.join("vendor").join(REFLECT2);
    fs::remove_dir_all(&vendored)?;
    process::output(Command::new("cp").arg("--recursive").arg(mended).arg(&vendored))?;
    fs::create_dir_all(gopath.join("src/k8s.io"))?;
    symlink("../../..", gopath.join("src/k8s.io/kubernetes"))?;
    let libraries = tools.join("usr/lib").join(format!("{}-linux-gnu", std::env::consts::ARCH));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = [goroot.join("bin"), tools.join("usr/bin")].into_iter().chain(std::env::split_paths(&path));
    let what: Vec<String> = BUILT.iter().map(|name| format!("cmd/{name}")).collect();
    // Two cores build for minutes; whoever works on this machine meanwhile goes first.
    let mut make = Command::new("nice");
    make.args(["-n", "19", "make", &format!("WHAT={}", what.join(" "))])
        .current_dir(gopath.join("src/k8s.io/kubernetes"))
        .env("PATH", std::env::join_paths(path)?)
        .env("LD_LIBRARY_PATH", libraries)
        .env("GOROOT", &goroot)
        .env("GOPATH", &gopath)
        .env("HOME", source.join(".go"))
        .envs([("GO111MODULE", "off"), ("GOFLAGS", ""), ("GOPROXY", "off"), ("CGO_ENABLED", "0")]);
    process::output(&mut make).context("cannot build Kubernetes")?;
    for name in BUILT {
        // The directory holds links to absolute paths, which the copy follows.
        fs::copy(source.join("_output/bin").join(name), directory.join(name))
            .with_context(|| format!("{name} was not built"))?;
    }
    Ok(())
}
