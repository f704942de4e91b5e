//! SHA-256 in records: of file contents, and of the machine that a private context belongs to.

use std::fmt::{self, Write as _};
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// An id has 32 digits; what is much longer is something else.
const MAX_ID_BYTES: u64 = 256;
/// What systemd writes to `/etc/machine-id` before the first start of an image, machine-id(5).
const NOT_YET_KNOWN: &str = "uninitialized";

/// SHA-256 of `bytes` as records state it: 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// What identifies this machine. It is private and never written anywhere: only its fingerprint is.
pub struct MachineId(String);

impl MachineId {
    /// The id in `/etc/machine-id` or, for hosts without systemd, `/var/lib/dbus/machine-id` below `root`; where
    /// neither is known, the name of the host.
    pub fn read(root: &Path) -> Self {
        let known =
            ["etc/machine-id", "var/lib/dbus/machine-id"].iter().find_map(|path| read_id(&root.join(path)));
        // The prefixes prevent that a host whose name is another's machine id counts as that machine.
        Self(match known {
            Some(id) => format!("machine-id:{id}"),
            None => format!("host-name:{}", rustix::system::uname().nodename().to_string_lossy()),
        })
    }
}

fn read_id(path: &Path) -> Option<String> {
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(MAX_ID_BYTES).read_to_string(&mut text).ok()?;
    let id = text.trim();
    (!id.is_empty() && id != NOT_YET_KNOWN).then(|| id.to_owned())
}

impl fmt::Debug for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MachineId(withheld)")
    }
}

/// Salted SHA-256 of a machine id. machine-id(5) asks that the id itself be kept confidential, and with a salt for each
/// run two private contexts do not reveal that they are from one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineFingerprint {
    salt: String,
    sha256: String,
}

impl MachineFingerprint {
    /// The fingerprint of `machine` with a fresh random salt.
    pub fn of(machine: &MachineId) -> Self {
        Self::salted(uuid::Uuid::new_v4().simple().to_string(), machine)
    }

    /// Whether it is that of `machine`.
    pub fn matches(&self, machine: &MachineId) -> bool {
        *self == Self::salted(self.salt.clone(), machine)
    }

    fn salted(salt: String, machine: &MachineId) -> Self {
        let sha256 = sha256_hex(format!("{salt}{}", machine.0).as_bytes());
        Self { salt, sha256 }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set scenes, nothing of ours")]
mod tests {
    use super::*;

    fn root_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::TempDir::new().expect("a scratch directory");
        for (path, content) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
            std::fs::write(path, content).expect("written");
        }
        root
    }

    #[test]
    fn a_machine_is_known_by_its_id() {
        let one = MachineId::read(root_with(&[("etc/machine-id", "0123\n")]).path());
        let same = MachineId::read(root_with(&[("etc/machine-id", "0123")]).path());
        let dbus =
            MachineId::read(root_with(&[("etc/machine-id", ""), ("var/lib/dbus/machine-id", "0123")]).path());
        let other = MachineId::read(root_with(&[("etc/machine-id", "4567\n")]).path());
        let (print, again) = (MachineFingerprint::of(&one), MachineFingerprint::of(&one));
        assert!(print.matches(&one) && print.matches(&same) && print.matches(&dbus));
        assert!(!print.matches(&other));
        assert_ne!(print, again, "each fingerprint has its own salt");
        assert!(!format!("{print:?}").contains("0123"));
        assert_eq!(format!("{one:?}"), "MachineId(withheld)");
    }

    #[test]
    fn a_machine_without_id_is_known_by_its_name() {
        let none = MachineId::read(root_with(&[]).path());
        let early = MachineId::read(root_with(&[("etc/machine-id", "uninitialized\n")]).path());
        let named = MachineId::read(root_with(&[("etc/machine-id", "0123\n")]).path());
        assert!(MachineFingerprint::of(&none).matches(&early));
        assert!(!MachineFingerprint::of(&none).matches(&named));
    }
}
