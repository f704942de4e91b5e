//! The modules, as the sources show: no circle between modules, no arrow against the order of modules, files of one
//! concept, one module style, and one meaning for each type name.
//!
//! Cargo ensures the order of crates ([`crate::architecture`]); inside a crate only this test does.
//! `HOUSE_GRAPH=1 cargo test -p tests --test suite house` prints every arrow.

mod arrows;
mod graph;
mod modules;
mod scanner;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::workspace;

use crate::architecture::{members, metadata, name};
use graph::Graph;

/// Type names that may be declared more than once, and why.
const DECLARED_TWICE: &[(&str, &str)] = &[(
    "Command",
    "the contract calls a command line's command so, and the standard library, as the host seam after it, a program with \
     its arguments; neither name can be changed, and each is used with its module",
)];

/// The top-level modules of `bootstrap` from the bottom to the top: each may use those before it.
const ROOMS: &[&str] = &[
    "secret",
    "platform",
    "terminal",
    "host",
    "step",
    "settings",
    "component",
    "input",
    "preflight",
    "verify",
    "backup",
    "rollback",
    "run",
    "layers",
    "cli",
    "command",
];

/// The most lines that a file may have: it is one concept, and a reader holds one at a time.
const MAX_LINES: usize = 400;

/// A crate of the workspace, with its package and the root file that Cargo names.
struct Target {
    package: String,
    kind: String,
    root: PathBuf,
}

fn targets() -> Vec<Target> {
    let metadata = metadata(&["--no-deps"]);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let of_package = |package: &Value| -> Vec<Target> {
        let targets = package["targets"].as_array().expect("a list").iter();
        let target = |target: &Value| Target {
            package: name(package).to_owned(),
            kind: text(&target["kind"][0]),
            root: PathBuf::from(text(&target["src_path"])),
        };
        targets.map(target).collect()
    };
    members(&metadata).flat_map(of_package).collect()
}

#[test]
fn no_module_uses_one_that_uses_it() {
    let mut found = String::new();
    for target in targets() {
        let graph = Graph::of(&target.root);
        let title = format!("{} ({} {})\n", target.package, target.kind, target.root.display());
        if std::env::var_os("HOUSE_GRAPH").is_some() {
            // Past the test harness, which hides what the print macros write.
            let _ = write!(std::io::stderr(), "{title}{}", graph.listing());
        }
        let circles = graph.circles();
        if !circles.is_empty() {
            found.push_str(&(title + &circles));
        }
    }
    assert!(found.is_empty(), "circles between modules:\n{found}");
}

#[test]
fn the_rooms_of_bootstrap_are_in_order() {
    let targets = targets();
    let of_kind =
        |kind: &str| targets.iter().find(|target| target.package == "bootstrap" && target.kind == kind);
    let graph = Graph::of(&of_kind("lib").or(of_kind("bin")).expect("bootstrap has a root").root);
    let rooms: Vec<&str> = graph.modules[0].children.keys().map(String::as_str).collect();
    let mut known = ROOMS.to_vec();
    known.sort_unstable();
    assert_eq!(rooms, known, "every room of bootstrap has its place in ROOMS");
    let upwards = graph.upwards(ROOMS);
    assert!(upwards.is_empty(), "arrows that run up:\n{}", upwards.join("\n"));
}

/// How a word is typed is the business of what reads the command line.
#[test]
fn the_rooms_below_the_command_line_do_not_know_its_parser() {
    let source = workspace().join("bootstrap/src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let knows_it = |path: &&PathBuf| fs::read_to_string(path).expect("readable").contains("clap::");
    let found: BTreeSet<String> = files
        .iter()
        .filter(knows_it)
        .map(|path| {
            let room = path.strip_prefix(&source).expect("below").iter().next().expect("a room");
            room.to_string_lossy().trim_end_matches(".rs").to_owned()
        })
        .collect();
    assert_eq!(found, ["cli", "command", "input"].map(str::to_owned).into());
}

#[test]
fn a_type_name_has_one_meaning() {
    let mut places = BTreeMap::<String, Vec<String>>::new();
    // Only product code: a test may name its `Server` so, whatever names others have.
    let is_product = |target: &&Target| {
        target.package != "tests" && ["lib", "bin", "cdylib"].contains(&target.kind.as_str())
    };
    for target in targets().iter().filter(is_product) {
        for module in Graph::of(&target.root).modules {
            for name in module.types {
                let path = [&[target.package.clone()][..], &module.path].concat().join("::");
                places.entry(name).or_default().push(path);
            }
        }
    }
    places.retain(|_, places| places.len() > 1);
    for (name, reason) in DECLARED_TWICE {
        assert!(
            places.remove(*name).is_some(),
            "{name} is declared once; the reason is out of date: {reason}"
        );
    }
    assert!(places.is_empty(), "type names that are declared twice without a reason: {places:#?}");
}

#[test]
fn a_file_is_small_and_named_like_its_module() {
    let (mut long, mut mod_rs) = (Vec::new(), Vec::new());
    let mut files = Vec::new();
    rust_files(workspace(), &mut files);
    assert!(files.len() > 100, "{} files", files.len());
    for path in &files {
        let shown = path.strip_prefix(workspace()).expect("below");
        let lines = fs::read_to_string(path).expect("readable").lines().count();
        if lines > MAX_LINES {
            long.push(format!("  {}: {lines} lines", shown.display()));
        }
        if path.ends_with("mod.rs") {
            mod_rs.push(shown);
        }
    }
    assert!(long.is_empty(), "no file has more than {MAX_LINES} lines:\n{}", long.join("\n"));
    assert!(mod_rs.is_empty(), "a module is in `name.rs`, beside the directory of its children: {mod_rs:?}");
}

/// Rust sources below `directory`, without what is built or hidden.
fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && name != "node_modules" && !name.starts_with('.') {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}
