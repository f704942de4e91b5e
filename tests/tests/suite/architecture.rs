//! The arrows between the crates, as Cargo sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::Value;
use tests::workspace;

/// What each crate may build on, among those of this workspace.
const ARROWS: [(&str, &[&str]); 10] = [
    ("schema", &[]),
    ("privacy", &["schema"]),
    ("manifest", &["privacy", "schema"]),
    ("telemetry", &["privacy", "schema"]),
    ("receiver", &["privacy", "schema"]),
    // The gates for receivers of others: any further knowledge would be about the machine of another user.
    ("wheel", &["privacy", "schema"]),
    ("wasm", &["privacy", "schema"]),
    ("bootstrap", &["manifest", "privacy", "schema", "telemetry"]),
    ("xtask", &["schema"]),
    ("tests", &["schema"]),
];

/// Crates with an HTTP client. A crate that depends on one can reach the network.
const HTTP_CLIENTS: [&str; 8] =
    ["attohttpc", "curl", "hyper", "hyper-util", "isahc", "reqwest", "surf", "ureq"];

/// Those with an HTTP server as well, and the features with which the receiver may use them.
const HTTP_SERVERS: [(&str, &[&str]); 2] = [("hyper", &["http1", "server"]), ("hyper-util", &["tokio"])];

/// What Cargo knows about the workspace, only for this platform: without a network it has no crates of others.
pub(crate) fn metadata(options: &[&str]) -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let platform = text_of(Command::new("rustc").args(["--print", "host-tuple"]));
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--locked", "--offline"]);
    command.args(["--filter-platform", platform.trim()]).args(options);
    serde_json::from_str(&text_of(&mut command)).expect("JSON")
}

fn text_of(command: &mut Command) -> String {
    let output = command.current_dir(workspace()).output().expect("it starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

pub(crate) fn members(metadata: &Value) -> impl Iterator<Item = &Value> {
    let members = metadata["workspace_members"].as_array().expect("a list");
    metadata["packages"].as_array().expect("a list").iter().filter(|package| members.contains(&package["id"]))
}

pub(crate) fn name(package: &Value) -> &str {
    package["name"].as_str().expect("a name")
}

/// Names of the packages that a package is built from; what only its tests use is left out.
fn dependencies(package: &Value) -> BTreeSet<&str> {
    let all = package["dependencies"].as_array().expect("a list").iter();
    all.filter(|dependency| dependency["kind"] != "dev").map(name).collect()
}

#[test]
fn dependencies_run_one_way() {
    let metadata = metadata(&[]);
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from(ARROWS);
    let found: BTreeSet<&str> = members(&metadata).map(name).collect();
    assert_eq!(found, allowed.keys().copied().collect(), "every crate of the workspace has its place");
    for package in members(&metadata) {
        let ours: Vec<&str> = dependencies(package).into_iter().filter(|name| found.contains(name)).collect();
        assert_eq!(ours, allowed[name(package)], "{}", name(package));
    }
}

#[test]
fn no_crate_is_published() {
    let metadata = metadata(&[]);
    for package in members(&metadata) {
        assert_eq!(package["publish"], Value::Array(Vec::new()), "{}", name(package));
    }
}

#[test]
fn only_telemetry_reaches_an_http_client() {
    let metadata = metadata(&[]);
    let names: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|package| (id(package), name(package)))
        .collect();
    let ids: BTreeMap<&str, &str> = members(&metadata).map(|package| (name(package), id(package))).collect();
    let graph = graph(&metadata);
    for (member, start) in &ids {
        // What is reached through telemetry belongs to telemetry.
        let reached =
            reachable(&graph, start, if *member == "telemetry" { None } else { Some(ids["telemetry"]) });
        // The receiver has a server; a test below ensures that it has nothing more.
        let serves =
            |name: &str| *member == "receiver" && HTTP_SERVERS.iter().any(|(server, _)| *server == name);
        // Any path counts, also one through a foreign crate that brings a client.
        let clients: Vec<&str> = reached
            .iter()
            .map(|id| names[id])
            .filter(|name| HTTP_CLIENTS.contains(name) && !serves(name))
            .collect();
        assert_eq!(clients.is_empty(), *member != "telemetry", "{member} reaches {clients:?}");
    }
}

#[test]
fn the_receiver_asks_for_the_server_half_of_http_alone() {
    let metadata = metadata(&["--no-deps"]);
    let receiver = members(&metadata).find(|package| name(package) == "receiver").expect("there is one");
    for (crate_name, allowed) in HTTP_SERVERS {
        let all = receiver["dependencies"].as_array().expect("a list").iter();
        let found = all.filter(|dependency| name(dependency) == crate_name).collect::<Vec<_>>();
        let [dependency] = found[..] else { panic!("{crate_name} is named {} times", found.len()) };
        assert_eq!(dependency["uses_default_features"], false, "{crate_name}");
        assert_eq!(dependency["features"], serde_json::json!(allowed), "{crate_name}");
    }
}

fn id(package: &Value) -> &str {
    package["id"].as_str().expect("an id")
}

/// What each package is built from, by id; what only tests use is left out.
fn graph(metadata: &Value) -> BTreeMap<&str, Vec<&str>> {
    let is_built_in = |dependency: &&Value| {
        let kinds = dependency["dep_kinds"].as_array().expect("a list");
        kinds.iter().any(|kind| kind["kind"] != "dev")
    };
    let nodes = metadata["resolve"]["nodes"].as_array().expect("a list").iter();
    nodes
        .map(|node| {
            let dependencies = node["deps"].as_array().expect("a list").iter().filter(is_built_in);
            (id(node), dependencies.map(|dependency| dependency["pkg"].as_str().expect("an id")).collect())
        })
        .collect()
}

fn reachable<'a>(
    graph: &BTreeMap<&'a str, Vec<&'a str>>,
    start: &'a str,
    without: Option<&str>,
) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::from([start]);
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        for next in graph.get(id).into_iter().flatten() {
            if Some(*next) != without && found.insert(next) {
                open.push(next);
            }
        }
    }
    found
}

#[test]
fn the_commands_of_the_readme_are_what_is_checked() {
    let readme = fs::read_to_string(workspace().join("README.md")).expect("there is one");
    let checks = fs::read_to_string(workspace().join(".ci/run")).expect("there is one");
    let is_command = |line: &&str| line.starts_with("    cargo ");
    let commands = readme.lines().skip_while(|line| !is_command(line)).take_while(is_command);
    let commands: Vec<&str> = commands.map(|line| line.split(" #").next().unwrap_or(line).trim()).collect();
    assert_eq!(commands.len(), 2, "the README begins with two commands: {commands:?}");
    for command in commands {
        assert!(checks.lines().any(|line| line.trim() == command), "`{command}` is not in .ci/run");
    }
}
