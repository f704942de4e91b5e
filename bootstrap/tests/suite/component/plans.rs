use std::fmt::Write;

use super::*;
use bootstrap::host::ProbeError;
use bootstrap::settings::{Artifacts, Password, Settings, Tls};

/// What a dry run would print of everything in `mode`, given that each component was found to be `detection`.
fn printed(settings: &Settings, detection: &Detection) -> String {
    let context = PlanContext {
        settings,
        arch: Arch::Amd64,
        staging: Path::new("/var/lib/productive-k3s/staging/RUN"),
        sums: BuiltInSums::PROGRAM,
    };
    components(settings.mode).fold(String::new(), |mut text, component| {
        let plan = plan(component, detection, &context);
        let _ = writeln!(text, "{component}: {}", plan.action);
        for step in &plan.steps {
            let _ = writeln!(text, "  {}", step.title);
            for line in step.describe() {
                let _ = writeln!(text, "    {line}");
            }
        }
        for check in &plan.verify {
            let _ = writeln!(text, "  verify {check}");
        }
        if let Some(reason) = &plan.blocked {
            let _ = writeln!(text, "  blocked: {reason}");
        }
        text
    })
}

#[test]
fn a_server() {
    insta::assert_snapshot!(printed(&settings(Mode::Server), &Detection::Missing));
}

#[test]
fn an_agent() {
    insta::assert_snapshot!(printed(&settings(Mode::Agent), &Detection::Missing));
}

#[test]
fn a_single_node() {
    insta::assert_snapshot!(printed(&settings(Mode::SingleNode), &Detection::Missing));
}

#[test]
fn a_stack_with_letsencrypt_three_copies_and_no_logins() {
    let mut settings = settings(Mode::Stack);
    settings.tls = Tls::Letsencrypt {
        email: "admin@example.com".to_owned(),
        environment: schema::LetsencryptEnvironment::Staging,
    };
    settings.longhorn.replica_count = schema::Bounded::clamped(3);
    settings.longhorn.make_default = false;
    settings.registry.auth = None;
    settings.registry.storage_class = Some("fast".to_owned());
    settings.rancher.password = Password::Generate;
    insta::assert_snapshot!(printed(&settings, &Detection::Missing));
}

#[test]
fn a_server_on_arm_without_network() {
    let mut settings = settings(Mode::Server);
    settings.artifacts = Artifacts::Local("/mnt/artifacts".into());
    let context = PlanContext {
        settings: &settings,
        arch: Arch::Arm64,
        staging: Path::new("/var/lib/productive-k3s/staging/RUN"),
        sums: BuiltInSums::PROGRAM,
    };
    let lines: Vec<String> = components(Mode::Server)
        .flat_map(|component| plan(component, &Detection::Missing, &context).steps)
        .flat_map(|step| step.describe())
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_is_there_is_only_verified() {
    insta::assert_snapshot!(printed(&settings(Mode::SingleNode), &Detection::Present));
}

#[test]
fn what_cannot_be_told_is_not_planned() {
    let text = printed(
        &settings(Mode::SingleNode),
        &Detection::Unknown(ProbeError::Api { message: "no answer".to_owned() }),
    );
    assert_eq!(text.matches(": pending\n  blocked: no answer\n").count(), 10);
}

#[test]
fn no_plan_shows_a_secret() {
    for mode in [Mode::Server, Mode::Agent, Mode::Stack, Mode::SingleNode] {
        for detection in [Detection::Missing, Detection::Incomplete(Gap::OtherLines)] {
            let text = printed(&settings(mode), &detection);
            for secret in crate::support::settings::SECRETS {
                assert!(!text.contains(secret), "{secret} in {mode}");
            }
        }
    }
}
