//! What a simulation is asked: which usage, under which assumptions, and up to five scenarios.

use std::collections::BTreeSet;

use crate::catalog::SlaBand;
use crate::clock::Timestamp;
use crate::economics::EconomicsError;
use crate::economics::draw::Seed;
use crate::economics::penalty::Downtime;
use crate::economics::quantity::Share;
use crate::economics::scenario::Scenario;
use crate::economics::simulation::{Dependence, Plan};
use crate::economics::sla::Ladder;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// More beside each other nobody compares.
pub const SCENARIOS_MAX: usize = 5;
/// Tenants times draws of one scenario: some seconds of two processors.
pub const TENANT_DRAWS_MAX: usize = 100_000_000;
const DRAWS: usize = 10_000;
const NAME_CHARS_MAX: usize = 200;

/// The body of `POST /v1/economics/simulate`; everything may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Request {
    /// Usage of hours that begin at or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Usage of hours that begin before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// The day whose prices are taken, ours and the providers'; now, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices_as_of: Option<Timestamp>,
    pub seed: Seed,
    pub draws: usize,
    pub floor: Share,
    pub scenarios: Vec<Asked>,
    pub assumptions: Assumptions,
}

/// A scenario by its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asked {
    pub name: String,
    #[serde(default)]
    pub changes: Scenario,
}

/// What no event tells. Answers state these beside every figure that rests on them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Assumptions {
    /// Deviations of logarithms: of the unit cost within a price, of usage, of a region's latency.
    pub cost_sigma: f64,
    pub usage_sigma: f64,
    pub latency_sigma: f64,
    /// How usage answers to our price, and how unsure that is.
    pub elasticity: f64,
    pub elasticity_sigma: f64,
    /// The share of the time that a provider is down: its median, and the deviation of its logarithm.
    pub downtime_median: f64,
    pub downtime_sigma: f64,
    /// Of a region whose requests stated no latency.
    pub latency_mean_s: f64,
    /// Usage keeps the mean of latencies; this says how far their tail reaches.
    pub latency_p99_over_p50: f64,
    /// The share of revenue owed where too few requests were as fast as the tier is promised.
    pub attainment: Vec<SlaBand>,
    /// How far ahead provider prices may jump, as often as their history says; 0: not at all.
    pub horizon_years: f64,
    /// Providers, regions and tiers move together, or every tenant for itself.
    pub shared: bool,
}

impl Default for Request {
    fn default() -> Self {
        Request {
            from: None,
            to: None,
            prices_as_of: None,
            seed: Seed(1),
            draws: DRAWS,
            floor: Share::try_from(Decimal::new(35, 2)).unwrap_or_default(),
            scenarios: Vec::new(),
            assumptions: Assumptions::default(),
        }
    }
}

impl Default for Assumptions {
    fn default() -> Self {
        let band = |min: i64, credit: i64| SlaBand {
            min_uptime_pct: Decimal::new(min, 0),
            credit: Decimal::new(credit, 2),
        };
        Assumptions {
            cost_sigma: 0.1,
            usage_sigma: 0.3,
            latency_sigma: 0.25,
            elasticity: -0.8,
            elasticity_sigma: 0.4,
            downtime_median: 4e-4,
            downtime_sigma: 1.2,
            latency_mean_s: 1.0,
            latency_p99_over_p50: 3.0,
            attainment: vec![band(99, 0), band(95, 5), band(0, 10)],
            horizon_years: 0.25,
            shared: true,
        }
    }
}

impl Request {
    /// # Errors
    /// Too many scenarios, one without a name or with another's, a window that ends before it
    /// begins.
    pub fn check(&self) -> Result<(), EconomicsError> {
        let count = self.scenarios.len();
        if count > SCENARIOS_MAX {
            let reason = "more beside each other nobody compares";
            let what = "scenarios";
            return Err(EconomicsError::TooMany { what, count, max: SCENARIOS_MAX, reason });
        }
        let names: BTreeSet<&str> = self.scenarios.iter().map(|asked| asked.name.trim()).collect();
        if names.len() < count {
            let problem = "must differ from each other";
            return Err(EconomicsError::Inconsistent { what: "the names of scenarios", problem });
        }
        let wrong = |name: &&str| name.is_empty() || name.chars().count() > NAME_CHARS_MAX;
        if names.iter().any(wrong) {
            let problem = "must be 1 to 200 characters";
            return Err(EconomicsError::Inconsistent { what: "the name of a scenario", problem });
        }
        if matches!((self.from, self.to), (Some(from), Some(to)) if from >= to) {
            let problem = "ends before it begins";
            return Err(EconomicsError::Inconsistent { what: "the window of usage", problem });
        }
        Ok(())
    }

    #[must_use]
    pub const fn plan(&self) -> Plan {
        Plan { seed: self.seed, draws: self.draws, floor: self.floor }
    }
}

impl Assumptions {
    /// What is assumed, for who reads figures that rest on it.
    pub(super) fn sentence(&self) -> String {
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let together = if self.shared {
            "What is a provider's, a region's or a tier's moves all in it together"
        } else {
            "Every tenant draws for itself"
        };
        format!(
            "Assumed, since no event tells: elasticity {} ± {}; unit costs vary by {}, usage by {}, \
             latencies by {}; a provider is down for {:.2} % of the time in the median; prices jump \
             as in their history, {} of a year ahead. {together}.",
            self.elasticity,
            self.elasticity_sigma,
            percent(self.cost_sigma),
            percent(self.usage_sigma),
            percent(self.latency_sigma),
            self.downtime_median * 100.0,
            percent(self.horizon_years),
        )
    }

    pub(super) fn downtime(&self) -> Result<Downtime, EconomicsError> {
        Downtime::new(self.downtime_median, self.downtime_sigma)
    }

    pub(super) fn attainment(&self) -> Result<Ladder, EconomicsError> {
        Ladder::new(&self.attainment)
    }

    pub(super) const fn dependence(&self) -> Dependence {
        if self.shared { Dependence::SHARED } else { Dependence::INDEPENDENT }
    }
}
