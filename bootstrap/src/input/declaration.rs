//! What an input is: its declaration, its value, and the macro that makes a struct of inputs.
//!
//! A derive of clap and one of serde on the same struct would be the usual way. Neither can say "key (where it came from)
//! what is expected" without repeating the value, and each wants the key, the flag and the default written once more. So
//! the field's name and type say all of it, and flags, variables, file, prompts and schema are loops over the fields.

use std::ffi::OsString;

use schema::Mode;
use schemars::{Schema, SchemaGenerator};

use super::error::InputError;
use super::value::{InputValue, InvalidValue};

/// Whether values of an input may stand in something that leaves the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// Harmless.
    Open,
    /// Tells of the place or the people: the gate refuses every document that contains the value.
    Private,
}

/// Where a value came from. The order is the precedence: a later source wins over an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueSource {
    /// The program.
    Default,
    /// The record of a run before.
    Record,
    /// The operator, asked.
    Prompt,
    /// The config file.
    ConfigFile,
    /// An environment variable.
    Variable,
    /// A flag of the command line.
    Flag,
}

impl ValueSource {
    /// Whether the operator of this run gave the value.
    pub const fn is_given(self) -> bool {
        !matches!(self, Self::Default | Self::Record)
    }
}

/// What the name of a field does not say of an input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes {
    privacy: Privacy,
    flag: FlagName,
    default: Option<&'static str>,
    derived_default: Option<&'static str>,
    modes: &'static [Mode],
}

#[derive(Clone, Copy, Debug)]
enum FlagName {
    /// The key with hyphens.
    Derived,
    Named(&'static str),
    Absent,
}

/// An input whose value may stand in documents.
pub(super) const fn open() -> Attributes {
    Attributes {
        privacy: Privacy::Open,
        flag: FlagName::Derived,
        default: None,
        derived_default: None,
        modes: Mode::ALL,
    }
}

/// An input whose value must stay on the machine.
pub(super) const fn private() -> Attributes {
    Attributes { privacy: Privacy::Private, ..open() }
}

impl Attributes {
    /// The default, as an operator would write it: it is read like any other value.
    pub(super) const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// Words for a default that follows from other inputs or from the cluster.
    pub(super) const fn or_derived(self, derived: &'static str) -> Self {
        Self { derived_default: Some(derived), ..self }
    }

    /// The modes that use it. In any other it is refused, because whoever gives it expects that it counts.
    pub(super) const fn used_in(self, modes: &'static [Mode]) -> Self {
        Self { modes, ..self }
    }

    /// A flag that is shorter than the key.
    pub(super) const fn flag(self, flag: &'static str) -> Self {
        Self { flag: FlagName::Named(flag), ..self }
    }

    /// No flag: there are too many of the kind for the help.
    pub(super) const fn without_flag(self) -> Self {
        Self { flag: FlagName::Absent, ..self }
    }
}

/// All that is known of an input apart from its value.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// Key in the config file; dots are levels.
    pub key: String,
    /// Long flag without the dashes, if there is one.
    pub flag: Option<String>,
    /// The environment variable.
    pub variable: String,
    /// One line for help, prompts and the schema of the config file.
    pub help: &'static str,
    /// Whether the value is private.
    pub privacy: Privacy,
    /// Default, if there is one that does not depend on other inputs.
    pub default: Option<&'static str>,
    /// Words for a default that depends on something else.
    pub derived_default: Option<&'static str>,
    /// The modes that use it.
    pub modes: &'static [Mode],
    /// What stands for the value in the help.
    pub placeholder: &'static str,
    /// The words that are allowed, where the list is closed.
    pub words: Vec<&'static str>,
    /// Checks a value.
    pub check: fn(&str) -> Result<(), InvalidValue>,
    /// The JSON Schema of a value.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

impl Declaration {
    fn new<V: InputValue>(key: &str, help: &'static str, attributes: Attributes) -> Self {
        let flag = match attributes.flag {
            FlagName::Derived => Some(key.replace(['.', '_'], "-")),
            FlagName::Named(flag) => Some(flag.to_owned()),
            FlagName::Absent => None,
        };
        Self {
            key: key.to_owned(),
            flag,
            variable: variable(key),
            help,
            privacy: attributes.privacy,
            default: attributes.default,
            derived_default: attributes.derived_default,
            modes: attributes.modes,
            placeholder: V::PLACEHOLDER,
            words: V::words(),
            check: |text| V::read(text).map(drop),
            schema: V::schema,
        }
    }

    /// Where a value of this input came from, in the operator's terms.
    fn place(&self, source: ValueSource) -> String {
        match (source, &self.flag) {
            (ValueSource::Default, _) => "the default".to_owned(),
            (ValueSource::Record, _) => "the record of a run before".to_owned(),
            (ValueSource::Prompt, _) => "your answer".to_owned(),
            (ValueSource::ConfigFile, _) => "the config file".to_owned(),
            (ValueSource::Variable, _) => self.variable.clone(),
            (ValueSource::Flag, Some(flag)) => format!("--{flag}"),
            // The one flag that sets inputs without a flag of their own.
            (ValueSource::Flag, None) => "--skip".to_owned(),
        }
    }

    /// The error for an input that is needed and was not given.
    pub(super) fn missing(&self, why: &'static str) -> InputError {
        let Self { key, variable, .. } = self;
        let remedy = match &self.flag {
            Some(flag) => format!("give --{flag}, set {variable}, or put {key} in the config file"),
            None => format!("set {variable}, or put {key} in the config file"),
        };
        InputError::MissingInput { key: key.clone(), why, remedy: Some(remedy) }
    }
}

/// `PRODUCTIVE_K3S_` and the key in upper case, dots as underscores. The versions have the name that the shell
/// implementation gave them, with `VERSION` at the end, so that its users need not change their environment.
pub(super) fn variable(key: &str) -> String {
    let name = match key.strip_prefix("versions.") {
        Some(component) => format!("{component}_version"),
        None => key.replace('.', "_"),
    };
    format!("PRODUCTIVE_K3S_{}", name.to_uppercase())
}

/// One input: what it is, and the value that was given for it.
#[derive(Clone, Debug)]
pub struct Input<T> {
    spec: Declaration,
    parse: fn(&str) -> Result<T, InvalidValue>,
    provided: Option<Provided<T>>,
}

#[derive(Clone, Debug)]
struct Provided<T> {
    value: T,
    /// As written, which is what the gate has to look for.
    text: String,
    source: ValueSource,
}

impl<T> Input<T> {
    /// An input without a value. `V` states the bounds; it is not `T` where the bounds are known at run time only.
    pub(super) fn of<V: InputValue + Into<T>>(key: &str, help: &'static str, attributes: Attributes) -> Self {
        let parse = |text: &str| V::read(text).map(Into::into);
        Self { spec: Declaration::new::<V>(key, help, attributes), parse, provided: None }
    }

    /// The value, a default included.
    pub fn value(&self) -> Option<&T> {
        self.provided.as_ref().map(|provided| &provided.value)
    }

    /// Takes out what a run before was told, and returns it as written.
    pub fn take_recorded(&mut self) -> Option<String> {
        let recorded = self.provided.take_if(|provided| provided.source == ValueSource::Record);
        recorded.map(|recorded| recorded.text)
    }

    /// The value of an input that has one by default.
    pub(super) fn defaulted(&self) -> Result<&T, InputError> {
        self.value().ok_or_else(|| self.spec.missing("it has no default"))
    }
}

/// An input of any type.
pub trait AnyInput {
    /// What it is.
    fn declaration(&self) -> &Declaration;

    /// Its value as written, a default included.
    fn text(&self) -> Option<&str>;

    /// Where its value came from.
    fn source(&self) -> Option<ValueSource>;

    /// Checks a value and keeps it, unless a source of higher precedence gave one. A value that is not kept is checked
    /// too, so that a mistake does not come to light only when the flag above it is left out.
    ///
    /// # Errors
    /// [`InputError::InvalidInput`].
    fn set(&mut self, text: &str, source: ValueSource) -> Result<(), InputError>;

    /// Where the operator gave it, in the operator's terms; `None` if nobody did.
    fn given_at(&self) -> Option<String> {
        let source = self.source().filter(|source| source.is_given())?;
        Some(self.declaration().place(source))
    }

    /// The variable that holds the secret itself, for an input that names the file of one.
    fn secret_variable(&self) -> Option<&str> {
        None
    }

    /// Reads the secret, for an input that names the file of one. What is odd but usable is added to `warnings`.
    ///
    /// # Errors
    /// [`InputError::SecretUnreadable`] and [`InputError::SecretMalformed`].
    fn load_secret(&mut self, variable: Lookup<'_>, warnings: &mut Vec<String>) -> Result<(), InputError> {
        let _ = (variable, warnings);
        Ok(())
    }
}

/// The environment: the value of the variable with a name.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl<T> AnyInput for Input<T> {
    fn declaration(&self) -> &Declaration {
        &self.spec
    }

    fn text(&self) -> Option<&str> {
        self.provided.as_ref().map(|provided| provided.text.as_str())
    }

    fn source(&self) -> Option<ValueSource> {
        self.provided.as_ref().map(|provided| provided.source)
    }

    fn set(&mut self, text: &str, source: ValueSource) -> Result<(), InputError> {
        let value = (self.parse)(text).map_err(|reason| InputError::InvalidInput {
            key: self.spec.key.clone(),
            place: self.spec.place(source),
            reason,
        })?;
        if self.source().is_none_or(|earlier| earlier <= source) {
            self.provided = Some(Provided { value, text: text.to_owned(), source });
        }
        Ok(())
    }
}

/// A field of a struct of inputs: an input, or a struct of inputs again.
pub(super) trait InputField: Sized {
    /// What the field's declaration says beside its name, its type and its documentation.
    type Attributes;

    /// The field without values. `key` is that of the field.
    fn declare(key: &str, help: &'static str, attributes: Self::Attributes) -> Self;

    /// Every input in it.
    fn inputs(&self) -> Vec<&dyn AnyInput>;

    /// Every input in it, to give it a value.
    fn inputs_mut(&mut self) -> Vec<&mut dyn AnyInput>;
}

impl<T: InputValue> InputField for Input<T> {
    type Attributes = Attributes;

    fn declare(key: &str, help: &'static str, attributes: Attributes) -> Self {
        Self::of::<T>(key, help, attributes)
    }

    fn inputs(&self) -> Vec<&dyn AnyInput> {
        vec![self]
    }

    fn inputs_mut(&mut self) -> Vec<&mut dyn AnyInput> {
        vec![self]
    }
}

/// The key of a field below `parent`, which is empty at the top.
pub(super) fn key_below(parent: &str, field: &str) -> String {
    if parent.is_empty() { field.to_owned() } else { format!("{parent}.{field}") }
}

/// Declares a struct of inputs: a field is an input, its name is the key, its documentation the help, its type the
/// bounds, and what follows `=` the rest. A field without `=` is a section.
macro_rules! input_struct {
    (@attributes) => { () };
    (@attributes $attributes:expr) => { $attributes };
    ($(#[doc = $doc:literal])+ pub struct $name:ident {
        $(#[doc = $help:literal] $field:ident: $type:ty $(= $attributes:expr)?,)+
    }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        pub struct $name {
            $(#[doc = $help] pub $field: $type,)+
        }

        impl InputField for $name {
            type Attributes = ();

            fn declare(key: &str, _: &'static str, (): ()) -> Self {
                Self {
                    $($field: <$type as InputField>::declare(
                        &key_below(key, stringify!($field)),
                        $help.trim_ascii(),
                        input_struct!(@attributes $($attributes)?),
                    ),)+
                }
            }

            fn inputs(&self) -> Vec<&dyn AnyInput> {
                let mut inputs = Vec::new();
                $(inputs.extend(self.$field.inputs());)+
                inputs
            }

            fn inputs_mut(&mut self) -> Vec<&mut dyn AnyInput> {
                let mut inputs = Vec::new();
                $(inputs.extend(self.$field.inputs_mut());)+
                inputs
            }
        }
    };
}
pub(super) use input_struct;
