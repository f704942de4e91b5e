//! Turns inputs into the settings of a run; asks for what is missing where there is somebody to ask.
//!
//! What belongs together is asked together, and only what the mode uses. A command that only looks asks nothing and gets
//! empty values for what is missing, because a preview that stops at a missing token would show nobody what a run does.

use std::path::PathBuf;

use schema::{Component, LetsencryptEnvironment, Mode, TlsMode};

use super::declaration::{AnyInput, Declaration, Input, InputField, ValueSource};
use super::error::InputError;
use super::inputs::{AgentInputs, Inputs, LonghornInputs, NfsInputs, RegistryInputs, TlsInputs};
use super::secret_input::SecretInput;
use super::text::HostName;
use super::value::Choice;
use crate::secret::Secret;
use crate::settings::{
    Agent, Artifacts, Longhorn, Nfs, Password, Rancher, Registry, RegistryAuth, Settings, Tls,
};
use crate::terminal::Unanswered;

/// Somebody who can be asked.
pub trait Prompt {
    /// Asks for the value of an input until the answer passes its check; an empty answer takes the default.
    ///
    /// # Errors
    /// The question was not answered.
    fn ask(&mut self, input: &Declaration, default: Option<&str>) -> Result<String, Unanswered>;

    /// Asks for a secret without showing it.
    ///
    /// # Errors
    /// The question was not answered.
    fn ask_secret(&mut self, what: &str) -> Result<String, Unanswered>;

    /// Whether to ask for inputs that have a default.
    fn asks_all(&self) -> bool;
}

/// What becomes of a required input that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// The run needs it: it is asked for, or named in an error.
    Required,
    /// The command only looks: an empty value stands for it.
    Optional,
}

/// Resolves the inputs into settings. What is asked is added to `inputs`.
///
/// # Errors
/// [`InputError::UnusedInput`] when the mode does not use one, [`InputError::MissingInput`] when a required input is missing and nobody can be asked, [`InputError::Unanswered`] when
/// somebody was, and [`InputError::SameHostNames`].
pub fn resolve(
    inputs: &mut Inputs,
    prompt: Option<&mut (dyn Prompt + '_)>,
    completeness: Completeness,
) -> Result<Settings, InputError> {
    let mut questions = Questions { prompt, completeness };
    let mode = *inputs.mode.defaulted()?;
    refuse_unused(inputs, mode)?;
    let platform = matches!(mode, Mode::SingleNode | Mode::Stack);
    if platform {
        questions.offer(&mut inputs.domain)?;
    }
    let domain = inputs.domain.defaulted()?.as_str().to_owned();
    let agent = if mode == Mode::Agent { Some(agent(&mut questions, &mut inputs.agent)?) } else { None };
    let tls = if platform { tls(&mut questions, &mut inputs.tls)? } else { Tls::SelfSigned };
    let host = questions.host(&mut inputs.rancher.host, &format!("rancher.{domain}"), platform)?;
    let rancher = Rancher { host, password: password(&inputs.rancher.password_file) };
    let registry_host = questions.host(&mut inputs.registry.host, &format!("registry.{domain}"), platform)?;
    if platform && registry_host == rancher.host {
        return Err(InputError::SameHostNames);
    }
    Ok(Settings {
        mode,
        agent,
        tls,
        rancher,
        registry: registry(&mut questions, &mut inputs.registry, registry_host, platform)?,
        longhorn: longhorn(&mut questions, &mut inputs.longhorn, platform)?,
        nfs: if mode == Mode::SingleNode { nfs(&mut questions, &mut inputs.nfs)? } else { None },
        manage_hosts_file: *inputs.host.manage_hosts_file.defaulted()?,
        trust_registry_in_docker: *inputs.host.trust_registry_in_docker.defaulted()?,
        user_kubeconfig: *inputs.host.user_kubeconfig.defaulted()?,
        skipped: skipped(inputs).collect(),
        versions: inputs.versions.values().map(|(id, version)| (id, version.clone())).collect(),
        checksums: inputs.checksums.values().map(|(artifact, sum)| (artifact, sum.clone())).collect(),
        artifacts: inputs
            .artifacts_dir
            .value()
            .map_or(Artifacts::Download, |path| Artifacts::Local(path.as_str().into())),
    })
}

/// What was given and does not count would be noticed only when the host is not as expected.
fn refuse_unused(inputs: &Inputs, mode: Mode) -> Result<(), InputError> {
    for input in inputs.inputs() {
        let Declaration { key, modes, .. } = input.declaration();
        if let (false, Some(place)) = (modes.contains(&mode), input.given_at()) {
            return Err(InputError::UnusedInput { key: key.clone(), place, mode, modes });
        }
    }
    Ok(())
}

fn agent(questions: &mut Questions<'_, '_>, inputs: &mut AgentInputs) -> Result<Agent, InputError> {
    let server_url = questions.required(&mut inputs.server_url, "the agent needs to know its server")?;
    let token = match inputs.token_file.secret() {
        Some(token) => token.clone(),
        None => questions.token(&inputs.token_file)?,
    };
    Ok(Agent { server_url, token })
}

fn tls(questions: &mut Questions<'_, '_>, inputs: &mut TlsInputs) -> Result<Tls, InputError> {
    questions.offer(&mut inputs.mode)?;
    if *inputs.mode.defaulted()? == TlsMode::SelfSigned {
        return Ok(Tls::SelfSigned);
    }
    let email = questions.required(&mut inputs.letsencrypt_email, "Let's Encrypt requires an address")?;
    questions.offer(&mut inputs.letsencrypt_environment)?;
    let environment: LetsencryptEnvironment = *inputs.letsencrypt_environment.defaulted()?;
    Ok(Tls::Letsencrypt { email, environment })
}

/// Settings of the registry. They are complete also where the mode has no registry, because features and checks read them.
fn registry(
    questions: &mut Questions<'_, '_>,
    inputs: &mut RegistryInputs,
    host: String,
    used: bool,
) -> Result<Registry, InputError> {
    if used {
        questions.offer(&mut inputs.pvc_size_gib)?;
        questions.offer(&mut inputs.auth)?;
    }
    let auth = if *inputs.auth.defaulted()? {
        let name = if used {
            questions.required(&mut inputs.user, "a registry with a login needs a user")?
        } else {
            text(&inputs.user)
        };
        Some(RegistryAuth { user: name, password: password(&inputs.password_file) })
    } else {
        None
    };
    Ok(Registry {
        host,
        pvc_size_gib: inputs.pvc_size_gib.defaulted()?.number(),
        storage_class: inputs.storage_class.text().map(str::to_owned),
        auth,
    })
}

fn longhorn(
    questions: &mut Questions<'_, '_>,
    inputs: &mut LonghornInputs,
    used: bool,
) -> Result<Longhorn, InputError> {
    if used {
        questions.offer(&mut inputs.data_path)?;
    }
    Ok(Longhorn {
        data_path: PathBuf::from(inputs.data_path.defaulted()?.as_str()),
        replica_count: *inputs.replica_count.defaulted()?,
        minimal_available_percentage: *inputs.minimal_available_percentage.defaulted()?,
        make_default: *inputs.make_default.defaulted()?,
        node: *inputs.node.defaulted()?,
    })
}

fn nfs(questions: &mut Questions<'_, '_>, inputs: &mut NfsInputs) -> Result<Option<Nfs>, InputError> {
    questions.offer(&mut inputs.manage)?;
    if !*inputs.manage.defaulted()? {
        return Ok(None);
    }
    questions.offer(&mut inputs.export_path)?;
    questions.offer(&mut inputs.allowed_network)?;
    Ok(Some(Nfs {
        export_path: PathBuf::from(inputs.export_path.defaulted()?.as_str()),
        allowed_network: inputs.allowed_network.defaulted()?.as_str().to_owned(),
        no_root_squash: *inputs.no_root_squash.defaulted()?,
    }))
}

fn skipped(inputs: &Inputs) -> impl Iterator<Item = Component> {
    inputs.components.values().filter(|(_, choice)| **choice == Choice::Skip).map(|(id, _)| id)
}

fn password(input: &SecretInput) -> Password {
    input.secret().cloned().map_or(Password::Generate, Password::Given)
}

fn text<T>(input: &Input<T>) -> String {
    input.text().unwrap_or_default().to_owned()
}

/// Somebody who can be asked, if there is one, and what becomes of what nobody answered.
struct Questions<'a, 'prompt> {
    prompt: Option<&'a mut (dyn Prompt + 'prompt)>,
    completeness: Completeness,
}

impl Questions<'_, '_> {
    /// Asks for an input that has a default, where everything is asked.
    fn offer<T>(&mut self, input: &mut Input<T>) -> Result<(), InputError> {
        let default = input.declaration().default;
        self.ask(input, default, false)
    }

    /// A host name whose default follows from the domain; asked for only where it is `used`.
    fn host(&mut self, input: &mut Input<HostName>, default: &str, used: bool) -> Result<String, InputError> {
        if used {
            self.ask(input, Some(default), false)?;
        }
        Ok(input.text().unwrap_or(default).to_owned())
    }

    /// The value of an input that has no default. `why` completes the error where nobody can be asked.
    fn required<T>(&mut self, input: &mut Input<T>, why: &'static str) -> Result<String, InputError> {
        self.ask(input, None, true)?;
        match (input.value(), self.completeness) {
            (None, Completeness::Required) => Err(input.declaration().missing(why)),
            _ => Ok(text(input)),
        }
    }

    /// Asks for an input that nobody gave. Each answer is kept at once, so that one question that is interrupted does not
    /// lose the answers before it.
    fn ask<T>(
        &mut self,
        input: &mut Input<T>,
        default: Option<&str>,
        required: bool,
    ) -> Result<(), InputError> {
        if input.source().is_some_and(ValueSource::is_given) {
            return Ok(());
        }
        let Some(prompt) = self.prompt.as_mut().filter(|prompt| required || prompt.asks_all()) else {
            return Ok(());
        };
        let answer = prompt.ask(input.declaration(), default)?;
        if answer.is_empty() { Ok(()) } else { input.set(&answer, ValueSource::Prompt) }
    }

    fn token(&mut self, input: &SecretInput) -> Result<Secret, InputError> {
        let Some(prompt) = &mut self.prompt else {
            return match self.completeness {
                Completeness::Optional => Ok(Secret::new("")),
                Completeness::Required => Err(input.missing("the agent needs the join token of its server")),
            };
        };
        match prompt.ask_secret("Join token of the server")?.trim() {
            "" => Err(InputError::MissingInput {
                key: input.declaration().key.clone(),
                why: "the answer was empty",
                remedy: None,
            }),
            token => Ok(Secret::new(token)),
        }
    }
}
