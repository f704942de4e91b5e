//! Where and how telemetry is delivered.
//!
//! Timeouts and attempts are bounded from above as well: the deliverer must end within its deadline whatever a
//! variable says, and a receiver must not get a thousand requests for one typing error.

use std::time::Duration;

use privacy::Gate;
use schema::delivery::{CONNECT_TIMEOUT, MAX_ATTEMPTS, REQUEST_TIMEOUT, Setting};

use crate::endpoint::{BearerToken, Endpoint};
use crate::environment::{EnvReader, Environment, VariableWarning};
use crate::outbox::OutboxDir;
use crate::request::{VettedHeaderValue, VettedHeaders};

const ENDPOINT: &str = "TELEMETRY_ENDPOINT";
const TOKEN: &str = "TELEMETRY_BEARER_TOKEN";
pub(crate) const MARKER: &str = "TELEMETRY_MARKER";
const USER_AGENT: &str = "TELEMETRY_USER_AGENT";
const OUTBOX_DIR: &str = "TELEMETRY_OUTBOX_DIR";

const NOT_A_HEADER: &str = "is not a header value that may be sent, so the default is used";

/// Where and how telemetry is delivered (seed, Delivery Controls).
#[derive(Clone, Debug)]
pub struct DeliverySettings {
    /// Where documents go; `None` means that nothing is delivered.
    pub endpoint: Option<Endpoint>,
    /// Headers for the documents of this run. Those of a queued document are stored with it.
    pub headers: VettedHeaders,
    /// The marker that the operator has set, if it may be sent: then a queued document whose own may not be sent takes it.
    pub chosen_marker: Option<VettedHeaderValue>,
    /// Failures in a row that end a delivery pass; from 1.
    pub max_attempts: u32,
    /// Longest time until a connection is established, name lookup and TLS included.
    pub connect_timeout: Duration,
    /// Longest time that one attempt takes as a whole.
    pub request_timeout: Duration,
    /// Where documents are queued.
    pub outbox: OutboxDir,
}

impl DeliverySettings {
    /// Reads the settings; documents are queued in `outbox` unless a variable names another place. What cannot be used
    /// falls back to its default with one warning, and never fails.
    pub fn from_env(
        environment: Environment<'_>,
        gate: &Gate,
        outbox: OutboxDir,
    ) -> (Self, Vec<VariableWarning>) {
        let mut reader = EnvReader::new(environment);
        let endpoint = endpoint(&mut reader);
        let default = VettedHeaders::default();
        let chosen_marker = header(&mut reader, MARKER, gate, &default.marker);
        let user_agent = header(&mut reader, USER_AGENT, gate, &default.user_agent);
        let settings = Self {
            endpoint,
            headers: VettedHeaders {
                marker: chosen_marker.clone().unwrap_or(default.marker),
                user_agent: user_agent.unwrap_or(default.user_agent),
            },
            chosen_marker,
            max_attempts: number(
                &mut reader,
                MAX_ATTEMPTS,
                "is not a whole number from 1 to 10, so 3 is used",
            ),
            connect_timeout: seconds(number(
                &mut reader,
                CONNECT_TIMEOUT,
                "is not a whole number from 1 to 60, so 5 is used",
            )),
            request_timeout: seconds(number(
                &mut reader,
                REQUEST_TIMEOUT,
                "is not a whole number from 1 to 120, so 10 is used",
            )),
            outbox: reader.raw(OUTBOX_DIR).map_or(outbox, OutboxDir::at),
        };
        (settings, reader.warnings)
    }
}

/// The endpoint with its token.
fn endpoint(reader: &mut EnvReader<'_>) -> Option<Endpoint> {
    // Empty is the documented way to store without delivering. The warning is for an operator who blanked it by accident.
    if reader.is_set_but_empty(ENDPOINT) {
        reader.warn(ENDPOINT, "is set but empty, so nothing is delivered");
        return None;
    }
    // The default endpoint must not take its place: it would get documents that were meant for another receiver.
    let message = "is not an http or https URL without user name and password, so nothing is delivered";
    let is_given = reader.raw(ENDPOINT).is_some();
    let endpoint = match reader.parsed(ENDPOINT, message, |text| Endpoint::parse(text).ok()) {
        Some(given) => given,
        None if is_given => return None,
        None => Endpoint::default(),
    };
    let token = reader.parsed(TOKEN, "is not a bearer token, so none is sent", BearerToken::parse);
    // A token that cannot be used is left out, and is not fatal: the endpoint decides what it accepts.
    let Some(token) = token else { return Some(endpoint) };
    Some(endpoint.with_token(token).unwrap_or_else(|endpoint| {
        reader.warn(TOKEN, "is not sent, because the endpoint is neither https nor on this machine");
        endpoint
    }))
}

fn header(
    reader: &mut EnvReader<'_>,
    variable: &'static str,
    gate: &Gate,
    default: &VettedHeaderValue,
) -> Option<VettedHeaderValue> {
    // The default is a constant of the contract, whatever the host is called.
    let usable = |text: &str| VettedHeaderValue::parse_or_equal(text, default.clone(), gate).ok();
    reader.parsed(variable, NOT_A_HEADER, usable)
}

fn number(reader: &mut EnvReader<'_>, setting: Setting, message: &'static str) -> u32 {
    let usable = |number: &u32| (setting.min..=setting.max).contains(number);
    let parse = |text: &str| text.trim().parse().ok().filter(usable);
    reader.parsed(setting.variable, message, parse).unwrap_or(setting.default)
}

fn seconds(number: u32) -> Duration {
    Duration::from_secs(number.into())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use privacy::LocalIdentifiers;

    use super::*;
    use crate::environment::fake_environment;

    fn check(variables: &[(&str, &str)]) -> (DeliverySettings, Vec<&'static str>) {
        let gate = Gate::new(LocalIdentifiers::default().with_private(["srv01"]));
        let (settings, warnings) = DeliverySettings::from_env(
            &fake_environment(variables),
            &gate,
            OutboxDir::below(Path::new("runs")),
        );
        let told = format!("{warnings:?}");
        for (_, value) in variables.iter().filter(|(_, value)| value.len() > 4) {
            assert!(!told.contains(value), "a warning holds the value");
        }
        (settings, warnings.iter().map(|warning| warning.variable).collect())
    }

    fn url(settings: &DeliverySettings) -> String {
        settings.endpoint.as_ref().expect("an endpoint").url().to_string()
    }

    const DEFAULT: &str = "https://telemetry.productive-k3s.io/telemetry";

    #[test]
    fn the_defaults_are_those_of_the_seed() {
        let (settings, warnings) = check(&[]);
        assert!(warnings.is_empty());
        assert_eq!(url(&settings), DEFAULT);
        assert_eq!(settings.headers.marker.as_str(), "pk3s-public-v1");
        assert!(settings.headers.user_agent.as_str().starts_with("productive-k3s-core/"));
        assert_eq!(settings.max_attempts, 3);
        assert_eq!((settings.connect_timeout.as_secs(), settings.request_timeout.as_secs()), (5, 10));
        assert_eq!(settings.outbox.path(), Path::new("runs/telemetry-outbox"));
        let (settings, _) = check(&[(OUTBOX_DIR, "elsewhere")]);
        assert_eq!(settings.outbox.path(), Path::new("elsewhere"));
    }

    #[test]
    fn numbers_outside_their_bounds_fall_back() {
        type NumberOf = fn(&DeliverySettings) -> u64;
        let numbers: [(Setting, NumberOf); 3] = [
            (MAX_ATTEMPTS, |settings| settings.max_attempts.into()),
            (CONNECT_TIMEOUT, |settings| settings.connect_timeout.as_secs()),
            (REQUEST_TIMEOUT, |settings| settings.request_timeout.as_secs()),
        ];
        for (setting, number_of) in numbers {
            let variable = setting.variable;
            for good in [setting.min.to_string(), setting.max.to_string()] {
                let good = good.as_str();
                let (settings, warnings) = check(&[(variable, good)]);
                assert_eq!(
                    (number_of(&settings).to_string(), warnings),
                    (good.to_owned(), vec![]),
                    "{variable}"
                );
                for (other, number_of_other) in numbers.iter().filter(|(other, _)| other.variable != variable)
                {
                    assert_eq!(
                        number_of_other(&settings),
                        u64::from(other.default),
                        "{variable}: {}",
                        other.variable
                    );
                }
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
        let numbers = [MAX_ATTEMPTS, CONNECT_TIMEOUT, REQUEST_TIMEOUT].map(|setting| setting.variable);
        let all = [[MARKER, USER_AGENT, TOKEN, OUTBOX_DIR].as_slice(), &numbers].concat();
        let (settings, warnings) = check(&all.iter().map(|variable| (*variable, "")).collect::<Vec<_>>());
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
        for bad in ["two message", "line\nbreak", "caf\u{e9}-token"] {
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
        let default = VettedHeaders::default();
        for variable in [MARKER, USER_AGENT] {
            let (settings, warnings) = check(&[(variable, "on-srv01")]);
            assert_eq!((settings.headers, warnings), (default.clone(), vec![variable]));
            let (settings, warnings) = check(&[(variable, "my-layer")]);
            let VettedHeaders { marker, user_agent } = settings.headers;
            let (chosen, other) =
                if variable == MARKER { (marker, user_agent) } else { (user_agent, marker) };
            let default = if variable == MARKER { &default.user_agent } else { &default.marker };
            assert_eq!((chosen.as_str(), &other, warnings), ("my-layer", default, vec![]));
        }
    }
}
