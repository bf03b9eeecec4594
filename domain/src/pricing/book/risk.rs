//! How much a proposal puts at stake: whether several may be approved in one act.

use serde::{Deserialize, Serialize};

use super::{Book, Case, Controls};
use crate::pricing::controls::{Content, Subject};

/// Proposals that are approved in one act: what one person can have read.
pub const TOGETHER_MAX: usize = 50;

/// What its approval needs, as a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// A price, and nothing else, that one person agrees to.
    Low,
    /// All else: what two must agree to, a first overage, limits, the policy, where the traffic
    /// goes.
    High,
}

impl Risk {
    pub const ALL: [Risk; 2] = [Risk::Low, Risk::High];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Risk::Low => "low",
            Risk::High => "high",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Risk::ALL.into_iter().find(|risk| risk.name() == name)
    }
}

impl Book {
    /// The class of the version in hand.
    #[must_use]
    pub fn risk(&self, case: &Case) -> Risk {
        let edition = &case.current().edition;
        let (Subject::Tenant(tenant), Content::Controls { controls, .. }) =
            (case.subject(), &edition.content)
        else {
            return Risk::High;
        };
        let before = self.chain(&tenant).and_then(|chain| chain.controls(edition.base_version));
        let before = before.unwrap_or(Controls::STANDARD);
        let by_one = case.quorum().is_some_and(|persons| persons <= 1);
        if by_one && controls.differs_in_price_only(&before) { Risk::Low } else { Risk::High }
    }
}
