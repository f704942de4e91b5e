//! What the bundle says of itself: its description, and the bill of materials with every pinned version.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::{fs, io};

use schema::Mode;
use serde_json::{Map, Value, json};

use crate::component::{BuiltInSums, COMPONENTS, PinForm};
use crate::platform::SUPPORTED;

/// The description of a bundle has a dozen lines; the list of crates some hundred kilobytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A file of the bundle cannot be used: it was taken apart, or this is none.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It cannot be read.
    #[error("cannot read {} of the bundle", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no JSON object.
    #[error("{} of the bundle is not JSON", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
}

/// The description of the bundle at `root`, as it was packed.
///
/// # Errors
/// It cannot be read, or is no JSON object.
pub fn bundle_info(root: &Path) -> Result<Value, BundleError> {
    let path = root.join("bundle-info.json");
    let parsed = serde_json::from_slice(&read(&path)?).ok().filter(Value::is_object);
    parsed.ok_or(BundleError::Malformed { path })
}

/// The bill of materials of the bundle at `root`: what it is, what it installs and from which pins, and the digest of the list
/// of crates that the program is made of.
///
/// # Errors
/// As [`bundle_info`]; the list of crates is a file of the bundle too.
pub fn bill_of_materials(root: &Path) -> Result<Value, BundleError> {
    let bundle = bundle_info(root)?;
    let sbom = manifest::sha256_hex(&read(&root.join("sbom.cdx.json"))?);
    Ok(json!({
        "schema_version": "1",
        "bom_type": "productive-k3s-cli-bom/v1",
        "cli": {
            "name": "productive-k3s-core",
            "version": bundle["bundle_version"],
            "entrypoint": bundle["cli_entrypoint"],
        },
        "implementation": { "language": "rust", "version": env!("CARGO_PKG_VERSION") },
        "sbom": { "format": "CycloneDX", "path": "sbom.cdx.json", "sha256": sbom },
        "bundle": bundle,
        "platform_support": platform_support(),
        "requirements": requirements(),
        "components": components(),
    }))
}

fn platform_support() -> Value {
    let architectures = ["amd64", "arm64"];
    let name = |(id, version): &(schema::OsId, &str)| format!("{id}-{version}");
    let row = |of: &(schema::OsId, &str)| json!({ "os": name(of), "architectures": architectures });
    json!({
        "host_os": SUPPORTED.iter().map(name).collect::<Vec<_>>(),
        "architectures": architectures,
        "supported_matrix": SUPPORTED.iter().map(row).collect::<Vec<_>>(),
    })
}

/// The versions are those of the oldest distribution that is tested, Ubuntu 22.04.
fn requirements() -> Value {
    json!({
        "required_commands": [
            { "name": "sh", "reason": "the entry points of the bundle" },
            { "name": "systemctl", "min_version": "249", "reason": "services of k3s and of the host" },
            { "name": "curl", "min_version": "7.81", "reason": "artifacts and checks over HTTPS" },
            { "name": "tar", "min_version": "1.34", "reason": "the archive of helm, packages and backups" },
            { "name": "getent", "min_version": "glibc-2.35", "reason": "users and names of the host" },
            { "name": "sha256sum", "min_version": "8.32", "reason": "the installer of a release" },
        ],
        "optional_commands": [
            { "name": "sudo", "min_version": "1.9", "reason": "root privileges where the caller is not root" },
            { "name": "apt-get", "min_version": "2.4", "reason": "packages for NFS and iSCSI" },
            { "name": "docker", "min_version": "20.10", "reason": "trust of the registry's certificate" },
        ],
    })
}

fn components() -> Value {
    let word = |component: schema::Component| component.as_str().replace('_', "-");
    let mut versions = Map::new();
    for spec in COMPONENTS {
        let Some(pin) = spec.pin() else { continue };
        let key = match pin.form {
            PinForm::Release | PinForm::K3sRelease => word(spec.id()),
            PinForm::Image => format!("{}_image", word(spec.id())),
        };
        versions.insert(key, json!(pin.default));
    }
    let pin = |line: &str| line.split_once("  ").map(|(sum, url)| json!({ "url": url, "sha256": sum }));
    json!({
        "managed": COMPONENTS.iter().map(|spec| word(spec.id())).collect::<Vec<_>>(),
        "bootstrap_modes": Mode::ALL.iter().map(|mode| mode.as_str()).collect::<Vec<_>>(),
        "versions": versions,
        "artifacts": BuiltInSums::PROGRAM.lines().filter_map(pin).collect::<Vec<_>>(),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, BundleError> {
    let unreadable = |source| BundleError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes)).map_err(unreadable)?;
    Ok(bytes)
}
