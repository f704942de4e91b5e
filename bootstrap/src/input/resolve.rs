//! Turns inputs into the settings of a run; asks for what is missing where there is somebody to ask.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schema::{Bounded, Component, LetsencryptEnvironment, Mode};

use super::gather::{Inputs, Origin};
use super::table::Input;
use crate::component::COMPONENTS;
use crate::exit::Failure;
use crate::secret::Secret;
use crate::settings::{
    Agent, Artifacts, Longhorn, Nfs, Password, Rancher, Registry, RegistryAuth, Settings, Tls,
};
use crate::step::Sha256Sum;

/// Somebody who can be asked.
pub trait Asker {
    /// Asks for the value of an input; an empty answer takes the default.
    fn ask(&mut self, input: &Input, default: Option<&str>) -> Result<String, Failure>;

    /// Asks for a secret without showing it.
    fn ask_secret(&mut self, what: &str) -> Result<String, Failure>;

    /// Whether to ask for inputs that have a default.
    fn asks_all(&self) -> bool;
}

/// What becomes of a required input that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// The run needs it: it is asked for, or named in an error.
    Complete,
    /// The command only looks: an empty value stands for it.
    Known,
}

/// Resolves the inputs into settings. What is asked is added to `inputs`.
///
/// # Errors
/// A usage failure that names the key when a required input is missing and nobody can be asked.
pub fn resolve(
    inputs: &mut Inputs,
    asker: Option<&mut (dyn Asker + '_)>,
    demand: Demand,
) -> Result<Settings, Failure> {
    Resolver { inputs, asker, demand }.settings()
}

struct Resolver<'a, 'asker> {
    inputs: &'a mut Inputs,
    asker: Option<&'a mut (dyn Asker + 'asker)>,
    demand: Demand,
}

impl Resolver<'_, '_> {
    fn settings(mut self) -> Result<Settings, Failure> {
        let mode = Mode::from_word(&self.text("mode")?).unwrap_or(Mode::Server);
        let platform = matches!(mode, Mode::SingleNode | Mode::Stack);
        let host_local = mode == Mode::SingleNode;
        if platform {
            self.offer("domain")?;
        }
        let domain = self.text("domain")?;
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
            nfs: if host_local { self.nfs()? } else { None },
            manage_hosts_file: self.inputs.switch("host.manage_hosts_file"),
            trust_registry_in_docker: self.inputs.switch("host.trust_registry_in_docker"),
            skipped: self.skipped(),
            versions: self.versions(),
            checksums: self.checksums(),
            artifacts: self
                .inputs
                .text("artifacts_dir")
                .map_or(Artifacts::Download, |path| Artifacts::Local(PathBuf::from(path))),
        })
    }

    fn agent(&mut self) -> Result<Agent, Failure> {
        let server_url = self.required("agent.server_url", "the agent needs to know its server")?;
        let token = match self.inputs.secret("agent.token_file") {
            Some(token) => token.clone(),
            None => self.ask_token()?,
        };
        Ok(Agent { server_url, token })
    }

    fn ask_token(&mut self) -> Result<Secret, Failure> {
        let Some(asker) = &mut self.asker else {
            if self.demand == Demand::Known {
                return Ok(Secret::new(""));
            }
            return Err(Failure::usage(
                "missing agent.token_file: the agent needs the join token of its server",
            )
            .hint("give --agent-token-file FILE or set PRODUCTIVE_K3S_AGENT_TOKEN"));
        };
        match asker.ask_secret("Join token of the server")?.trim() {
            "" => Err(Failure::usage("missing agent.token_file: the answer was empty")),
            token => Ok(Secret::new(token)),
        }
    }

    fn tls(&mut self) -> Result<Tls, Failure> {
        self.offer("tls.mode")?;
        if self.text("tls.mode")? != "letsencrypt" {
            return Ok(Tls::SelfSigned);
        }
        let email = self.required("tls.letsencrypt_email", "Let's Encrypt asks for an address")?;
        self.offer("tls.letsencrypt_environment")?;
        let environment = LetsencryptEnvironment::from_word(&self.text("tls.letsencrypt_environment")?)
            .unwrap_or(LetsencryptEnvironment::Staging);
        Ok(Tls::Letsencrypt { email, environment })
    }

    fn rancher(&mut self, domain: &str, used: bool) -> Result<Rancher, Failure> {
        let host = self.host("rancher.host", &format!("rancher.{domain}"), used)?;
        let password = self.password("rancher.password_file");
        Ok(Rancher { host, password })
    }

    fn registry(&mut self, domain: &str, rancher_host: &str, used: bool) -> Result<Registry, Failure> {
        let host = self.host("registry.host", &format!("registry.{domain}"), used)?;
        if used && host == rancher_host {
            return Err(Failure::usage("registry.host is the host name of Rancher; each needs its own"));
        }
        if used {
            self.offer("registry.pvc_size_gib")?;
            self.offer("registry.auth")?;
        }
        let auth = if self.inputs.switch("registry.auth") { Some(self.registry_auth(used)?) } else { None };
        Ok(Registry {
            host,
            pvc_size_gib: self.number("registry.pvc_size_gib")?,
            storage_class: self.inputs.text("registry.storage_class").map(str::to_owned),
            auth,
        })
    }

    fn registry_auth(&mut self, in_mode: bool) -> Result<RegistryAuth, Failure> {
        let user = if in_mode {
            self.required("registry.user", "a registry with a login needs a user")?
        } else {
            self.inputs.text("registry.user").unwrap_or_default().to_owned()
        };
        let password = self.password("registry.password_file");
        Ok(RegistryAuth { user, password })
    }

    fn longhorn(&mut self, used: bool) -> Result<Longhorn, Failure> {
        if used {
            self.offer("longhorn.data_path")?;
        }
        Ok(Longhorn {
            data_path: PathBuf::from(self.text("longhorn.data_path")?),
            replica_count: self.number("longhorn.replica_count")?,
            minimal_available_percentage: self.number("longhorn.minimal_available_percentage")?,
            make_default: self.inputs.switch("longhorn.make_default"),
        })
    }

    fn nfs(&mut self) -> Result<Option<Nfs>, Failure> {
        self.offer("nfs.manage")?;
        if !self.inputs.switch("nfs.manage") {
            return Ok(None);
        }
        self.offer("nfs.export_path")?;
        self.offer("nfs.allowed_network")?;
        Ok(Some(Nfs {
            export_path: PathBuf::from(self.text("nfs.export_path")?),
            allowed_network: self.text("nfs.allowed_network")?,
        }))
    }

    fn skipped(&self) -> BTreeSet<Component> {
        let skips =
            |component: &Component| self.inputs.text(&format!("components.{component}")) == Some("skip");
        Component::ALL.iter().copied().filter(skips).collect()
    }

    fn versions(&self) -> BTreeMap<Component, String> {
        let pinned = COMPONENTS.iter().filter(|spec| spec.pin().is_some());
        let version = |component| self.inputs.text(&format!("versions.{component}"));
        pinned.filter_map(|spec| Some((spec.id(), version(spec.id())?.to_owned()))).collect()
    }

    fn checksums(&self) -> BTreeMap<&'static str, Sha256Sum> {
        let artifacts = COMPONENTS.iter().flat_map(|spec| spec.checksums()).map(|input| input.artifact);
        let pinned = |artifact| self.inputs.text(&format!("checksums.{artifact}")).and_then(Sha256Sum::parse);
        artifacts.filter_map(|artifact| Some((artifact, pinned(artifact)?))).collect()
    }

    fn host(&mut self, key: &'static str, default: &str, used: bool) -> Result<String, Failure> {
        if used {
            self.ask(key, Some(default), false)?;
        }
        Ok(self.inputs.text(key).unwrap_or(default).to_owned())
    }

    /// Asks for an input that has a default, where everything is asked.
    fn offer(&mut self, key: &'static str) -> Result<(), Failure> {
        let default = Input::find(key).and_then(|input| input.default);
        self.ask(key, default, false)
    }

    fn required(&mut self, key: &'static str, why: &str) -> Result<String, Failure> {
        self.ask(key, None, true)?;
        match (self.inputs.text(key), self.demand) {
            (Some(value), _) => Ok(value.to_owned()),
            (None, Demand::Known) => Ok(String::new()),
            (None, Demand::Complete) => Err(missing(key, why)),
        }
    }

    /// Asks until the answer passes the check; an answer is never lost to a typing mistake further on.
    fn ask(&mut self, key: &'static str, default: Option<&str>, required: bool) -> Result<(), Failure> {
        let (Some(input), None) = (Input::find(key), self.inputs.given(key)) else { return Ok(()) };
        let Some(asker) = self.asker.as_mut().filter(|asker| required || asker.asks_all()) else {
            return Ok(());
        };
        let answer = asker.ask(input, default)?;
        if !answer.is_empty() {
            self.inputs.insert(input, answer, Origin::Prompt)?;
        }
        Ok(())
    }

    fn text(&self, key: &'static str) -> Result<String, Failure> {
        self.inputs.text(key).map(str::to_owned).ok_or_else(|| missing(key, "it has no default"))
    }

    fn number<const MIN: u32, const MAX: u32>(
        &self,
        key: &'static str,
    ) -> Result<Bounded<MIN, MAX>, Failure> {
        let number = self.text(key)?.parse::<u32>().unwrap_or(MIN);
        Bounded::try_from(number).map_err(|error| Failure::usage(format!("{key} is {error}")))
    }

    fn password(&self, key: &'static str) -> Password {
        self.inputs.secret(key).cloned().map_or(Password::Generate, Password::Given)
    }
}

fn missing(key: &'static str, why: &str) -> Failure {
    let failure = Failure::usage(format!("missing {key}: {why}"));
    let Some(input) = Input::find(key) else { return failure };
    let variable = input.variable();
    failure.hint(match input.flag {
        Some(flag) => format!("give --{flag}, set {variable}, or put {key} in the config file"),
        None => format!("set {variable}, or put {key} in the config file"),
    })
}
