//! What a simulation is asked: which usage, under which assumptions, and up to five scenarios.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::SlaBand;
use crate::clock::Timestamp;
use crate::economics::EconomicsError;
use crate::economics::draw::Seed;
use crate::economics::exact::COST_SIGMA;
use crate::economics::penalty::Downtime;
use crate::economics::quantity::Share;
use crate::economics::scenario::Scenario;
use crate::economics::simulation::{Dependence, Plan};
use crate::economics::sla::Ladder;
use crate::economics::study::Inputs;
use crate::economics::study::latencies::{RegionLatency, sentences};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// More beside each other nobody compares.
pub const SCENARIOS_MAX: usize = 5;
/// Tenants times draws of one scenario: some seconds of two processors.
pub const TENANT_DRAWS_MAX: usize = 100_000_000;
const DRAWS: usize = 10_000;
/// Of a scenario.
pub const NAME_CHARS_MAX: usize = 200;
/// With room for a number behind it.
const NAME_CHARS_NUMBERED: usize = NAME_CHARS_MAX - 4;

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
    /// Of a region whose requests stated no latency, and of whose providers no samples are known.
    pub latency_mean_s: f64,
    /// How far the tail of latencies reaches where too few requests were timed to know it.
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
            cost_sigma: COST_SIGMA,
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

    /// Leaves out of the scenarios what these inputs do not have. A sentence for each that lost
    /// something.
    pub fn fit(&mut self, inputs: &Inputs) -> Vec<String> {
        let known = inputs.known();
        let fitted = |asked: &mut Asked| {
            let left_out = asked.changes.fit(&known);
            (!left_out.is_empty()).then(|| {
                let left_out = left_out.join(", ");
                format!("{}: this window has no {left_out}; it is left out.", asked.name)
            })
        };
        self.scenarios.iter_mut().filter_map(fitted).collect()
    }

    /// Numbers those that have the name of one before them: `Azure dearer (2)`.
    pub fn tell_apart(&mut self) {
        let mut taken = BTreeSet::new();
        for asked in &mut self.scenarios {
            let name: String = asked.name.trim().chars().take(NAME_CHARS_NUMBERED).collect();
            let mut number = 2;
            while !taken.insert(asked.name.trim().to_owned()) {
                asked.name = format!("{name} ({number})");
                number += 1;
            }
        }
    }

    #[must_use]
    pub const fn plan(&self) -> Plan {
        Plan { seed: self.seed, draws: self.draws, floor: self.floor }
    }
}

impl Assumptions {
    /// What is assumed, for who reads figures that rest on it.
    pub(super) fn sentence(&self, latency: &BTreeMap<String, RegionLatency>) -> String {
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let together = if self.shared {
            "What is a provider's, a region's or a tier's moves all in it together"
        } else {
            "Every tenant draws for itself"
        };
        format!(
            "Assumed, since no event tells: elasticity {} ± {}; unit costs vary by {}, usage by {}, \
             latencies by {}; a provider is down for {:.2} % of the time in the median; prices jump \
             as in their history, {} of a year ahead. {together}. No contract states the credits for \
             late answers: they are taken as {}.{}",
            self.elasticity,
            self.elasticity_sigma,
            percent(self.cost_sigma),
            percent(self.usage_sigma),
            percent(self.latency_sigma),
            self.downtime_median * 100.0,
            percent(self.horizon_years),
            self.credits(),
            sentences(latency, self),
        )
    }

    /// `5 % of revenue below 99 % in time, 10 % below 95 %`.
    fn credits(&self) -> String {
        let mut bands: Vec<&SlaBand> = self.attainment.iter().collect();
        bands.sort_by_key(|band| std::cmp::Reverse(band.min_uptime_pct));
        let steps = bands.iter().zip(bands.iter().skip(1)).map(|(above, band)| {
            let credit = (band.credit * Decimal::ONE_HUNDRED).normalize();
            let from = above.min_uptime_pct.normalize();
            (credit, from)
        });
        let step = |(at, (credit, from))| {
            let of = if at == 0 { " of revenue below" } else { " below" };
            let end = if at == 0 { " in time" } else { "" };
            format!("{credit} %{of} {from} %{end}")
        };
        let steps: Vec<String> = steps.enumerate().map(step).collect();
        if steps.is_empty() { "none".to_owned() } else { steps.join(", ") }
    }

    /// The most that is owed where answers are late: a share of revenue.
    #[must_use]
    pub fn worst_credit(&self) -> Decimal {
        self.attainment.iter().map(|band| band.credit).max().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_of_one_name_are_numbered_and_then_pass() {
        let asked = |name: &str| Asked { name: name.to_owned(), changes: Scenario::default() };
        let long = "x".repeat(NAME_CHARS_MAX);
        let scenarios = vec![asked("a"), asked("a (2)"), asked(" a"), asked(&long), asked(&long)];
        let mut request = Request { scenarios, ..Request::default() };
        assert!(request.check().is_err());
        request.tell_apart();
        let names: Vec<_> = request.scenarios.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names[..3], ["a", "a (2)", "a (3)"]);
        assert_eq!(request.check(), Ok(()));
    }

    #[test]
    fn what_is_assumed_names_the_credits_for_late_answers() {
        let sentence = Assumptions::default().sentence(&BTreeMap::new());
        let credits = "5 % of revenue below 99 % in time, 10 % below 95 %";
        assert!(sentence.contains(credits), "{sentence}");
        assert_eq!(Assumptions::default().worst_credit(), Decimal::new(1, 1));
    }
}
