//! Inputs from their sources to settings: precedence, what is asked, and what a missing input becomes.

use std::ffi::OsString;
use std::path::Path;

use bootstrap::cli;
use bootstrap::input::{
    AnyInput, Completeness, Declaration, Flags, InputError, Inputs, Prompt, ValueSource, collect,
    private_variables, resolve,
};
use bootstrap::settings::{Password, Settings, Tls};
use bootstrap::terminal::Unanswered;
use schema::{Component, Mode, TlsMode};

/// Inputs from the arguments of `run`, variables, and the text of a config file.
fn collected(line: &str, variables: &[(&str, &str)], config: Option<&str>) -> Result<Inputs, InputError> {
    let directory = tempfile::tempdir().expect("a directory");
    let file = config.map(|text| write(directory.path(), "config.yaml", text));
    let arguments = ["bootstrap", "run"].into_iter().chain(line.split_whitespace()).map(OsString::from);
    let (_, flags) = cli::parse(arguments).expect("flags of the command");
    let variable = |name: &str| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
    };
    collect(&flags, variable, file.as_deref(), &mut Vec::new())
}

fn write(directory: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = directory.join(name);
    std::io::Write::write_all(
        &mut std::fs::OpenOptions::new().write(true).create_new(true).open(&path).expect("a new file"),
        text.as_bytes(),
    )
    .expect("room on the disk");
    path
}

/// Answers in the order of the questions; where there are none left, the input ends.
#[derive(Default)]
struct Script {
    answers: Vec<&'static str>,
    asks_all: bool,
    asked: Vec<String>,
}

impl Script {
    fn answer(&mut self, question: String) -> Result<String, Unanswered> {
        self.asked.push(question);
        if self.answers.is_empty() {
            Err(Unanswered::EndOfInput)
        } else {
            Ok(self.answers.remove(0).to_owned())
        }
    }
}

impl Prompt for Script {
    fn ask(&mut self, input: &Declaration, default: Option<&str>) -> Result<String, Unanswered> {
        self.answer(format!("{}={}", input.key, default.unwrap_or_default()))
    }

    fn ask_secret(&mut self, what: &str) -> Result<String, Unanswered> {
        self.answer(what.to_owned())
    }

    fn asks_all(&self) -> bool {
        self.asks_all
    }
}

fn asked(line: &str, script: &mut Script) -> Result<Settings, InputError> {
    resolve(&mut collected(line, &[], None)?, Some(script), Completeness::Required)
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let replicas = |line, variables: &[_], config| {
        let inputs = collected(line, variables, config).expect("valid");
        let input = &inputs.longhorn.replica_count;
        (input.value().expect("a default").get(), input.source().expect("a default"))
    };
    let (flag, variable) = ("--longhorn-replica-count 4", [("PRODUCTIVE_K3S_LONGHORN_REPLICA_COUNT", "3")]);
    let file = Some("longhorn:\n  replica_count: 2\n");
    assert_eq!(replicas("", &[], None), (1, ValueSource::Default));
    assert_eq!(replicas("", &[], file), (2, ValueSource::ConfigFile));
    assert_eq!(replicas("", &variable, file), (3, ValueSource::Variable));
    assert_eq!(replicas(flag, &variable, file), (4, ValueSource::Flag));
}

#[test]
fn sizes_and_certificates_are_read_in_the_forms_of_the_layers_from_every_source() {
    let size = |line, variables: &[_], config| {
        let inputs = collected(line, variables, config).expect("valid");
        inputs.registry.pvc_size_gib.value().expect("a default").number().get()
    };
    assert_eq!(size("--registry-pvc-size-gib 30Gi", &[], None), 30);
    assert_eq!(size("", &[("PRODUCTIVE_K3S_REGISTRY_PVC_SIZE_GIB", "31Gi")], None), 31);
    assert_eq!(size("", &[], Some("registry:\n  pvc_size_gib: 32Gi\n")), 32);
    assert_eq!(size("", &[], Some("registry:\n  pvc_size_gib: 33\n")), 33);
    let tls = |line, variables: &[_], config| {
        *collected(line, variables, config).expect("valid").tls.mode.value().expect("a default")
    };
    assert_eq!(tls("--tls 1", &[], None), TlsMode::Letsencrypt);
    assert_eq!(tls("", &[("PRODUCTIVE_K3S_TLS_MODE", "1")], None), TlsMode::Letsencrypt);
    assert_eq!(tls("", &[], Some("tls:\n  mode: 1\n")), TlsMode::Letsencrypt);
    assert_eq!(tls("--tls 2", &[("PRODUCTIVE_K3S_TLS_MODE", "letsencrypt")], None), TlsMode::SelfSigned);
    for (line, key) in [("--tls 3", "tls.mode"), ("--registry-pvc-size-gib 20Mi", "registry.pvc_size_gib")] {
        let error = collected(line, &[], None).expect_err(line);
        assert!(matches!(&error, InputError::InvalidInput { key: of, .. } if of == key), "{error}");
    }
}

#[test]
fn a_value_that_loses_is_checked_too() {
    let file = Some("longhorn:\n  replica_count: 12\n");
    let error = collected("--longhorn-replica-count 4", &[], file).expect_err("out of bounds");
    assert!(
        matches!(&error, InputError::InvalidInput { key, .. } if key == "longhorn.replica_count"),
        "{error}"
    );
}

#[test]
fn every_component_has_its_inputs_from_the_table() {
    let file = "components:\n  nfs: skip\nversions:\n  registry: registry:3\n  k3s: v9.9.9+k3s1\n";
    let mut inputs = collected("--skip longhorn --mode single-node", &[], Some(file)).expect("valid");
    let settings = resolve(&mut inputs, None, Completeness::Optional).expect("nothing is required");
    assert_eq!(settings.skipped.into_iter().collect::<Vec<_>>(), [Component::Longhorn, Component::Nfs]);
    assert_eq!(settings.versions[&Component::Registry], "registry:3");
    assert_eq!(settings.versions[&Component::K3s], "v9.9.9+k3s1");
    let error = collected("--skip longhron", &[], None).expect_err("no component");
    assert!(matches!(error, InputError::UnknownComponent { nearest: Some("longhorn"), .. }), "{error}");
}

#[test]
fn what_a_run_needs_may_be_missing_where_the_command_only_looks() {
    for (line, missing) in [
        ("--mode agent", "agent.server_url"),
        ("--mode agent --agent-server-url https://s:6443", "agent.token_file"),
        ("--mode stack --tls letsencrypt", "tls.letsencrypt_email"),
        ("--mode stack --registry-auth yes", "registry.user"),
    ] {
        let mut inputs = collected(line, &[], None).expect("valid");
        assert!(resolve(&mut inputs.clone(), None, Completeness::Optional).is_ok(), "{line}");
        let error = resolve(&mut inputs, None, Completeness::Required).expect_err(line);
        assert!(
            matches!(&error, InputError::MissingInput { key, remedy: Some(_), .. } if key == missing),
            "{error}"
        );
    }
}

#[test]
fn host_names_follow_from_the_domain_and_differ() {
    let mut inputs = collected("--mode stack --domain k.example", &[], None).expect("valid");
    let settings = resolve(&mut inputs, None, Completeness::Required).expect("complete");
    assert_eq!(settings.private_values(), ["rancher.k.example", "registry.k.example"]);
    let line = "--mode stack --rancher-host a.example --registry-host a.example";
    let error = resolve(&mut collected(line, &[], None).expect("valid"), None, Completeness::Required);
    assert!(matches!(error, Err(InputError::SameHostNames)));
}

#[test]
fn only_what_is_missing_is_asked_unless_everything_is() {
    let mut script = Script { answers: vec!["https://s:6443", " K10token "], ..Script::default() };
    let settings = asked("--mode agent", &mut script).expect("answered");
    assert_eq!(script.asked, ["agent.server_url=", "Join token of the server"]);
    assert_eq!(settings.agent.expect("in agent mode").token.expose(), "K10token");

    let answers =
        vec!["k.example", "letsencrypt", "ops@k.example", "", "", "", "50", "yes", "pusher", "/vol"];
    let mut script = Script { answers, asks_all: true, ..Script::default() };
    let settings = asked("--mode stack --rancher-host r.example", &mut script).map(|_| ());
    assert!(
        matches!(settings, Err(InputError::InvalidInput { .. })),
        "an empty line shifts the answers by one"
    );
    assert_eq!(
        script.asked,
        [
            "domain=example.local",
            "tls.mode=self-signed",
            "tls.letsencrypt_email=",
            "tls.letsencrypt_environment=staging",
            "registry.host=registry.k.example",
            "registry.pvc_size_gib=20",
            "registry.auth=false",
        ]
    );
}

#[test]
fn answers_become_settings_and_the_end_of_input_ends_the_questions() {
    let answers =
        vec!["", "letsencrypt", "ops@k.example", "production", "", "", "50", "yes", "pusher", "/vol"];
    let mut script = Script { answers, asks_all: true, ..Script::default() };
    let settings = asked("--mode stack", &mut script).expect("answered");
    assert!(matches!(&settings.tls, Tls::Letsencrypt { email, .. } if email == "ops@k.example"));
    assert_eq!(settings.registry.pvc_size_gib.get(), 50);
    let login = settings.registry.auth.expect("asked for");
    assert_eq!((login.user.as_str(), login.password), ("pusher", Password::Generate));
    let error = asked("--mode stack --tls letsencrypt", &mut Script::default()).expect_err("no answers");
    assert!(matches!(error, InputError::Unanswered(Unanswered::EndOfInput)), "{error}");
}

#[test]
fn a_secret_comes_from_a_file_before_a_variable() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = write(directory.path(), "password", "from-file\n");
    let variables = [("PRODUCTIVE_K3S_RANCHER_PASSWORD", "from-variable")];
    let secret = |line: &str| {
        let inputs = collected(line, &variables, None).expect("valid");
        inputs.rancher.password_file.secret().expect("given").expose().to_owned()
    };
    assert_eq!(secret(""), "from-variable");
    assert_eq!(secret(&format!("--rancher-password-file {}", path.display())), "from-file");
    let two_lines = [("PRODUCTIVE_K3S_RANCHER_PASSWORD", "two\nlines")];
    let error = collected("", &two_lines, None).expect_err("two lines");
    assert!(matches!(&error, InputError::SecretMalformed { .. }), "{error}");
}

#[test]
fn the_gate_is_told_every_private_value_and_variable() {
    let inputs = collected("--domain k.example --nfs-manage no", &[], None).expect("valid");
    let private: Vec<&str> = inputs.private_values().collect();
    assert_eq!(private, ["k.example", "/data", "/srv/nfs/k8s-share", "192.168.0.0/24", "runs"]);
    let variables: Vec<String> = private_variables().collect();
    for name in
        ["PRODUCTIVE_K3S_DOMAIN", "PRODUCTIVE_K3S_AGENT_TOKEN", "PRODUCTIVE_K3S_RANCHER_PASSWORD_FILE"]
    {
        assert!(variables.iter().any(|variable| variable == name), "{name}");
    }
    assert!(!variables.iter().any(|variable| variable == "PRODUCTIVE_K3S_MODE"));
}

#[test]
fn a_mode_is_given_without_a_command_line() {
    let inputs = collect(&Flags::mode(Mode::Stack), |_| None, None, &mut Vec::new()).expect("valid");
    assert_eq!(inputs.mode.value(), Some(&Mode::Stack));
}
