//! Inputs of a run: declared once, and given by flags, environment, config file, prompts and defaults.
//!
//! [`Inputs`] holds what was given, each value already of its type; [`resolve`] turns it into the settings of a run and
//! asks for what is missing where there is somebody to ask.

mod collect;
mod config_file;
mod declaration;
mod error;
mod resolve;
mod secret_input;
mod text;
mod value;

pub use collect::{Flags, arguments, collect, private_variables, runs_dir_from_env};
pub use config_file::config_schema;
pub use declaration::{Declaration, Inputs, Privacy, Provided, Setting};
pub use error::{ConfigFault, InputError, InputSource};
pub use resolve::{Completeness, Prompt, resolve};
pub use text::{
    AbsolutePath, AnyPath, Email, HostName, HttpsUrl, Image, Network, ObjectName, Release, UserName,
};
pub use value::{Choice, InputValue, InvalidValue, UnknownWord, parse_mode};
