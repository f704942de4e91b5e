//! Packages of the layers: archives that name add-ons for a cluster.
//!
//! In the shell core a package is a program that is run as it is. This program installs what it carries pins for and runs
//! nothing that it was handed: a package is read for the names of its add-ons, four of which are components here.

use std::path::{Path, PathBuf};

use schema::Component;
use serde_json::Value;

use crate::component::spec_of;
use crate::host::{Command, CommandError, Host};

/// Where the description of a package may be in its archive, in the order in which it is looked for.
const DESCRIPTIONS: [&str; 4] = ["addon.yaml", "./addon.yaml", "stack.yaml", "./stack.yaml"];

/// The add-ons that are components of this program.
const KNOWN: [(&str, Component); 4] = [
    ("cert-manager", Component::CertManager),
    ("longhorn", Component::Longhorn),
    ("rancher", Component::Rancher),
    ("registry", Component::Registry),
];

/// What a package is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageKind {
    /// One add-on.
    Addon,
    /// A list of add-ons.
    Stack,
}

/// A package that can be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// What it is.
    pub kind: PackageKind,
    /// The components that it names, in the order of the package.
    pub components: Vec<Component>,
}

/// Why a package cannot be installed. Names out of a package are repeated only where they are of the known form.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// There is no such file.
    #[error("the package {} does not exist", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It is no archive, or has no description.
    #[error("{} is not a package: it has no readable addon.yaml or stack.yaml", path.display())]
    NoDescription {
        /// The file.
        path: PathBuf,
    },
    /// The description is not of the form that packages have.
    #[error("the description of the package: {0}")]
    Malformed(&'static str),
    /// The other kind of package was asked for.
    #[error("this is a package of the kind {0}; use the command for it")]
    OtherKind(&'static str),
    /// It names an add-on that is none of the four.
    #[error("the add-on {0} is not part of this program")]
    UnknownAddon(String),
    /// It is for another Kubernetes.
    #[error("the package does not support distro k3s")]
    OtherDistro,
    /// It is for a newer bundle.
    #[error("the package requires productive-k3s-core >= {0}")]
    NewerCore(String),
    /// tar could not be asked.
    #[error(transparent)]
    Tar(#[from] CommandError),
}

impl PackageError {
    /// What to do.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::UnknownAddon(_) => Some(
                "this program installs cert-manager, longhorn, rancher and registry; install other add-ons with their own \
                 tools, such as helm, or with the shell core",
            ),
            Self::OtherDistro => Some("install it with the shell core, on the cluster that it supports"),
            Self::NewerCore(_) => Some("use a newer release of the bundle"),
            _ => None,
        }
    }
}

impl Package {
    /// Reads the package at `path`, of which nothing is run. `version` is that of the bundle.
    ///
    /// # Errors
    /// It cannot be read, or is none that this program installs.
    pub fn read(host: &Host, path: &Path, version: &str) -> Result<Self, PackageError> {
        if !path.is_file() {
            return Err(PackageError::Missing { path: path.to_owned() });
        }
        for description in DESCRIPTIONS {
            // `--force-local`, or tar takes a colon in the name for another machine.
            let tar = Command::new("tar").args(["--force-local", "--occurrence=1", "-xzOf"]);
            let tar = tar.args([path.to_string_lossy().as_ref(), "--", description]).withhold_output();
            let found = host.ask(&tar)?;
            if found.succeeded() {
                return Self::parse(&found.text(), version);
            }
        }
        Err(PackageError::NoDescription { path: path.to_owned() })
    }

    fn parse(text: &str, version: &str) -> Result<Self, PackageError> {
        let malformed = PackageError::Malformed;
        let tree: Value = serde_saphyr::from_str(text).map_err(|_| malformed("it is not YAML"))?;
        let (kind, names) = match tree["kind"].as_str() {
            Some("Addon") => (PackageKind::Addon, vec![name_of(&tree["metadata"]["name"])?]),
            Some("Stack") => (PackageKind::Stack, addons(&tree["spec"]["addons"])?),
            _ => return Err(malformed("kind must be Addon or Stack")),
        };
        let compatibility = &tree["spec"]["runtime"]["compatibility"];
        if let Some(distros) = compatibility["kubernetes"]["distros"].as_array()
            && !distros.iter().any(|distro| distro == "k3s")
        {
            return Err(PackageError::OtherDistro);
        }
        if let Some(wanted) = compatibility["core"]["minVersion"].as_str()
            && let (Some(needed), Some(ours)) = (numbers(wanted), numbers(version))
            && needed > ours
        {
            let text = needed.map(|number| number.to_string()).join(".");
            return Err(PackageError::NewerCore(text));
        }
        let known = |name: String| {
            let found = KNOWN.iter().find(|(known, _)| *known == name);
            found.map(|(_, component)| *component).ok_or(PackageError::UnknownAddon(name))
        };
        Ok(Self { kind, components: names.into_iter().map(known).collect::<Result<_, _>>()? })
    }

    /// Fails unless the package is of this kind.
    ///
    /// # Errors
    /// [`PackageError::OtherKind`].
    pub fn of_kind(self, kind: PackageKind) -> Result<Self, PackageError> {
        match self.kind {
            found if found == kind => Ok(self),
            PackageKind::Addon => Err(PackageError::OtherKind("Addon")),
            PackageKind::Stack => Err(PackageError::OtherKind("Stack")),
        }
    }

    /// The components of the package and those that they do not work without.
    pub fn needed(&self) -> Vec<Component> {
        let mut needed = self.components.clone();
        let mut next = 0;
        while let Some(component) = needed.get(next) {
            for required in spec_of(*component).requires() {
                if !needed.contains(required) {
                    needed.push(*required);
                }
            }
            next += 1;
        }
        needed
    }
}

fn addons(list: &Value) -> Result<Vec<String>, PackageError> {
    let list = list.as_array().filter(|list| !list.is_empty());
    let list = list.ok_or(PackageError::Malformed("spec.addons must name at least one add-on"))?;
    let mut names = Vec::new();
    for entry in list {
        let name = name_of(if entry.is_object() { &entry["name"] } else { entry })?;
        if names.contains(&name) {
            return Err(PackageError::Malformed("spec.addons must name each add-on once"));
        }
        names.push(name);
    }
    Ok(names)
}

/// A name of the form that Kubernetes gives names (RFC 1123): anything else is not repeated in a message.
fn name_of(value: &Value) -> Result<String, PackageError> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let name =
        value.as_str().filter(|name| !name.is_empty() && name.len() <= 63 && name.bytes().all(is_part));
    name.map(str::to_owned).ok_or(PackageError::Malformed("an add-on has no usable name"))
}

/// The three numbers of a version; others, such as the name of a branch, cannot be compared.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let numbers: Vec<u32> = version.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    numbers.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Vec<Component>, String> {
        Package::parse(text, "0.9.5").map(|package| package.components).map_err(|error| error.to_string())
    }

    fn stack(spec: &str) -> String {
        format!("kind: Stack\nmetadata: {{name: base}}\nspec: {spec}")
    }

    #[test]
    fn the_four_known_addons_are_components() {
        assert_eq!(check("kind: Addon\nmetadata: {name: longhorn}"), Ok(vec![Component::Longhorn]));
        let text = stack("{addons: [cert-manager, {name: rancher, source: addons/rancher.tgz}, registry]}");
        assert_eq!(check(&text), Ok(vec![Component::CertManager, Component::Rancher, Component::Registry]));
        let package = Package::parse(&stack("{addons: [registry]}"), "HEAD").expect("known");
        assert_eq!(package.needed(), [Component::Registry, Component::CertManager, Component::Clusterissuer]);
    }

    #[test]
    fn anything_else_is_refused_with_what_is_wrong() {
        for (text, said) in [
            ("kind: Addon\nmetadata: {name: demo-addon}".to_owned(), "the add-on demo-addon is not part"),
            (stack("{addons: [registry, nginx]}"), "the add-on nginx is not part"),
            (stack("{addons: []}"), "at least one"),
            (stack("{addons: [registry, registry]}"), "each add-on once"),
            (stack("{addons: [\"Secret Canary\"]}"), "no usable name"),
            ("kind: Pod".to_owned(), "kind must be"),
            ("a: [".to_owned(), "not YAML"),
            (
                stack("{addons: [registry], runtime: {compatibility: {kubernetes: {distros: [rke2]}}}}"),
                "does not support distro k3s",
            ),
            (
                stack("{addons: [registry], runtime: {compatibility: {core: {minVersion: v9.9.9}}}}"),
                "requires productive-k3s-core >= 9.9.9",
            ),
        ] {
            let refused = check(&text).expect_err(&text);
            assert!(refused.contains(said) && !refused.contains("Canary"), "{text}: {refused}");
        }
        let older = stack("{addons: [registry], runtime: {compatibility: {core: {minVersion: v0.9.5}}}}");
        assert_eq!(check(&older), Ok(vec![Component::Registry]));
    }
}
