//! What a node may say about an event: the words of finality.

use serde::{Deserialize, Serialize};

use crate::cloud::{Cloud, PerCloud};

/// The state of one event as one node can prove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Finality {
    /// Durable in its origin; no second cloud has signed yet.
    Pending,
    /// Two clouds have signed one root that covers the event's slot.
    Final,
    /// Held without effect: it failed a check, or its id is in conflict.
    Quarantined,
    /// Certified on two branches of a log whose origin signed both. Held until admins decide.
    Disputed,
}

impl Finality {
    pub const ALL: [Finality; 4] =
        [Finality::Pending, Finality::Final, Finality::Quarantined, Finality::Disputed];

    /// The word shown on screens and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Finality::Pending => "PENDING",
            Finality::Final => "FINAL",
            Finality::Quarantined => "QUARANTINED",
            Finality::Disputed => "DISPUTED",
        }
    }

    /// Reads the word back, in any case.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Finality> {
        Finality::ALL.into_iter().find(|state| state.word().eq_ignore_ascii_case(word))
    }
}

/// Which clouds have signed for an event.
pub type Signed = PerCloud<bool>;

impl Signed {
    /// How many of the three have signed.
    #[must_use]
    pub fn count(&self) -> usize {
        self.iter().filter(|(_, signed)| **signed).count()
    }

    /// All three hold it: REPLICATED.
    #[must_use]
    pub fn replicated(&self) -> bool {
        self.count() == crate::cloud::CLOUD_COUNT
    }

    /// Only `origin` has signed.
    #[must_use]
    pub fn only(origin: Cloud) -> Self {
        PerCloud::from_fn(|cloud| cloud == origin)
    }
}
