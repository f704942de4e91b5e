//! JSON documents for the cluster, with places for secrets that are filled in at the last moment.

use serde_json::Value;

use super::kube::ObjectRef;
use crate::secret::{MASK, Password, Secret};

/// A Kubernetes object or the values of a chart, as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    value: Value,
    secrets: Vec<SecretField>,
}

/// A place in a document that a secret goes to.
#[derive(Clone, Debug, PartialEq)]
struct SecretField {
    /// JSON pointer of the place. The object that holds it must be there.
    pointer: String,
    /// What goes there.
    source: SecretSource,
}

/// What a secret is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum SecretSource {
    /// The password as it is.
    Password {
        /// The password.
        password: Password,
        /// Where the cluster keeps it once it was given. One that is to be made is not made again then.
        stored_in: Option<SecretKeyRef>,
    },
    /// A line for an htpasswd file. The registry takes bcrypt alone.
    Htpasswd {
        /// User name.
        user: String,
        /// Password of that user.
        password: Password,
    },
}

/// An entry of a secret in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretKeyRef {
    /// The secret.
    pub secret: ObjectRef,
    /// The entry.
    pub key: String,
}

impl Document {
    /// A document without secrets.
    pub fn new(value: Value) -> Self {
        Self { value, secrets: Vec::new() }
    }

    /// Adds a secret at `pointer`.
    pub fn secret(mut self, pointer: &str, source: SecretSource) -> Self {
        self.secrets.push(SecretField { pointer: pointer.to_owned(), source });
        self
    }

    /// The document with a mask in the place of each secret.
    pub fn masked(&self) -> Value {
        self.filled(|_| MASK.to_owned())
    }

    /// Whether there are secrets in it.
    pub fn has_secrets(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// The document with each secret as `resolve` gives it.
    ///
    /// # Errors
    /// The first error of `resolve`.
    pub fn resolved<E>(
        &self,
        mut resolve: impl FnMut(&SecretSource) -> Result<Secret, E>,
    ) -> Result<Value, E> {
        let secrets =
            self.secrets.iter().map(|field| resolve(&field.source)).collect::<Result<Vec<_>, E>>()?;
        let mut secrets = secrets.into_iter();
        Ok(self.filled(|_| secrets.next().map_or_else(String::new, |secret| secret.expose().to_owned())))
    }

    /// Which object it is, if it is one.
    pub fn reference(&self) -> Option<ObjectRef> {
        ObjectRef::of(&self.value)
    }

    fn filled(&self, mut fill: impl FnMut(&SecretField) -> String) -> Value {
        let mut value = self.value.clone();
        for field in &self.secrets {
            if let Some((above, key)) = field.pointer.rsplit_once('/')
                && let Some(Value::Object(object)) = value.pointer_mut(above)
            {
                object.insert(key.to_owned(), Value::String(fill(field)));
            }
        }
        value
    }
}
