//! What the foresight loop asks, how often, and which probabilities are borne under stress.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::draw::Seed;
use crate::economics::quantity::{Share, refuse};
use crate::economics::simulation::DRAWS_MIN;
use crate::economics::stress::Question;

/// Four weeks: what is asked more seldom foresees nothing.
const EVERY_HOURS_MAX: u32 = 672;
/// The standard error of a probability is below a hundredth of a half from 2,500 on; more only make
/// a run of many scenarios long.
const DRAWS_MAX: u32 = 20_000;

/// The loop's part of the policy. The standard one is not written, so that a policy of before has
/// the hash that it was approved under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Foresight {
    /// Does it run by itself?
    pub on: bool,
    pub every_hours: u32,
    pub scenarios: Asking,
    pub draws: u32,
    pub seed: Seed,
    /// The portfolio's `P(margin < floor)` that is borne under stress.
    pub below_floor_max: Share,
    /// A tenant's: beyond it the tenant is under water.
    pub tenant_below_floor_max: Share,
    /// The largest share of the traffic whose move is proposed at once; 0: none is.
    pub traffic_step_max: Share,
}

/// Which stresses are standing ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asking {
    pub provider_cost: bool,
    pub eu_latency: bool,
    pub penalties: bool,
    /// Kept scenarios that are marked so.
    pub kept: bool,
}

impl Default for Foresight {
    fn default() -> Self {
        let share = |percent| Share::try_from(Decimal::new(percent, 2)).unwrap_or_default();
        let scenarios =
            Asking { provider_cost: true, eu_latency: true, penalties: true, kept: true };
        Foresight {
            on: true,
            every_hours: 6,
            scenarios,
            draws: 2_000,
            seed: Seed(1),
            below_floor_max: share(25),
            tenant_below_floor_max: share(50),
            traffic_step_max: share(20),
        }
    }
}

impl Foresight {
    pub(super) fn is_standard(&self) -> bool {
        *self == Foresight::default()
    }

    /// Is this one of the standing questions?
    #[must_use]
    pub const fn asks(&self, question: Question) -> bool {
        match question {
            Question::ProviderCost => self.scenarios.provider_cost,
            Question::EuLatency => self.scenarios.eu_latency,
            Question::Penalties => self.scenarios.penalties,
        }
    }

    pub(super) fn check(&self) -> Result<(), EconomicsError> {
        if !(1..=EVERY_HOURS_MAX).contains(&self.every_hours) {
            return Err(refuse("the hours of foresight", &self.every_hours, "1 to 672"));
        }
        let least = u32::try_from(DRAWS_MIN).unwrap_or(u32::MAX);
        if !(least..=DRAWS_MAX).contains(&self.draws) {
            return Err(refuse("the draws of foresight", &self.draws, "100 to 20000"));
        }
        Ok(())
    }
}
