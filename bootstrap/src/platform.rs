//! What host this is, in the words of the contract.

use schema::{Arch, OsFamily, OsId, OsVersion, Platform, Support};

/// Distributions and versions that are tested, on amd64 and arm64.
pub const SUPPORTED: &[(OsId, &str)] =
    &[(OsId::Ubuntu, "22.04"), (OsId::Ubuntu, "24.04"), (OsId::Debian, "12"), (OsId::Debian, "13")];

/// The platform as `/etc/os-release` (os-release(5)) and the kernel's machine name tell it. What is not told is
/// `other`.
pub fn platform(os_release: &str, machine: &str) -> Platform {
    let id = os_release_field(os_release, "ID").unwrap_or_default();
    let os_id = OsId::from_word(&id).unwrap_or(OsId::Other);
    let os_version = OsVersion::or_other(&os_release_field(os_release, "VERSION_ID").unwrap_or_default());
    let arch = match machine {
        "x86_64" => Arch::Amd64,
        "aarch64" => Arch::Arm64,
        _ => Arch::Other,
    };
    // Both must be known: a tested distribution on an untested architecture has no releases to install.
    let tested = SUPPORTED.contains(&(os_id, os_version.as_str())) && arch != Arch::Other;
    let support = if tested { Support::Supported } else { Support::Unsupported };
    Platform {
        support,
        os_family: family(os_id, &os_release_field(os_release, "ID_LIKE").unwrap_or_default()),
        os_id,
        os_version,
        arch,
    }
}

/// The platform in the words of an operator: `debian 12 amd64`.
pub fn described(platform: &Platform) -> String {
    format!("{} {} {}", platform.os_id, platform.os_version.as_str(), platform.arch)
}

fn family(id: OsId, like: &str) -> OsFamily {
    match id {
        OsId::Debian | OsId::Ubuntu | OsId::Raspbian | OsId::Linuxmint => OsFamily::Debian,
        OsId::Rhel | OsId::Centos | OsId::Rocky | OsId::Almalinux | OsId::Fedora | OsId::Ol | OsId::Amzn => {
            OsFamily::Rhel
        }
        OsId::Sles | OsId::OpensuseLeap | OsId::OpensuseTumbleweed => OsFamily::Suse,
        OsId::Alpine => OsFamily::Alpine,
        OsId::Arch => OsFamily::Arch,
        // A derivative that the contract does not name still says what it is like, in the order of likeness.
        OsId::Other => like.split_whitespace().find_map(family_of_word).unwrap_or(OsFamily::Other),
    }
}

fn family_of_word(word: &str) -> Option<OsFamily> {
    match word {
        "debian" | "ubuntu" => Some(OsFamily::Debian),
        "rhel" | "fedora" | "centos" => Some(OsFamily::Rhel),
        "suse" | "opensuse" => Some(OsFamily::Suse),
        "alpine" => Some(OsFamily::Alpine),
        "arch" => Some(OsFamily::Arch),
        _ => None,
    }
}

/// The value of one line of `/etc/os-release`, its quotes removed.
pub fn os_release_field(os_release: &str, name: &str) -> Option<String> {
    // os-release(5) allows shell quoting; of that only the quotes around a whole value are in use.
    os_release.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key == name).then(|| value.trim().trim_matches(['"', '\'']).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_in_words_of_the_contract() {
        let table = [
            ("ID=ubuntu\nVERSION_ID=\"24.04\"\n", "x86_64", "supported debian ubuntu 24.04 amd64"),
            ("ID=debian\nVERSION_ID='13'\n", "aarch64", "supported debian debian 13 arm64"),
            ("ID=debian\n", "x86_64", "unsupported debian debian other amd64"),
            ("ID=ubuntu\nVERSION_ID=\"20.04\"\n", "x86_64", "unsupported debian ubuntu 20.04 amd64"),
            ("ID=debian\nVERSION_ID=12\n", "riscv64", "unsupported debian debian 12 other"),
            (
                "ID=\"srv01-canary\"\nID_LIKE=\"suse opensuse\"\n",
                "x86_64",
                "unsupported suse other other amd64",
            ),
            ("ID=rocky\nVERSION_ID=\"9.4\"\nID_LIKE=\"rhel\"", "x86_64", "unsupported rhel rocky 9.4 amd64"),
            ("", "", "unsupported other other other other"),
        ];
        for (os_release, machine, expected) in table {
            let Platform { support, os_family, os_id, os_version, arch } = platform(os_release, machine);
            assert_eq!(
                format!("{support} {os_family} {os_id} {os_version} {arch}"),
                expected,
                "{os_release}"
            );
        }
    }
}
