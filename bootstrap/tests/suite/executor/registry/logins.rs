//! The login of the registry: who has it keeps it, and no run reports one that is not there.

use super::*;
use bootstrap::secret::Secret;
use bootstrap::step::Htpasswd;

/// Settings of a registry whose password the run makes.
fn generating() -> Settings {
    let mut settings = only(Component::Registry);
    settings.registry.auth.as_mut().expect("a login").password = Password::Generate;
    settings
}

const REMOVE_LOGINS: &str = "delete secret registry-htpasswd";

/// The record of a run that has taken over a password that an earlier run made.
fn having(password: &str) -> Records {
    let mut records = Records::default();
    records.context.generated_passwords.insert(Component::Registry, password.to_owned());
    records
}

#[test]
fn a_password_that_was_made_stays_known_until_its_login_is_replaced() {
    let stub = with_issuer();
    with_limit_of_operator(&stub, "60s");
    let failed = run(&stub, &generating());
    let made = failed.journal.context.generated_passwords[&Component::Registry].clone();
    assert!(failed.failure().tail.concat().contains("INTERNAL_ERROR"), "{:?}", failed.failure());

    let before = tree(&stub);
    let refused = run_with(&stub, &only(Component::Registry), having(&made), &|| false);
    assert!(refused.failure().message.contains(REMOVE_LOGINS), "{}", refused.failure().message);
    assert_eq!(refused.journal.context.generated_passwords.get(&Component::Registry), Some(&made));
    assert!(tree(&stub) == before, "nothing is changed");

    with_limit_of_operator(&stub, "3600s");
    let completed = stub.copied();
    run_with(&completed, &generating(), having(&made), &|| false).results();
    assert!(Htpasswd::parse(&htpasswd(&completed)).accepts("pusher", &Secret::new(&*made)));
    assert!(completed.text(REGISTRIES).contains(&made));

    // The way out that the message names.
    std::fs::remove_file(stub.path(LOGINS)).expect("was there");
    let given = run_with(&stub, &only(Component::Registry), having(&made), &|| false);
    assert!(given.journal.context.generated_passwords.is_empty());
    given.results();
    assert!(Htpasswd::parse(&htpasswd(&stub)).accepts("pusher", &Secret::new(SECRETS[1])));
    assert!(stub.text(REGISTRIES).contains(SECRETS[1]));
}

/// A password that is made for it now is not that of the registry, nor is one that was made before this one was given.
#[test]
fn a_login_that_nobody_knows_any_more_is_asked_for_and_not_replaced() {
    for recorded in [None, Some("of another time")] {
        let stub = with_issuer();
        run(&stub, &only(Component::Registry)).results();
        std::fs::remove_file(stub.path(REGISTRIES)).expect("was there");
        if let Some(recorded) = recorded {
            stub.remember(&having(recorded).context);
        }
        let before = tree(&stub);
        let ran = run(&stub, &generating());
        let said = &ran.failure().message;
        assert!(said.contains("set registry.password_file") && said.contains(REMOVE_LOGINS), "{said}");
        assert!(ran.journal.context.generated_passwords.is_empty() && tree(&stub) == before);
    }
}

/// Wherever the run ends that is to bring the login about. A certificate that everybody trusts, so that k3s has to know of
/// the registry for its login alone.
#[test]
fn a_registry_that_is_to_have_a_login_is_not_reused_without_one() {
    let installed = with_issuer();
    let (mut open, mut closed) = (without_login(), only(Component::Registry));
    (open.tls, closed.tls) = (lets_encrypt(), lets_encrypt());
    run(&installed, &open).results();
    let asks_for_login = |stub: &StubHost| stub.text(DEPLOYMENT).contains("REGISTRY_AUTH");
    let mut halves = 0;
    for writes in 0.. {
        let stub = installed.copied();
        let died = run_and_die(&stub, &closed, writes);
        halves += usize::from(stub.path(LOGINS).exists() && !asks_for_login(&stub));
        run(&stub, &closed).results();
        assert!(asks_for_login(&stub) && stub.text(REGISTRIES).contains(SECRETS[1]), "after {writes} writes");
        if !died {
            break;
        }
    }
    assert!(halves > 0, "no run ended between the logins and the deployment");
}

/// Wherever the run ends that is to bring another password about, with a certificate that k3s trusts since the first run.
#[test]
fn k3s_gets_the_password_that_a_run_made_for_a_registry_that_it_knows_already() {
    let installed = with_issuer();
    run(&installed, &only(Component::Registry)).results();
    // The way to another password that messages name.
    std::fs::remove_file(installed.path(LOGINS)).expect("was there");
    let mut halves = 0;
    for writes in 0.. {
        let stub = installed.copied();
        let died = run_with(&stub, &generating(), Records::dying_after(Some(writes)), &|| false);
        let made = died.journal.context.generated_passwords.get(&Component::Registry);
        halves += usize::from(stub.path(LOGINS).exists() && stub.text(REGISTRIES).contains(SECRETS[1]));
        let adopted = made.map_or_else(Records::default, |made| having(made));
        let next = run_with(&stub, &generating(), adopted, &|| false);
        let made = next.journal.context.generated_passwords[&Component::Registry].clone();
        next.results();
        assert!(Htpasswd::parse(&htpasswd(&stub)).accepts("pusher", &Secret::new(&*made)));
        assert!(stub.text(REGISTRIES).contains(&made), "after {writes} writes");
        if died.result.is_ok() {
            break;
        }
    }
    assert!(halves > 0, "no run ended between the logins and the entry of k3s");
}

#[test]
fn a_login_that_was_given_up_is_there_again_when_it_is_asked_for() {
    let stub = with_issuer();
    run(&stub, &only(Component::Registry)).results();
    // The way to give it up that the message names.
    std::fs::remove_file(stub.path(DEPLOYMENT)).expect("was there");
    run(&stub, &without_login()).results();
    assert!(!stub.text(DEPLOYMENT).contains("REGISTRY_AUTH") && stub.path(LOGINS).exists());
    run(&stub, &only(Component::Registry)).results();
    assert!(stub.text(DEPLOYMENT).contains("REGISTRY_AUTH"));
}

#[test]
fn a_registry_that_is_there_keeps_its_user_and_its_password() {
    let stub = with_issuer();
    run(&stub, &only(Component::Registry)).results();
    let before = tree(&stub);
    let with_login = |user: &str, password| {
        let mut settings = only(Component::Registry);
        settings.registry.auth = Some(RegistryAuth { user: user.to_owned(), password });
        run(&stub, &settings)
    };
    let given = |password| Password::Given(Secret::new(password));
    for (user, password, input) in [
        ("puller", given(SECRETS[1]), "set registry.user"),
        ("puller", Password::Generate, "set registry.user"),
        ("pusher", given("another"), "set registry.password_file"),
    ] {
        let ran = with_login(user, password);
        let said = &ran.failure().message;
        assert!(said.contains(input) && said.contains(REMOVE_LOGINS), "{said}");
        assert!(tree(&stub) == before && ran.journal.steps().is_empty());
    }
    // One that was shown is known to the operator alone.
    with_login("pusher", Password::Generate).results();
}
