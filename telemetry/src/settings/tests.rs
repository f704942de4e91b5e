use privacy::LocalIdentifiers;

use super::*;
use crate::environment::of;

fn check(variables: &[(&str, &str)]) -> (Settings, Vec<&'static str>) {
    let gate = Gate::new(LocalIdentifiers::default().with_private(["srv01"]));
    let (settings, warnings) = Settings::from_env(&of(variables), &gate, Path::new("runs"));
    let told = format!("{warnings:?}");
    for (_, value) in variables.iter().filter(|(_, value)| value.len() > 4) {
        assert!(!told.contains(value), "a warning holds the value");
    }
    (settings, warnings.iter().map(|warning| warning.variable).collect())
}

fn url(settings: &Settings) -> String {
    settings.endpoint.as_ref().expect("an endpoint").url().to_string()
}

const DEFAULT: &str = "https://telemetry.productive-k3s.io/telemetry";

#[test]
fn the_defaults_are_those_of_the_seed() {
    let (settings, warnings) = check(&[]);
    assert!(warnings.is_empty());
    assert_eq!(url(&settings), DEFAULT);
    assert_eq!(settings.marker.as_str(), "pk3s-public-v1");
    assert!(settings.user_agent.as_str().starts_with("productive-k3s-core/"));
    assert_eq!(settings.max_attempts, 3);
    assert_eq!((settings.connect_timeout.as_secs(), settings.request_timeout.as_secs()), (5, 10));
    assert_eq!(settings.outbox_dir, Path::new("runs/telemetry-outbox"));
}

#[test]
fn numbers_outside_their_bounds_fall_back() {
    for (variable, last) in [(MAX_RETRIES, "10"), (CONNECT_TIMEOUT, "60"), (REQUEST_TIMEOUT, "120")] {
        for good in ["1", last] {
            let (settings, warnings) = check(&[(variable, good)]);
            let numbers = [
                settings.max_attempts.into(),
                settings.connect_timeout.as_secs(),
                settings.request_timeout.as_secs(),
            ];
            assert!(
                numbers.contains(&good.parse().expect("a number")) && warnings.is_empty(),
                "{variable} {good}"
            );
        }
        for bad in ["0", "121", "-1", "1.5", "three", "99999999999999999999"] {
            let (settings, warnings) = check(&[(variable, bad)]);
            assert_eq!(warnings, [variable], "{bad}");
            assert_eq!(settings.max_attempts, 3);
            assert_eq!((settings.connect_timeout.as_secs(), settings.request_timeout.as_secs()), (5, 10));
        }
    }
}

#[test]
fn an_empty_variable_is_an_unset_one_but_for_the_endpoint() {
    let all = [MARKER, USER_AGENT, TOKEN, MAX_RETRIES, CONNECT_TIMEOUT, REQUEST_TIMEOUT, OUTBOX_DIR];
    let (settings, warnings) = check(&all.map(|variable| (variable, "")));
    assert_eq!((url(&settings).as_str(), warnings.len()), (DEFAULT, 0));
    let (settings, warnings) = check(&[(ENDPOINT, "")]);
    assert_eq!((settings.endpoint.is_none(), warnings), (true, vec![ENDPOINT]));
}

#[test]
fn an_endpoint_that_cannot_be_used_is_none_and_the_default_does_not_take_its_place() {
    for bad in [
        "ftp://h.example/x",
        "https://user:pass@h.example/",
        "https://user@h.example/",
        "h.example",
        "https://",
    ] {
        let (settings, warnings) = check(&[(ENDPOINT, bad), (TOKEN, "s3cr3t-token")]);
        assert_eq!((settings.endpoint.is_none(), warnings), (true, vec![ENDPOINT]), "{bad}");
    }
}

#[test]
fn a_token_goes_over_https_or_stays_on_this_machine() {
    for (endpoint, goes) in [
        ("https://h.example/t", true),
        ("http://127.0.0.1:8080/t", true),
        ("http://[::1]:8080/t", true),
        ("http://localhost/t", true),
        ("http://h.example/t", false),
        ("http://localhost.example/t", false),
        ("http://192.0.2.7/t", false),
    ] {
        let (settings, warnings) = check(&[(ENDPOINT, endpoint), (TOKEN, "s3cr3t-token")]);
        assert_eq!(settings.endpoint.expect("one").token().is_some(), goes, "{endpoint}");
        assert_eq!(warnings.is_empty(), goes, "{endpoint}");
    }
    for bad in ["two words", "line\nbreak", "caf\u{e9}-token"] {
        let (settings, warnings) = check(&[(TOKEN, bad)]);
        assert_eq!(
            (settings.endpoint.expect("one").token().is_none(), warnings),
            (true, vec![TOKEN]),
            "{bad:?}"
        );
    }
}

#[test]
fn nothing_that_is_shown_holds_the_token() {
    let (settings, _) = check(&[(TOKEN, "s3cr3t-token")]);
    assert!(!format!("{settings:?}").contains("s3cr3t"));
}

#[test]
fn headers_that_tell_of_this_machine_fall_back() {
    for variable in [MARKER, USER_AGENT] {
        let (settings, warnings) = check(&[(variable, "on-srv01")]);
        assert_eq!((settings.marker.as_str(), warnings), ("pk3s-public-v1", vec![variable]));
        let (settings, warnings) = check(&[(variable, "my-layer")]);
        assert!(
            [settings.marker.as_str(), settings.user_agent.as_str()].contains(&"my-layer")
                && warnings.is_empty()
        );
    }
}
