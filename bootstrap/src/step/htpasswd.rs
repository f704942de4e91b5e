//! The logins of the registry, as its htpasswd file has them: a line for each user, with the hash of the password.

use super::error::StepError;
use crate::secret::Secret;

/// Rounds of bcrypt as a power of two. The registry hashes at every request, so it is what libraries take by default and
/// not more.
const BCRYPT_COST: u32 = 10;

/// The line for a user. The registry takes bcrypt alone.
pub(super) fn line(user: &str, password: &Secret) -> Result<Secret, StepError> {
    let hash = bcrypt::hash(password.expose(), BCRYPT_COST).map_err(|_| StepError::Bcrypt)?;
    Ok(Secret::new(format!("{user}:{hash}\n")))
}

/// The logins that a registry takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Htpasswd {
    /// Each user with the hash of the password.
    logins: Vec<(String, Secret)>,
}

impl Htpasswd {
    /// Reads the text of the file, in which empty lines and remarks are no logins.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let logins = lines.filter_map(|line| line.split_once(':'));
        Self { logins: logins.map(|(user, hash)| (user.to_owned(), Secret::new(hash))).collect() }
    }

    /// The users.
    pub fn users(&self) -> Vec<&str> {
        self.logins.iter().map(|(user, _)| user.as_str()).collect()
    }

    /// Whether the registry lets `user` in with `password`.
    pub fn accepts(&self, user: &str, password: &Secret) -> bool {
        let is_of = |hash: &Secret| bcrypt::verify(password.expose(), hash.expose()).unwrap_or(false);
        self.logins.iter().any(|(of, hash)| of == user && is_of(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_accepted_with_its_own_user_and_password_alone() {
        let [right, wrong] = ["right", "wrong"].map(Secret::new);
        let own = line("pusher", &right).expect("a hash");
        let text = format!("# theirs\n\npuller:{{SHA}}nothing that the registry takes\n{}", own.expose());
        let logins = Htpasswd::parse(&text);
        assert_eq!(logins.users(), ["puller", "pusher"]);
        assert!(logins.accepts("pusher", &right) && !logins.accepts("pusher", &wrong));
        assert!(!logins.accepts("puller", &right) && !logins.accepts("nobody", &right));
        assert!(Htpasswd::parse("").users().is_empty());
    }
}
