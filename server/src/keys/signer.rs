//! One key that signs, wherever it is.

use std::fmt;
use std::sync::Arc;

use domain::key::{PublicKey, Sign, Signature, SigningKey};

/// Signs with a key file's key, or asks another process to. Cheap to clone; prints its public half.
#[derive(Clone)]
pub struct Signer(Held);

#[derive(Clone)]
enum Held {
    Here(Arc<dyn Sign + Send + Sync>),
    /// Lost: what it signed is still verified.
    Gone(PublicKey),
}

impl Signer {
    pub(super) fn new(key: impl Sign + Send + Sync + 'static) -> Self {
        Signer(Held::Here(Arc::new(key)))
    }

    /// A key of which only the public half is left.
    pub(super) const fn lost(key: PublicKey) -> Self {
        Signer(Held::Gone(key))
    }

    /// Can it sign?
    #[must_use]
    pub const fn is_held(&self) -> bool {
        matches!(self.0, Held::Here(_))
    }

    #[must_use]
    pub fn public(&self) -> PublicKey {
        match &self.0 {
            Held::Here(key) => key.public(),
            Held::Gone(key) => *key,
        }
    }
}

impl From<SigningKey> for Signer {
    fn from(key: SigningKey) -> Self {
        Signer::new(key)
    }
}

impl Sign for Signer {
    fn public(&self) -> PublicKey {
        Signer::public(self)
    }

    /// # Panics
    /// The key is lost. A node with a lost key does not start, and earlier epochs sign nothing.
    fn sign(&self, message: &[u8]) -> Signature {
        match &self.0 {
            Held::Here(key) => key.sign(message),
            Held::Gone(key) => panic!("the key {key:?} is lost and cannot sign"),
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Signer({:?})", self.public())
    }
}
