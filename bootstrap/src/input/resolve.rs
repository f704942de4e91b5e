//! Turns inputs into the settings of a run; asks for what is missing where there is somebody to ask.

use std::collections::{BTreeMap, BTreeSet};

use schema::{Component, LetsencryptEnvironment, Mode, TlsMode};

use super::collect::provide;
use super::declaration::{Declaration, Inputs, Setting};
use super::error::{InputError, InputSource};
use super::text::AbsolutePath;
use super::value::{Choice, InputValue};
use crate::secret::{Password, Secret};
use crate::settings::{Agent, Artifacts, Longhorn, Nfs, Rancher, Registry, RegistryAuth, Settings, Tls};
use crate::step::Sha256Sum;
use crate::terminal::Unanswered;

/// Somebody who can be asked.
pub trait Prompt {
    /// Asks for the value of an input until it is of its form; an empty answer takes the default.
    ///
    /// # Errors
    /// The input ended, or a signal arrived.
    fn ask(&mut self, input: &Declaration, default: Option<&str>) -> Result<String, Unanswered>;

    /// Asks for a secret without showing it.
    ///
    /// # Errors
    /// The input ended, or a signal arrived.
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
/// A required input is missing and nobody can be asked, an answer is unusable, or two inputs contradict each other.
pub fn resolve(
    inputs: &mut Inputs,
    prompt: Option<&mut (dyn Prompt + '_)>,
    completeness: Completeness,
) -> Result<Settings, InputError> {
    Resolver { inputs, prompt, completeness }.settings()
}

struct Resolver<'a, 'prompt> {
    inputs: &'a mut Inputs,
    prompt: Option<&'a mut (dyn Prompt + 'prompt)>,
    completeness: Completeness,
}

/// The value of a setting: that of the inputs, or `fallback` for a type that has none.
macro_rules! value {
    ($setting:expr, $fallback:expr) => {
        $setting.get().cloned().unwrap_or_else(|| $fallback)
    };
}

impl Resolver<'_, '_> {
    fn settings(mut self) -> Result<Settings, InputError> {
        let mode = value!(self.inputs.mode, Mode::Server);
        let platform = matches!(mode, Mode::SingleNode | Mode::Stack);
        if platform {
            self.offer("domain")?;
        }
        let domain = text(&self.inputs.domain);
        let agent = if mode == Mode::Agent { Some(self.agent()?) } else { None };
        let tls = if platform { self.tls()? } else { Tls::SelfSigned };
        let rancher = self.rancher(&domain, platform)?;
        Ok(Settings {
            mode,
            agent,
            tls,
            registry: self.registry(&domain, &rancher.host, platform)?,
            rancher,
            longhorn: self.longhorn(platform)?,
            nfs: if mode == Mode::SingleNode { self.nfs()? } else { None },
            manage_hosts_file: is_on(&self.inputs.manage_hosts_file),
            trust_registry_in_docker: is_on(&self.inputs.trust_registry_in_docker),
            skipped: self.skipped(),
            versions: self.versions(),
            checksums: self.checksums(),
            artifacts: match self.inputs.artifacts_dir.get() {
                Some(dir) => Artifacts::Local(dir.path().to_owned()),
                None => Artifacts::Download,
            },
        })
    }

    fn agent(&mut self) -> Result<Agent, InputError> {
        self.require("agent.server_url")?;
        let server_url = match (self.inputs.agent_server_url.get(), self.completeness) {
            (Some(url), _) => url.as_str().to_owned(),
            (None, Completeness::Optional) => String::new(),
            (None, Completeness::Required) => {
                return Err(missing("agent.server_url", "the agent needs to know its server"));
            }
        };
        let token = match self.inputs.secrets.get("agent.token_file") {
            Some(token) => token.clone(),
            None => self.ask_token()?,
        };
        Ok(Agent { server_url, token })
    }

    fn ask_token(&mut self) -> Result<Secret, InputError> {
        let Some(prompt) = &mut self.prompt else {
            if self.completeness == Completeness::Optional {
                return Ok(Secret::new(""));
            }
            return Err(InputError::Missing {
                key: "agent.token_file",
                why: "the agent needs the join token of its server",
                how: "give --agent-token-file FILE or set PRODUCTIVE_K3S_AGENT_TOKEN".to_owned(),
            });
        };
        match prompt.ask_secret("Join token of the server")?.trim() {
            "" => Err(InputError::EmptyToken),
            token => Ok(Secret::new(token)),
        }
    }

    fn tls(&mut self) -> Result<Tls, InputError> {
        self.offer("tls.mode")?;
        if value!(self.inputs.tls_mode, TlsMode::SelfSigned) != TlsMode::Letsencrypt {
            return Ok(Tls::SelfSigned);
        }
        self.require("tls.letsencrypt_email")?;
        let email = match (self.inputs.letsencrypt_email.get(), self.completeness) {
            (Some(email), _) => email.as_str().to_owned(),
            (None, Completeness::Optional) => String::new(),
            (None, Completeness::Required) => {
                return Err(missing("tls.letsencrypt_email", "Let's Encrypt asks for an address"));
            }
        };
        self.offer("tls.letsencrypt_environment")?;
        let environment = value!(self.inputs.letsencrypt_environment, LetsencryptEnvironment::Staging);
        Ok(Tls::Letsencrypt { email, environment })
    }

    fn rancher(&mut self, domain: &str, used: bool) -> Result<Rancher, InputError> {
        let host = format!("rancher.{domain}");
        self.offer_host("rancher.host", &host, used)?;
        let host = self.inputs.rancher_host.get().map_or(host, |host| host.as_str().to_owned());
        Ok(Rancher { host, password: self.password("rancher.password_file") })
    }

    fn registry(&mut self, domain: &str, rancher_host: &str, used: bool) -> Result<Registry, InputError> {
        let host = format!("registry.{domain}");
        self.offer_host("registry.host", &host, used)?;
        let host = self.inputs.registry_host.get().map_or(host, |host| host.as_str().to_owned());
        if used && host == rancher_host {
            return Err(InputError::SameHost);
        }
        if used {
            self.offer("registry.pvc_size_gib")?;
            self.offer("registry.auth")?;
        }
        let auth = if is_on(&self.inputs.registry_auth) { Some(self.registry_auth(used)?) } else { None };
        Ok(Registry {
            host,
            pvc_size_gib: value!(self.inputs.registry_pvc_size_gib, schema::Bounded::clamped(1)),
            storage_class: self.inputs.registry_storage_class.get().map(|class| class.as_str().to_owned()),
            auth,
        })
    }

    fn registry_auth(&mut self, in_mode: bool) -> Result<RegistryAuth, InputError> {
        if in_mode {
            self.require("registry.user")?;
        }
        let user = match (self.inputs.registry_user.get(), self.completeness) {
            (Some(user), _) => user.as_str().to_owned(),
            (None, Completeness::Required) if in_mode => {
                return Err(missing("registry.user", "a registry with a login needs a user"));
            }
            (None, _) => String::new(),
        };
        Ok(RegistryAuth { user, password: self.password("registry.password_file") })
    }

    fn longhorn(&mut self, used: bool) -> Result<Longhorn, InputError> {
        if used {
            self.offer("longhorn.data_path")?;
        }
        let inputs = &self.inputs;
        Ok(Longhorn {
            data_path: inputs.longhorn_data_path.get().map(AbsolutePath::path).unwrap_or_default(),
            replica_count: value!(inputs.longhorn_replica_count, schema::Bounded::clamped(1)),
            minimal_available_percentage: value!(
                inputs.longhorn_minimal_available_percentage,
                schema::Bounded::clamped(0)
            ),
            make_default: is_on(&inputs.longhorn_make_default),
        })
    }

    fn nfs(&mut self) -> Result<Option<Nfs>, InputError> {
        self.offer("nfs.manage")?;
        if !is_on(&self.inputs.nfs_manage) {
            return Ok(None);
        }
        self.offer("nfs.export_path")?;
        self.offer("nfs.allowed_network")?;
        let export_path = self.inputs.nfs_export_path.get().map(AbsolutePath::path);
        Ok(Some(Nfs {
            export_path: export_path.unwrap_or_default(),
            allowed_network: text(&self.inputs.nfs_allowed_network),
        }))
    }

    fn skipped(&self) -> BTreeSet<Component> {
        let skipped = self.inputs.components.iter().filter(|(_, choice)| choice.value == Choice::Skip);
        skipped.map(|(component, _)| *component).collect()
    }

    fn versions(&self) -> BTreeMap<Component, String> {
        let versions = self.inputs.versions.iter();
        versions.map(|(component, version)| (*component, version.value.clone())).collect()
    }

    fn checksums(&self) -> BTreeMap<&'static str, Sha256Sum> {
        self.inputs.checksums.iter().map(|(artifact, sum)| (*artifact, sum.value.clone())).collect()
    }

    fn offer_host(&mut self, key: &'static str, default: &str, used: bool) -> Result<(), InputError> {
        if used { self.ask(key, Some(default), Necessity::Offered) } else { Ok(()) }
    }

    /// Asks for an input that has a default, where everything is asked.
    fn offer(&mut self, key: &'static str) -> Result<(), InputError> {
        let default = Declaration::find(key).and_then(|input| input.default);
        self.ask(key, default, Necessity::Offered)
    }

    fn require(&mut self, key: &'static str) -> Result<(), InputError> {
        self.ask(key, None, Necessity::Needed)
    }

    /// Asks for an input that nobody gave. The prompt repeats the question until the answer is of the right form, so an
    /// answer is never lost to a typing mistake further on.
    fn ask(
        &mut self,
        key: &'static str,
        default: Option<&str>,
        necessity: Necessity,
    ) -> Result<(), InputError> {
        let Some(input) = Declaration::find(key).filter(|_| !self.is_provided(key)) else { return Ok(()) };
        let Some(prompt) = self.prompt.as_mut() else { return Ok(()) };
        if necessity == Necessity::Offered && !prompt.asks_all() {
            return Ok(());
        }
        let answer = prompt.ask(input, default)?;
        if answer.is_empty() {
            return Ok(());
        }
        provide(self.inputs, input, &answer, InputSource::Prompt)
    }

    fn is_provided(&self, key: &str) -> bool {
        Declaration::find(key).is_some_and(|input| self.inputs.is_provided(input))
    }

    fn password(&self, key: &'static str) -> Password {
        self.inputs.secrets.get(key).cloned().map_or(Password::Generate, Password::Given)
    }
}

/// Whether an input has to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Necessity {
    /// There is a default.
    Offered,
    /// There is none.
    Needed,
}

fn is_on(setting: &Setting<bool>) -> bool {
    setting.get().copied().unwrap_or(false)
}

fn text<T: InputValue>(setting: &Setting<T>) -> String {
    setting.get().map(InputValue::text).unwrap_or_default()
}

fn missing(key: &'static str, why: &'static str) -> InputError {
    let how = Declaration::find(key).map_or_else(String::new, |input| {
        let variable = input.variable();
        match input.flag {
            Some(flag) => format!("give --{flag}, set {variable}, or put {key} in the config file"),
            None => format!("set {variable}, or put {key} in the config file"),
        }
    });
    InputError::Missing { key, why, how }
}
