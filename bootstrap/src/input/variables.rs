//! Variables of the environment with our prefix: those that we know, those of the layers above, and mistakes.

use std::ffi::OsStr;

use super::declaration::InputField;
use super::error::InputError;
use super::inputs::Inputs;
use super::value::nearest;

const PREFIX: &str = "PRODUCTIVE_K3S_";

/// The name of the program invites this prefix. It is a common word too, so a variable with it is a mistake only where an
/// input of that name exists.
const TEMPTING_PREFIX: &str = "BOOTSTRAP_";

/// Facts of a host that tests of the shell core put in the place of what its host says. This program is told none: a check
/// that a variable can satisfy says nothing of the host.
const OF_HOST: &str = "PREFLIGHT_";

/// What the programs above this one, which share the prefix, keep in the environment that they hand down: their own
/// sources, releases and tests. Each is a whole name, or the beginning of one if it ends in an underscore.
const OF_OTHERS: [&str; 25] = [
    "ADAPTERS_",
    "ADDONS_",
    "APPLY_",
    "AUTO_APPROVE_",
    "BUNDLE_",
    "CLI_",
    "CORE_",
    "DISTRO",
    "ENGINE",
    "FROM_",
    "GITHUB_",
    "INFRA_",
    "LIB_ONLY",
    "PLAYBOOK_",
    "PROFILES_",
    "RELEASE_",
    "REPO",
    "RKE2_",
    "SOURCE",
    "SOURCE_",
    "SSH_",
    "STACK_",
    "SYSTEM_",
    "VERSION",
    "VERSION_",
];

/// Refuses a variable that nobody reads: it is mistyped, and what it was to say would silently not count.
///
/// # Errors
/// [`InputError::UnknownVariable`], with the name of the variable and never its value, and
/// [`InputError::StatedFact`].
pub fn refuse_unknown_variables<N: AsRef<OsStr>>(
    names: impl IntoIterator<Item = N>,
) -> Result<(), InputError> {
    let known = known();
    for name in names {
        let Some(name) = name.as_ref().to_str() else { continue };
        if let Some(rest) = name.strip_prefix(PREFIX) {
            if rest.starts_with(OF_HOST) {
                return Err(InputError::StatedFact { variable: name.to_owned() });
            }
            if !known.contains(&name) && !is_of_others(rest) {
                let nearest = nearest(name, known.iter().copied()).map(str::to_owned);
                return Err(InputError::UnknownVariable { variable: name.to_owned(), nearest });
            }
        } else if let Some(rest) = name.strip_prefix(TEMPTING_PREFIX)
            && let Some(meant) = known.iter().find(|known| known.strip_prefix(PREFIX) == Some(rest))
        {
            let nearest = Some((*meant).to_owned());
            return Err(InputError::UnknownVariable { variable: name.to_owned(), nearest });
        }
    }
    Ok(())
}

fn known() -> Vec<&'static str> {
    let inputs = Inputs::declared().inputs().into_iter();
    inputs
        .flat_map(|input| [Some(input.declaration().variable.as_str()), input.secret_variable()])
        .flatten()
        .collect()
}

fn is_of_others(name: &str) -> bool {
    OF_OTHERS.iter().any(|known| if known.ends_with('_') { name.starts_with(known) } else { name == *known })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str) -> Option<(String, Option<String>)> {
        match refuse_unknown_variables([name]) {
            Err(InputError::UnknownVariable { variable, nearest }) => Some((variable, nearest)),
            _ => None,
        }
    }

    #[test]
    fn mistyped_variables_are_refused_with_the_nearest_known_name() {
        for (name, meant) in [
            ("PRODUCTIVE_K3S_DOMIAN", Some("PRODUCTIVE_K3S_DOMAIN")),
            ("PRODUCTIVE_K3S_AGENT_SERVER_ULR", Some("PRODUCTIVE_K3S_AGENT_SERVER_URL")),
            ("PRODUCTIVE_K3S_REGISTRY_IMAGE", Some("PRODUCTIVE_K3S_REGISTRY_USER")),
            ("BOOTSTRAP_MODE", Some("PRODUCTIVE_K3S_MODE")),
        ] {
            let (variable, nearest) = refused(name).unwrap_or_else(|| panic!("{name} is accepted"));
            assert_eq!(variable, name);
            assert_eq!(nearest.as_deref(), meant, "{name}");
        }
    }

    #[test]
    fn nobody_states_what_the_host_itself_says() {
        for name in ["PRODUCTIVE_K3S_PREFLIGHT_CPU_COUNT", "PRODUCTIVE_K3S_PREFLIGHT_OS_RELEASE_FILE"] {
            match refuse_unknown_variables([name]) {
                Err(InputError::StatedFact { variable }) => assert_eq!(variable, name),
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn our_own_and_those_of_the_layers_above_are_accepted() {
        for name in [
            "PRODUCTIVE_K3S_DOMAIN",
            "PRODUCTIVE_K3S_AGENT_TOKEN",
            "PRODUCTIVE_K3S_CERT_MANAGER_VERSION",
            "PRODUCTIVE_K3S_SOURCE",
            "PRODUCTIVE_K3S_VERSION",
            "PRODUCTIVE_K3S_VERSION_RESOLVED",
            "PRODUCTIVE_K3S_FROM_CLUSTER_JSON",
            "PRODUCTIVE_K3S_REPO",
            "PRODUCTIVE_K3S_INFRA_VERSION",
            "PRODUCTIVE_K3S_CORE_REPO_DIR",
            "PRODUCTIVE_K3S_AUTO_APPROVE_PREFLIGHT_WARNINGS",
            "BOOTSTRAP_SERVERS",
            "BOOTSTRAP_DIR",
            "HOME",
        ] {
            assert_eq!(refused(name), None, "{name}");
        }
    }
}
