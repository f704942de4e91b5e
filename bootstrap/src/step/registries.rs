//! The file by which k3s knows private registries, and our entry in it.
//!
//! The file may be somebody else's as well. Their lines stay to the byte: our entry is a marked block, put under the
//! `configs` that is there or at the end. Afterwards the file is read again, and must say what it said before and our
//! entry, or it is not written: k3s does not start with a file that it cannot read.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::kube::text as text_at;
use super::{lines, yaml};
use crate::secret::Password;

/// The top-level key that holds the settings of each registry.
const CONFIGS: &str = "configs";

/// An entry of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct RegistryEntry {
    /// The file.
    pub path: PathBuf,
    /// Host name of the registry.
    pub host: String,
    /// File with the certificate of its authority, if that is not one that everybody knows.
    pub ca_file: Option<PathBuf>,
    /// Login, if it asks for one.
    pub login: Option<RegistryLogin>,
}

/// Login of a registry.
#[derive(Clone, Debug, PartialEq)]
pub struct RegistryLogin {
    /// User name.
    pub user: String,
    /// Password of that user.
    pub password: Password,
}

/// Why an entry cannot be put into the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistriesFault {
    /// k3s would not start with it.
    #[error("it is not valid YAML, and k3s does not start with it")]
    Invalid,
    /// Its `configs` is written in a way that lines cannot be put into.
    #[error("its configs cannot be added to without rewriting them")]
    Shape,
}

/// Why k3s would not start with the file `text`.
pub fn registries_fault(text: &str) -> Option<RegistriesFault> {
    parsed(text).err()
}

/// Whether the file `text` has a password for the registry `host`.
pub fn has_password(text: &str, host: &str) -> bool {
    let file = parsed(text).unwrap_or_default();
    entry_of(&file, host).is_some_and(|entry| entry.pointer("/auth/password").is_some())
}

fn has_authority(entry: &Value, ca_file: &Path) -> bool {
    text_at(entry, "/tls/ca_file").map(Path::new) == Some(ca_file)
}

impl RegistryEntry {
    /// Whether by the file `text` k3s trusts whom [`RegistryEntry::ca_file`] certifies.
    pub fn is_trust_in(&self, text: &str) -> bool {
        let file = parsed(text).unwrap_or_default();
        let entry = entry_of(&file, &self.host).zip(self.ca_file.as_deref());
        entry.is_some_and(|(entry, ca_file)| has_authority(entry, ca_file))
    }

    /// Word in the marker lines.
    pub const MARKER: &str = "productive-k3s";

    /// Whether nothing is to be done to the file `text`: the entry is in it with its login and its authority, or the registry
    /// has somebody else's entry. A password that is yet to be made is not compared.
    ///
    /// # Errors
    /// It is not valid YAML.
    pub fn is_in(&self, text: &str) -> Result<bool, RegistriesFault> {
        // The lines of others may be valid below ours alone.
        let others = parsed(&without_ours(text)).unwrap_or_default();
        if entry_of(&others, &self.host).is_some() {
            return Ok(true);
        }
        let found = parsed(text)?;
        let Some(found) = entry_of(&found, &self.host) else { return Ok(false) };
        if self.ca_file.as_deref().is_some_and(|path| !has_authority(found, path)) {
            return Ok(false);
        }
        let Some(login) = &self.login else { return Ok(true) };
        let written = |key| found.get("auth")?.get(key)?.as_str();
        let has_password = written("password").is_some_and(|written| match &login.password {
            Password::Given(password) => password.expose() == written,
            Password::Generate => true,
        });
        Ok(has_password && written("username") == Some(&login.user))
    }

    /// What the entry says, with `password` in its place.
    pub(super) fn value(&self, password: Option<&str>) -> Value {
        let mut value = json!({});
        if let Some(ca_file) = &self.ca_file {
            value["tls"] = json!({ "ca_file": ca_file });
        }
        if let (Some(login), Some(password)) = (&self.login, password) {
            value["auth"] = json!({ "username": login.user, "password": password });
        }
        value
    }

    /// The entry in lines, without secrets: what a dry run shows.
    pub(super) fn masked(&self) -> Vec<String> {
        let value = self.value(Some(crate::secret::MASK));
        std::iter::once(format!("{CONFIGS}:")).chain(entry(&self.host, &value, "  ")).collect()
    }
}

/// A file with our entry in it.
#[derive(Debug)]
pub(super) struct Merged {
    /// The whole file.
    pub(super) text: String,
    /// Our lines, marker lines included.
    pub(super) block: String,
}

/// The file `text` with our entry for `host`; `None` if nothing is to be changed, because the entry is there or is somebody
/// else's.
pub(super) fn merged(text: &str, host: &str, value: &Value) -> Result<Option<Merged>, RegistriesFault> {
    let found = parsed(text);
    let others = without_ours(text);
    let rest = match (&found, parsed(&others)) {
        (Ok(found), _) if entry_of(found, host) == Some(value) => return Ok(None),
        (_, Ok(rest)) if entry_of(&rest, host).is_some() => return Ok(None),
        (Ok(found), Ok(rest)) if is_rest_of(text, found, &rest) => rest,
        // Lines of others say what they say because of ours above them.
        (Ok(_), _) => return Err(RegistriesFault::Shape),
        (Err(_), rest) => rest?,
    };
    let (new, block) = if rest.get(CONFIGS).is_some() {
        below_configs(&others, host, value)?
    } else {
        at_end(&others, host, value)
    };
    let mut expected = if rest.is_null() { json!({}) } else { rest };
    if expected[CONFIGS].is_null() {
        expected[CONFIGS] = json!({});
    }
    expected[CONFIGS][host] = value.clone();
    match parsed(&new) {
        Ok(found) if found == expected => Ok(Some(Merged { text: new, block })),
        _ => Err(RegistriesFault::Shape),
    }
}

/// Whether `rest`, which the file `text` says without our block, is what `found`, which it says with it, says beside our
/// entry.
fn is_rest_of(text: &str, found: &Value, rest: &Value) -> bool {
    let block = lines::find_block(text, RegistryEntry::MARKER).unwrap_or_default();
    let ours = parsed(block).unwrap_or_default();
    let ours = ours.get(CONFIGS).unwrap_or(&ours);
    let is_empty = |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
    let beside_ours = |file: &Value| {
        let mut file = file.as_object().cloned().unwrap_or_default();
        if let Some(configs) = file.get_mut(CONFIGS).and_then(Value::as_object_mut) {
            configs.retain(|host, _| ours.get(host).is_none());
        }
        file.retain(|key, value| key != CONFIGS || !is_empty(value));
        file
    };
    beside_ours(found) == beside_ours(rest)
}

/// What others wrote into the file.
fn without_ours(text: &str) -> String {
    lines::find_block(text, RegistryEntry::MARKER)
        .map_or_else(|| text.to_owned(), |block| text.replacen(block, "", 1))
}

fn entry_of<'a>(file: &'a Value, host: &str) -> Option<&'a Value> {
    file.get(CONFIGS)?.get(host)
}

fn at_end(others: &str, host: &str, value: &Value) -> (String, String) {
    let lines: Vec<String> = std::iter::once(format!("{CONFIGS}:")).chain(entry(host, value, "  ")).collect();
    (lines::with_block(others, RegistryEntry::MARKER, &lines), lines::block(RegistryEntry::MARKER, &lines))
}

fn below_configs(others: &str, host: &str, value: &Value) -> Result<(String, String), RegistriesFault> {
    let head = |line: &str| {
        line.strip_prefix(CONFIGS)
            .and_then(|rest| rest.trim_start().strip_prefix(':'))
            .is_some_and(|rest| rest.trim().is_empty() || rest.trim_start().starts_with('#'))
    };
    let mut rest = others.split_inclusive('\n').skip_while(|line| !head(line));
    let head_line = rest.next().ok_or(RegistriesFault::Shape)?;
    let is_content = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let first = rest.find(is_content).unwrap_or("  ");
    let indent: String = first.chars().take_while(|letter| *letter == ' ').collect();
    if indent.is_empty() || !head_line.ends_with('\n') {
        return Err(RegistriesFault::Shape);
    }
    let block = lines::block(RegistryEntry::MARKER, &entry(host, value, &indent));
    // `head_line` is a part of `others`, so it is found at its own place and nowhere before.
    let at = head_line.as_ptr() as usize - others.as_ptr() as usize + head_line.len();
    Ok((format!("{}{block}{}", &others[..at], &others[at..]), block))
}

/// The lines of an entry. A text in JSON is one in YAML too.
fn entry(host: &str, value: &Value, indent: &str) -> Vec<String> {
    let mut lines = vec![format!("{indent}{}:", json!(host))];
    for (section, settings) in value.as_object().into_iter().flatten() {
        lines.push(format!("{indent}{indent}{section}:"));
        let settings = settings.as_object().into_iter().flatten();
        lines.extend(settings.map(|(key, text)| format!("{indent}{indent}{indent}{key}: {text}")));
    }
    lines
}

/// A file without content says nothing. A `configs` that is no mapping keeps k3s from starting, as it cannot be decoded.
fn parsed(text: &str) -> Result<Value, RegistriesFault> {
    let documents = yaml::documents(text).map_err(|_| RegistriesFault::Invalid)?;
    match documents.as_slice() {
        [] => Ok(Value::Null),
        [Value::Object(file)] if file.get(CONFIGS).is_none_or(|all| all.is_null() || all.is_object()) => {
            Ok(Value::Object(file.clone()))
        }
        _ => Err(RegistriesFault::Invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    const HOST: &str = "registry.example.local";

    fn value() -> Value {
        json!({ "tls": { "ca_file": "/ca.crt" }, "auth": { "username": "u", "password": "p\"\\#: " } })
    }

    #[test]
    fn others_lines_stay_to_the_byte_and_our_entry_is_understood() {
        for others in [
            "",
            "# only a remark\n",
            "mirrors:\n  docker.io:\n    endpoint: [\"https://mirror\"]",
            "configs:\n    \"other:5000\":\n        auth: {username: a, password: b}\nmirrors: {}\n",
            "configs: # theirs\n  # a remark\n  other:\n    tls: {insecure_skip_verify: true}\n",
        ] {
            let Merged { text, block } =
                merged(others, HOST, &value()).expect("mergeable").expect("a change");
            assert_eq!(text.replacen(&block, "", 1).trim_end(), others.trim_end());
            assert_eq!(parsed(&text).expect("YAML")[CONFIGS][HOST], value());
            assert!(merged(&text, HOST, &value()).expect("mergeable").is_none(), "the second time: {text}");
            let other = json!({ "auth": { "username": "u", "password": "new" } });
            let again = merged(&text, HOST, &other).expect("mergeable").expect("a change");
            assert_eq!(again.text.replacen(&again.block, "", 1).trim_end(), others.trim_end());
        }
    }

    #[test]
    fn an_entry_counts_with_its_login_and_somebody_elses_as_it_is() {
        let entry = |password| RegistryEntry {
            path: PathBuf::new(),
            host: HOST.to_owned(),
            ca_file: None,
            login: Some(RegistryLogin { user: "u".to_owned(), password }),
        };
        let given = |password| entry(Password::Given(Secret::new(password)));
        let made = entry(Password::Generate);
        let open = RegistryEntry { login: None, ..made.clone() };
        let with = |value| merged("mirrors: {}\n", HOST, &value).expect("mergeable").expect("a change").text;
        let closed = with(given("p").value(Some("p")));
        for (wanted, is_in) in [(given("p"), true), (given("q"), false), (made.clone(), true), (open, true)] {
            assert_eq!(wanted.is_in(&closed), Ok(is_in), "{wanted:?}");
        }
        assert_eq!(made.is_in(&with(json!({ "tls": { "ca_file": "/ca.crt" } }))), Ok(false));
        assert_eq!(made.is_in(&with(json!({ "auth": { "username": "other", "password": "p" } }))), Ok(false));
        assert_eq!(made.is_in(&format!("configs:\n  {HOST}: {{}}\n")), Ok(true), "somebody else's");
        assert_eq!(made.is_in("mirrors: {}\n"), Ok(false));
        assert_eq!(made.is_in("- a\n"), Err(RegistriesFault::Invalid));
    }

    /// A registry whose certificates everybody knew gets one that nobody knows.
    #[test]
    fn an_entry_counts_with_the_authority_that_the_registry_has_now() {
        let wanted = RegistryEntry {
            path: PathBuf::new(),
            host: HOST.to_owned(),
            ca_file: Some("/ca.crt".into()),
            login: Some(RegistryLogin { user: "u".to_owned(), password: Password::Generate }),
        };
        let with = |value| merged("mirrors: {}\n", HOST, &value).expect("mergeable").expect("a change").text;
        assert_eq!(wanted.is_in(&with(value())), Ok(true));
        assert_eq!(wanted.is_in(&with(json!({ "auth": { "username": "u", "password": "p" } }))), Ok(false));
        let open = RegistryEntry { login: None, ..wanted };
        assert_eq!(open.is_in(&with(json!({ "tls": { "ca_file": "/former.crt" } }))), Ok(false));
    }

    /// The operator adds an entry below ours, which is a child of our `configs` then.
    #[test]
    fn lines_that_say_what_they_say_below_ours_alone_are_not_moved() {
        let login = RegistryLogin { user: "u".to_owned(), password: Password::Generate };
        let wanted =
            RegistryEntry { path: PathBuf::new(), host: HOST.to_owned(), ca_file: None, login: Some(login) };
        let new = json!({ "auth": { "username": "u", "password": "new" } });
        for before in ["", "mirrors:\n  docker.io: {}\n", "mirrors: {}\n"] {
            let ours = merged(before, HOST, &value()).expect("mergeable").expect("a change").text;
            let text = format!("{ours}  other:\n    tls: {{}}\n");
            assert_eq!(parsed(&text).expect("YAML")[CONFIGS]["other"], json!({ "tls": {} }));
            assert_eq!(wanted.is_in(&text), Ok(true), "{text}");
            assert!(merged(&text, HOST, &value()).expect("nothing to do").is_none(), "{text}");
            assert_eq!(merged(&text, HOST, &new).expect_err("refused"), RegistriesFault::Shape, "{text}");
        }
    }

    #[test]
    fn somebody_elses_entry_is_kept_and_what_cannot_be_added_to_is_refused() {
        let theirs = format!("configs:\n  {HOST}:\n    tls: {{}}\n");
        assert!(merged(&theirs, HOST, &value()).expect("mergeable").is_none());
        let refused = |text| merged(text, HOST, &value()).expect_err("refused");
        assert_eq!(refused("configs: {other: {}}\n"), RegistriesFault::Shape);
        assert_eq!(refused("configs:\n\tother: x\n"), RegistriesFault::Invalid);
        assert_eq!(refused("- a\n"), RegistriesFault::Invalid);
        for configs in ["configs:\n  - a\n", "configs:\n  text\n", "configs: 1\n"] {
            assert_eq!(refused(configs), RegistriesFault::Invalid, "{configs}");
            assert_eq!(registries_fault(configs), Some(RegistriesFault::Invalid), "{configs}");
        }
    }
}
