//! What the service of k3s would run, compared with what a run would write: its command line, drop-ins, environment and
//! files of settings. Names alone leave this module: the value of any of them may be a token or a password.

use std::path::{Path, PathBuf};

use schema::Mode;
use serde_json::Value;

use super::super::Deviation;
use super::layout::{BINARY, CONFIG};
use crate::host::{Host, ProbeError, ServiceStatus};
use crate::settings::{Agent, Settings};
use crate::step::{node_arguments, yaml_keys};

/// What the install script itself wrote otherwise than it would be told now.
pub(super) fn written_deviations(
    host: &Host,
    settings: &Settings,
    service: &str,
    status: &ServiceStatus,
) -> Result<Vec<Deviation>, ProbeError> {
    let mut found = command_line(settings, status);
    if let Some(agent) = &settings.agent {
        let variables = variables(host, &script_file(service))?;
        found.extend(join(host, agent, &variables, service)?);
    }
    Ok(found)
}

/// Everything that would make the service run otherwise than after a run.
pub(super) fn deviations(
    host: &Host,
    settings: &Settings,
    service: &str,
    status: &ServiceStatus,
) -> Result<Vec<Deviation>, ProbeError> {
    let mut found = command_line(settings, status);
    found.extend(status.drop_ins.iter().map(|path| Deviation::new(path.display().to_string(), "drop-in")));
    found.extend(names(&status.environment).map(|name| Deviation::new(name, "Environment")));
    found.extend(environment(host, settings, service, status)?);
    found.extend(config(host)?);
    if status.is_running() {
        found.extend(arguments(host, settings)?);
    }
    Ok(found)
}

fn role(settings: &Settings) -> &'static str {
    if settings.mode == Mode::Agent { "agent" } else { "server" }
}

fn command_line(settings: &Settings, status: &ServiceStatus) -> Vec<Deviation> {
    const PLACE: &str = "ExecStart";
    let wanted = format!("{BINARY} {}", role(settings));
    match status.commands.as_slice() {
        [line] if *line == wanted => Vec::new(),
        [line] if line.starts_with(&format!("{wanted} ")) => flags(line.split_whitespace().skip(2), PLACE),
        _ => vec![Deviation::new("command", PLACE)],
    }
}

/// The flags among `words`, without their values.
fn flags<'a>(words: impl Iterator<Item = &'a str>, place: &str) -> Vec<Deviation> {
    let is_flag = |word: &&str| word.starts_with('-');
    let name = |word: &str| word.split('=').next().unwrap_or_default().to_owned();
    let found: Vec<Deviation> = words.filter(is_flag).map(|word| Deviation::new(name(word), place)).collect();
    if found.is_empty() { vec![Deviation::new("arguments", place)] } else { found }
}

/// The file in which the install script keeps the environment of the service.
fn script_file(service: &str) -> PathBuf {
    PathBuf::from(format!("/etc/systemd/system/{service}.service.env"))
}

/// A variable of a file, without quotes.
type Variable = (String, String);

fn variables(host: &Host, path: &Path) -> Result<Vec<Variable>, ProbeError> {
    let text = host.read(path)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let variable = |line: &str| {
        let (name, value) = line.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()))
    };
    Ok(lines.filter_map(variable).collect())
}

/// Every variable that k3s listens to, in each file of the environment. The last one counts, but one of two is one too many.
fn environment(
    host: &Host,
    settings: &Settings,
    service: &str,
    status: &ServiceStatus,
) -> Result<Vec<Deviation>, ProbeError> {
    let mut found = Vec::new();
    let mut all = Vec::new();
    let defaults = [PathBuf::from(format!("/etc/default/{service}")), script_file(service)];
    let others = status.environment_files.iter().filter(|path| !defaults.contains(path));
    for path in defaults.iter().chain(others) {
        let place = path.display().to_string();
        let variables = variables(host, path)?;
        let mode = host.mode(path)?;
        if *path == script_file(service) && mode.is_some_and(|mode| ![0o400, 0o600].contains(&mode)) {
            found.push(Deviation::new("mode", &place));
        }
        let joins = |name: &str| settings.agent.is_some() && JOIN.contains(&name);
        let differing =
            variables.iter().filter(|(name, value)| matters(name) && !joins(name) && !is_ours(name, value));
        found.extend(differing.map(|(name, _)| Deviation::new(name, &place)));
        all.extend(variables);
    }
    if let Some(agent) = &settings.agent {
        found.extend(join(host, agent, &all, service)?);
    }
    Ok(found)
}

/// Variables that say which server an agent joins, and by which token.
const JOIN: [&str; 3] = ["K3S_URL", "K3S_TOKEN", "K3S_TOKEN_FILE"];

/// Whether the install script would keep the variable for the service.
fn matters(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    ["K3S_", "CONTAINERD_"].iter().any(|prefix| name.starts_with(prefix))
        || ["NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY"].contains(&upper.as_str())
}

/// Whether it is a proxy that a run would hand to the script as well.
fn is_ours(name: &str, value: &str) -> bool {
    !name.starts_with("K3S_") && std::env::var(name).is_ok_and(|ours| ours == value)
}

/// Whether an agent with these variables joins the server of the settings by their token, whichever way it is given it.
fn join(
    host: &Host,
    agent: &Agent,
    variables: &[Variable],
    service: &str,
) -> Result<Vec<Deviation>, ProbeError> {
    let place = script_file(service).display().to_string();
    let value = |wanted: &str| {
        variables.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    };
    let mut found = Vec::new();
    let bare = |url: &str| url.trim_end_matches('/').to_owned();
    if value("K3S_URL").map(bare) != Some(bare(&agent.server_url)) {
        found.push(Deviation::new("K3S_URL", &place));
    }
    let token = match (value("K3S_TOKEN"), value("K3S_TOKEN_FILE")) {
        (Some(token), _) => Some(token.to_owned()),
        (None, Some(path)) => {
            host.read(Path::new(path))?.map(|token| String::from_utf8_lossy(&token).trim().to_owned())
        }
        (None, None) => None,
    };
    if token.as_deref() != Some(agent.token.expose().trim()) {
        found.push(Deviation::new("K3S_TOKEN", &place));
    }
    Ok(found)
}

/// Files in which k3s reads flags beside its command line.
fn config(host: &Host) -> Result<Vec<Deviation>, ProbeError> {
    let mut files = vec![PathBuf::from(format!("{CONFIG}/config.yaml"))];
    let folder = PathBuf::from(format!("{CONFIG}/config.yaml.d"));
    if host.exists(&folder)? {
        let mut names = host.list(&folder)?;
        names.sort();
        files.extend(names.into_iter().map(|name| folder.join(name)));
    }
    let mut found = Vec::new();
    for path in files {
        let Some(text) = host.read(&path)? else { continue };
        let place = path.display().to_string();
        match yaml_keys(&String::from_utf8_lossy(&text)) {
            Some(keys) => found.extend(keys.into_iter().map(|key| Deviation::new(key, &place))),
            None => found.push(Deviation::new("syntax", &place)),
        }
    }
    Ok(found)
}

/// What the node itself says that its k3s was started with. One that cannot be asked does not change what the files say.
fn arguments(host: &Host, settings: &Settings) -> Result<Vec<Deviation>, ProbeError> {
    const PLACE: &str = "k3s.io/node-args";
    let found = match node_arguments(host) {
        Ok(found) => found,
        Err(error @ ProbeError::NeedsRoot { .. }) => return Err(error),
        Err(_) => None,
    };
    let words = found.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    Ok(match words.as_slice() {
        [] => Vec::new(),
        [first] if *first == role(settings) => Vec::new(),
        [first, rest @ ..] if *first == role(settings) => flags(rest.iter().copied(), PLACE),
        _ => vec![Deviation::new("command", PLACE)],
    })
}

fn names(environment: &str) -> impl Iterator<Item = &str> {
    environment
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
        .map(|(name, _)| name.trim_start_matches('"'))
        .filter(|name| matters(name))
}
