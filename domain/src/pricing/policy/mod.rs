//! What may be changed by itself, what needs people, and how many: the policy, as versioned data.
//!
//! Each version replaces the one before, and is itself put in force by an approved proposal.
//! Version 0 is [`Policy::default`]. Every number is a field with a name, a unit and a range.

mod diff;
mod field;
mod fit;
mod foresight;
mod whole;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::approval::{Quorum, QuorumStep};
use super::guardrail::Bounds;
use super::margin_watch::Thresholds;
use crate::clock::Timestamp;
use crate::cloud::Cloud;
use crate::economics::EconomicsError;
use crate::economics::quantity::{Share, count, probability, refuse, within};
use crate::event::TenantId;

pub use diff::{Difference, differences, told};
pub use field::{Change, Field, Part, Unfit, Unit, changes};
pub use foresight::{Asking, Foresight};

/// Nobody reads more.
const RULES_MAX: usize = 50;
const LOCKS_MAX: usize = 500;
const NAME_CHARS_MAX: usize = 60;
/// A year: longer periods compare prices of another business.
const DAYS_MAX: u32 = 366;
const PERSONS_MAX: u32 = 20;

/// The policy, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// Of the rules that match a tenant the one that names most holds.
    pub rules: Vec<Rule>,
    /// Approvals by the size of a price change.
    pub quorum: Quorum,
    /// Approvals of a first price for overage.
    pub first_overage_persons: u32,
    /// Approvals of what changes a contract: a tenant's limits.
    pub contract_persons: u32,
    /// Approvals of a change of this policy.
    pub policy_persons: u32,
    /// How long a proposal waits for them.
    pub expiry_days: u32,
    /// How far margins (absolutely) and costs (relatively) may move between proposal and execution.
    pub drift_max: Share,
    /// Usage of so many days decides.
    pub window_days: u32,
    /// Tenants whose contract fixes their price, and until when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub locked_until: BTreeMap<TenantId, Timestamp>,
    pub assumptions: Assumptions,
    /// What is done when a change falls short of its promise.
    #[serde(default, skip_serializing_if = "Watch::is_standard")]
    pub watch: Watch,
    /// Which stresses are asked on schedule, and what is borne under them.
    #[serde(default, skip_serializing_if = "Foresight::is_standard")]
    pub foresight: Foresight,
}

/// When a margin below the promised one is answered, and how. The standard one is not written, so
/// that a policy of before has the hash that it was approved under.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Watch {
    /// A day's shortfall that counts as noise. Margins, as shares of revenue.
    pub slack: f64,
    /// The sum of shortfalls beyond which it is answered.
    pub limit: f64,
    /// How long a change is watched.
    pub days: u32,
    pub answer: Answer,
}

/// What follows on a shortfall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// Taking it back is proposed, and people decide.
    #[default]
    Propose,
    /// It is taken back at once.
    RollBack,
}

impl Default for Watch {
    fn default() -> Self {
        Watch { slack: 0.01, limit: 0.05, days: 28, answer: Answer::Propose }
    }
}

impl Watch {
    fn is_standard(&self) -> bool {
        *self == Watch::default()
    }

    fn check(&self) -> Result<(), EconomicsError> {
        within("the slack of the watch", self.slack, 0.0, 1.0, "0 to 1")?;
        within("the limit of the watch", self.limit, 0.0, 100.0, "0 to 100")?;
        days("the days of the watch", self.days)
    }
}

/// Limits for those whom it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// What people call it.
    pub name: String,
    /// Absent: any tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// The cloud that serves the tenant first. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<Cloud>,
    pub limits: Limits,
}

/// The bounds of prices. Prices are shares of the list price, changes are relative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Largest change that applies by itself.
    pub auto_max: Decimal,
    /// Largest change at once.
    pub step_max: Decimal,
    /// Largest change from the price of `cumulative_days` ago.
    pub cumulative_max: Decimal,
    pub cumulative_days: u32,
    /// Rest after a change.
    pub cooldown_days: u32,
    pub floor_of_list: Decimal,
    pub ceiling_of_list: Decimal,
    pub margin_min: Share,
    /// Prices are multiples of it.
    pub tick_of_list: Decimal,
    pub thresholds: Thresholds,
}

/// What is assumed of tenants, since nobody has measured it. Screens mark what rests on it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assumptions {
    /// Relative change of usage for a relative change of price.
    pub elasticity: f64,
    pub months: u32,
    /// A month.
    pub discount: f64,
    /// Dollars of expected value that a dollar of deviation weighs.
    pub risk_aversion: f64,
    pub tier_upgrade: Odds,
    pub overage: Odds,
    pub concurrency: Odds,
    pub token_cap: Odds,
    pub renegotiation: Odds,
    pub price: Odds,
}

/// How tenants answer to an action.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Odds {
    pub accept_probability: f64,
    pub churn_probability: f64,
    /// Once, in US dollars.
    pub cost_usd: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            auto_max: Decimal::new(5, 2),
            step_max: Decimal::new(8, 2),
            cumulative_max: Decimal::new(15, 2),
            cumulative_days: 30,
            cooldown_days: 14,
            floor_of_list: Decimal::new(7, 1),
            ceiling_of_list: Decimal::new(15, 1),
            margin_min: Share::new("the margin floor", Decimal::new(35, 2)).unwrap_or_default(),
            tick_of_list: Decimal::new(1, 3),
            thresholds: Thresholds::standard(2),
        }
    }
}

impl Default for Assumptions {
    fn default() -> Self {
        let odds = |accept_probability, churn_probability, cost_usd| Odds {
            accept_probability,
            churn_probability,
            cost_usd,
        };
        Assumptions {
            elasticity: -1.4,
            months: 12,
            discount: 0.01,
            risk_aversion: 0.1,
            tier_upgrade: odds(0.3, 0.02, 50.0),
            overage: odds(0.8, 0.03, 0.0),
            concurrency: odds(0.95, 0.001, 10.0),
            token_cap: odds(0.7, 0.05, 0.0),
            renegotiation: odds(0.25, 0.04, 500.0),
            price: odds(0.9, 0.02, 0.0),
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        let steps = vec![
            QuorumStep { up_to: Some(Decimal::new(15, 2)), persons: 1 },
            QuorumStep { up_to: None, persons: 2 },
        ];
        Policy {
            rules: vec![Rule {
                name: "everybody".to_owned(),
                tier: None,
                cloud: None,
                limits: Limits::default(),
            }],
            quorum: Quorum::of_fixed_steps(steps),
            first_overage_persons: 2,
            contract_persons: 2,
            policy_persons: 2,
            expiry_days: 7,
            drift_max: Share::new("the drift", Decimal::new(2, 2)).unwrap_or_default(),
            window_days: 30,
            locked_until: BTreeMap::new(),
            assumptions: Assumptions::default(),
            watch: Watch::default(),
            foresight: Foresight::default(),
        }
    }
}

impl Rule {
    fn names(&self) -> usize {
        usize::from(self.tier.is_some()) + usize::from(self.cloud.is_some())
    }

    fn matches(&self, tier: &str, cloud: Cloud) -> bool {
        self.tier.as_ref().is_none_or(|own| own == tier)
            && self.cloud.is_none_or(|own| own == cloud)
    }

    /// Can one tenant match both, with nothing to say which holds?
    fn is_ambiguous_with(&self, other: &Rule) -> bool {
        let tiers = self.tier.as_ref().zip(other.tier.as_ref()).is_none_or(|(a, b)| a == b);
        let clouds = self.cloud.zip(other.cloud).is_none_or(|(a, b)| a == b);
        self.names() == other.names() && tiers && clouds
    }
}

impl Limits {
    /// The bounds as the guardrails take them.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        Bounds {
            step_max: self.step_max,
            cumulative_max: self.cumulative_max,
            floor_usd: self.floor_of_list,
            ceiling_usd: self.ceiling_of_list,
            margin_min: self.margin_min,
            cooldown_days: self.cooldown_days,
            auto_max: self.auto_max,
            tick_usd: self.tick_of_list,
        }
    }

    fn check(&self) -> Result<(), EconomicsError> {
        let zero = Decimal::ZERO;
        for (what, change) in [
            ("the largest change without approval", self.auto_max),
            ("the largest step", self.step_max),
            ("the largest change of a period", self.cumulative_max),
        ] {
            if !(zero..=Decimal::ONE).contains(&change) {
                return Err(refuse(what, &change, "0 to 1 (0.05 is 5 %)"));
            }
        }
        days("the days of a period", self.cumulative_days)?;
        days("the cool-down", self.cooldown_days)?;
        for (what, share) in
            [("the price floor", self.floor_of_list), ("the price ceiling", self.ceiling_of_list)]
        {
            if share < Decimal::new(1, 1) || share > Decimal::TEN {
                return Err(refuse(what, &share, "0.1 to 10 of the list price"));
            }
        }
        if self.floor_of_list > self.ceiling_of_list {
            let problem = "is above the price ceiling";
            return Err(EconomicsError::Inconsistent { what: "the price floor", problem });
        }
        let tick = self.tick_of_list;
        if tick < Decimal::new(1, 6) || tick > Decimal::new(1, 1) || tick.normalize().scale() > 6 {
            return Err(refuse("the tick", &tick, "0.000001 to 0.1, with at most six decimals"));
        }
        self.thresholds.check().map(drop)
    }
}

impl Odds {
    fn check(&self) -> Result<(), EconomicsError> {
        let accept = probability("the probability of acceptance", self.accept_probability)?;
        let churn = probability("the probability of churn", self.churn_probability)?;
        if accept + churn > 1.0 {
            let problem = "exclude each other and are above 1 together";
            return Err(EconomicsError::Inconsistent { what: "acceptance and churn", problem });
        }
        within("the cost of an action", self.cost_usd, 0.0, 1e9, "0 to a milliard").map(drop)
    }
}

impl Policy {
    /// # Errors
    /// A number out of its range, or two rules that match one tenant with nothing to choose by.
    pub fn check(&self) -> Result<(), EconomicsError> {
        count("rules of a policy", self.rules.len(), 1, RULES_MAX, "nobody reads more")?;
        count("locked tenants", self.locked_until.len(), 0, LOCKS_MAX, "a payload holds no more")?;
        self.rules.iter().try_for_each(Rule::check)?;
        for (at, rule) in self.rules.iter().enumerate() {
            if self.rules[..at].iter().any(|other| rule.is_ambiguous_with(other)) {
                let problem =
                    "match one tenant and name as much; say in one of them what it is for";
                return Err(EconomicsError::Inconsistent { what: "two rules", problem });
            }
        }
        if !self.rules.iter().any(|rule| rule.names() == 0) {
            let problem = "must hold one for every tenant, without tier and cloud";
            return Err(EconomicsError::Inconsistent { what: "the rules", problem });
        }
        for (what, persons) in [
            ("the approvals of a first overage", self.first_overage_persons),
            ("the approvals of a contract change", self.contract_persons),
            ("the approvals of a policy", self.policy_persons),
        ] {
            if !(1..=PERSONS_MAX).contains(&persons) {
                return Err(refuse(what, &persons, "1 to 20 persons"));
            }
        }
        days("the expiry", self.expiry_days)?;
        days("the window", self.window_days)?;
        self.watch.check()?;
        if self.watch.days >= self.window_days {
            let problem = "must be fewer than the days of the window, whose usage they are seen in";
            return Err(EconomicsError::Inconsistent { what: "the days of the watch", problem });
        }
        self.foresight.check()?;
        self.assumptions.check()
    }

    /// What holds for a tenant.
    #[must_use]
    pub fn rule(&self, tier: &str, cloud: Cloud) -> Option<&Rule> {
        let matching = self.rules.iter().filter(|rule| rule.matches(tier, cloud));
        matching.max_by_key(|rule| rule.names())
    }

    /// What holds for whoever no narrower rule is about.
    #[must_use]
    pub fn everybody(&self) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.names() == 0)
    }

    /// The margin below which the portfolio is under water: the one that holds for everybody.
    #[must_use]
    pub fn margin_floor(&self) -> Share {
        self.everybody().map_or_else(Share::default, |rule| rule.limits.margin_min)
    }

    /// The same, to be changed.
    pub fn everybody_mut(&mut self) -> Option<&mut Rule> {
        self.rules.iter_mut().find(|rule| rule.names() == 0)
    }

    /// The rule of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name == name)
    }

    /// Does the tenant's contract fix its price?
    #[must_use]
    pub fn is_locked(&self, tenant: &TenantId, at: Timestamp) -> bool {
        self.locked_until.get(tenant).is_some_and(|until| at < *until)
    }
}

impl Rule {
    fn check(&self) -> Result<(), EconomicsError> {
        let length = self.name.chars().count();
        if !(1..=NAME_CHARS_MAX).contains(&length) || self.name.chars().any(char::is_control) {
            return Err(refuse("the name of a rule", &self.name, "1 to 60 printable characters"));
        }
        self.limits.check()
    }
}

impl Assumptions {
    fn check(&self) -> Result<(), EconomicsError> {
        within("the elasticity", self.elasticity, -20.0, 20.0, "between -20 and 20")?;
        within("the months", self.months.into(), 1.0, 600.0, "1 to 600")?;
        within("the monthly discount", self.discount, 0.0, 1.0, "0 to 1")?;
        within("the risk aversion", self.risk_aversion, 0.0, 100.0, "0 to 100")?;
        let odds = [
            self.tier_upgrade,
            self.overage,
            self.concurrency,
            self.token_cap,
            self.renegotiation,
            self.price,
        ];
        odds.iter().try_for_each(Odds::check)
    }
}

fn days(what: &'static str, given: u32) -> Result<(), EconomicsError> {
    if (1..=DAYS_MAX).contains(&given) {
        Ok(())
    } else {
        Err(refuse(what, &given, "1 to 366 days"))
    }
}

#[cfg(test)]
mod tests;
