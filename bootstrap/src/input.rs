//! Inputs of a run: what an operator can say, where it can be said, and the settings that follow from it.
//!
//! A new input is one field in `inputs`. Values come from flags, environment, config file, prompts and defaults, in this
//! order of precedence, and each type of value states its bounds once for all of them.

mod config_file;
mod declaration;
mod error;
mod inputs;
mod resolve;
mod secret_input;
mod sources;
mod text;
mod value;
mod variables;

pub use config_file::config_schema;
pub use declaration::{AnyInput, Declaration, Input, Privacy, ValueSource};
pub use error::{ConfigFault, InputError};
pub use inputs::{
    AgentInputs, HostInputs, LonghornInputs, NfsInputs, RancherInputs, RegistryInputs, TlsInputs,
};
pub use inputs::{Inputs, Rows, private_variables, runs_dir_from_env};
pub use resolve::{Completeness, Prompt, resolve};
pub use secret_input::SecretInput;
pub use sources::{Flags, arguments, collect};
pub use text::{AbsolutePath, AnyPath, Email, HostName, HttpsUrl, Network, ObjectName, UserName};
pub use value::{Choice, Gibibytes, InputValue, InvalidValue, UnknownWord, parse_mode};
pub use variables::refuse_unknown_variables;
