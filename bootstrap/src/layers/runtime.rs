//! Which Kubernetes the layers ask for, and how it is to be installed. One combination exists here: k3s, by itself.

use std::ffi::OsString;

/// Something that the shell core installs and this program does not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsupportedRuntime {
    /// Another way to install k3s.
    #[error("Unsupported k3s installation engine{}", named(*.0))]
    Engine(Option<&'static str>),
    /// Another Kubernetes.
    #[error("Unsupported cluster distro{}", named(*.0))]
    Distro(Option<&'static str>),
}

impl UnsupportedRuntime {
    /// What to do instead.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Engine(_) => {
                "unset PRODUCTIVE_K3S_ENGINE, or set it to native: k3s is installed on the host itself"
            }
            Self::Distro(_) => {
                "unset PRODUCTIVE_K3S_DISTRO, or set it to k3s; other clusters need the shell core"
            }
        }
    }
}

/// A word that nobody knows is not repeated: it may be a value in the wrong place.
fn named(word: Option<&'static str>) -> String {
    word.map(|word| format!(": {word}")).unwrap_or_default()
}

/// Checks `PRODUCTIVE_K3S_ENGINE` and `PRODUCTIVE_K3S_DISTRO`; what is not set asks for what there is.
///
/// # Errors
/// What is asked for instead.
pub fn check_runtime(variable: impl Fn(&str) -> Option<OsString>) -> Result<(), UnsupportedRuntime> {
    let given = |name| variable(name).filter(|value| !value.is_empty());
    let known = |value: &OsString, words: &[&'static str]| words.iter().find(|word| value == **word).copied();
    match given("PRODUCTIVE_K3S_DISTRO") {
        Some(distro) if distro != "k3s" => {
            return Err(UnsupportedRuntime::Distro(known(&distro, &["rke2"])));
        }
        _ => {}
    }
    match given("PRODUCTIVE_K3S_ENGINE") {
        Some(engine) if engine != "native" => {
            Err(UnsupportedRuntime::Engine(known(&engine, &["k3sup", "rke2"])))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k3s_by_itself_is_all_there_is() {
        let check = |variables: &[(&str, &str)]| {
            check_runtime(|name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            })
        };
        let (engine, distro) = ("PRODUCTIVE_K3S_ENGINE", "PRODUCTIVE_K3S_DISTRO");
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[(engine, "native"), (distro, "k3s")]), Ok(()));
        assert_eq!(check(&[(engine, ""), (distro, "")]), Ok(()));
        assert_eq!(check(&[(engine, "k3sup")]), Err(UnsupportedRuntime::Engine(Some("k3sup"))));
        assert_eq!(check(&[(distro, "rke2")]), Err(UnsupportedRuntime::Distro(Some("rke2"))));
        let unknown = check(&[(engine, "secret-canary")]).expect_err("unknown");
        assert_eq!(unknown, UnsupportedRuntime::Engine(None));
        assert_eq!(unknown.to_string(), "Unsupported k3s installation engine");
    }
}
