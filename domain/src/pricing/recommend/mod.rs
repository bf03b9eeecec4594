//! What a tenant's figures suggest under a policy: the rules that fired, the price within bounds,
//! and what else could be done, each with its worth.
//!
//! Nothing is decided here and nothing applied: [`advise`] is a function of its arguments.

mod action_list;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::action::Worth;
use super::backtest::{self, Month};
use super::controls::Controls;
use super::guardrail::{self, Request, Rule, Status};
use super::margin;
use super::margin_watch::{Band, MarginWatch, Recommendation};
use super::policy::{self, Policy};
use crate::economics::EconomicsError;
use crate::economics::demand::{Bounds, Demand, UnitCost};
use crate::economics::quantity::{Share, amount, checked, float};

/// Places of shares that are stated.
const SHARE_DECIMALS: u32 = 4;
/// Places of a target price, as a share of the list price.
const TARGET_DECIMALS: u32 = 6;
/// Places of a cost that a division made: the price that it asks for stays on its tick.
const COST_DECIMALS: u32 = 12;
/// A share of the list price that no price has, so that no bound lets it through.
const OUT_OF_REACH: Decimal = Decimal::ONE_THOUSAND;

/// What a tenant brought in and cost in a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Figures {
    pub tier: String,
    /// Days of usage that these sums are of.
    pub days: u32,
    pub requests: u64,
    pub tokens_k: Decimal,
    pub revenue_usd: Decimal,
    /// The same usage at the tier's list prices.
    pub list_usd: Decimal,
    /// Of both, what lies beyond the tenant's cap and has its overage price; absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond: Option<BeyondCap>,
    pub cost_usd: Decimal,
    /// The share of the revenue that the service level of these days would give back.
    pub penalty_rate: Share,
    /// Seconds that a request takes on average, where it is metered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_per_request: Option<f64>,
    /// How often a year the prices of its providers jumped, where maps of several days are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_jumps_per_year: Option<f64>,
    /// The tier in which the same usage would bring in most, if that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub better_tier: Option<BetterTier>,
}

/// Usage beyond a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BeyondCap {
    pub list_usd: Decimal,
    /// At the overage price.
    pub revenue_usd: Decimal,
}

impl BeyondCap {
    const NONE: BeyondCap = BeyondCap { list_usd: Decimal::ZERO, revenue_usd: Decimal::ZERO };
}

/// The same usage in another tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BetterTier {
    pub tier: String,
    pub revenue_usd: Decimal,
}

/// What holds for the tenant's price now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub controls: Controls,
    /// The price at the start of the policy's period, as a share of the list price.
    pub anchor_of_list: Decimal,
    pub days_since_change: u32,
    pub contract_locked: bool,
    pub kill_switch: bool,
    /// Prices move by themselves: a step that needs nobody is aimed at, and not the largest one.
    pub automatic: bool,
}

/// What is said of a tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Advice {
    /// The rule of the policy that holds for it.
    pub rule: String,
    pub figures: Figures,
    /// Absent where nothing was brought in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<Decimal>,
    /// Where the margin is, and how often in a row it asked for another band.
    pub watch: MarginWatch,
    /// Said on entering a band.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fired: Option<Recommendation>,
    /// What could be done, in the order of the kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Worth>,
    /// The best of them, where one beats doing nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceAdvice>,
}

/// What a price is aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Aim {
    /// To leave the low band.
    Margin,
    /// The highest profit under the assumed elasticity.
    Profit,
}

/// A price within bounds, and why it is that one. Shares of the list price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PriceAdvice {
    pub aim: Aim,
    pub current_of_list: Decimal,
    pub target_of_list: Decimal,
    pub price_of_list: Decimal,
    pub status: Status,
    /// The rule that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<Rule>,
    /// Every rule that moved the target, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trail: Vec<Rule>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Decimal>,
    /// At the same mix and cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin_after: Option<Decimal>,
    /// Over the recorded days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtest: Option<Replayed>,
}

/// A backtest, summed up. It rests on the assumed elasticity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Replayed {
    pub days: u32,
    pub difference_usd: f64,
    pub drawdown_usd: f64,
    pub hit_rate: f64,
    pub elasticity: f64,
}

/// A recorded day, in shares of the list price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    /// Since 1970, in UTC.
    pub number: i64,
    /// The usage at the list price, in US dollars.
    pub list_usd: f64,
    pub cost_of_list: f64,
    /// The share of it that lies beyond the cap in force.
    pub beyond: f64,
}

impl Day {
    /// What it earns under these controls, as a share of the list price.
    #[must_use]
    pub fn earned_of_list(&self, controls: &Controls) -> f64 {
        let price = float(controls.price_of_list);
        let overage = controls.overage().map_or(price, |terms| float(terms.overage_of_list));
        price + self.beyond * (overage - price)
    }
}

impl Figures {
    /// `1 − cost / revenue − penalty`. `None` where nothing is brought in.
    #[must_use]
    pub fn margin(&self) -> Option<Decimal> {
        margin::gross(self.revenue_usd, self.cost_usd, self.penalty_rate)
    }

    /// What usage for a dollar at list prices costs us.
    pub(super) fn cost_of_list(&self) -> Result<Decimal, EconomicsError> {
        checked("the cost of list", self.cost_usd.checked_div(self.list_usd))
    }

    /// The share of the list amount that lies beyond the cap.
    #[must_use]
    pub fn beyond_of_list(&self) -> Option<Decimal> {
        self.beyond.and_then(|beyond| beyond.list_usd.checked_div(self.list_usd))
    }

    /// What is earned, as a share of the list amount: overage included. `None` where nothing was
    /// used.
    #[must_use]
    pub fn earned_of_list(&self) -> Option<Decimal> {
        self.revenue_usd.checked_div(self.list_usd)
    }

    /// The price within the cap at which all of it earns that share of the list amount. `None`: no
    /// price does, since everything is beyond the cap.
    fn price_that_earns(&self, of_list: Decimal) -> Option<Decimal> {
        let Some(beyond) = self.beyond else { return Some(of_list) };
        let within = of_list.checked_mul(self.list_usd)?.checked_sub(beyond.revenue_usd)?;
        Some(within.checked_div(self.within_usd())?.max(Decimal::ZERO))
    }

    /// What usage for a dollar at list prices costs us, as the guardrails ask it of a price: at
    /// this cost a price keeps the margin floor where it does so together with what is beyond the
    /// cap.
    pub(super) fn cost_for_floor(&self, margin_min: Share) -> Result<Decimal, EconomicsError> {
        let cost = self.cost_of_list()?;
        let kept = margin_min.rest().get() - self.penalty_rate.get();
        if self.beyond.is_none() || kept <= Decimal::ZERO {
            return Ok(cost);
        }
        let earned = cost.checked_div(kept);
        let enough = earned.is_some_and(|earned| self.earned_of_list() >= Some(earned));
        let least = earned.and_then(|earned| self.price_that_earns(earned));
        // No price moves what is wholly beyond the cap.
        let least = least.unwrap_or(if enough { Decimal::ZERO } else { OUT_OF_REACH });
        let cost = checked("the cost of list", least.min(OUT_OF_REACH).checked_mul(kept))?;
        Ok(cost.round_dp(COST_DECIMALS))
    }

    /// Of the list amount, what a price moves.
    fn within_usd(&self) -> Decimal {
        self.list_usd - self.beyond.unwrap_or(BeyondCap::NONE).list_usd
    }

    /// How many times as much is earned at one price as at another: what is beyond the cap earns
    /// the same.
    pub(super) fn times_earned(&self, now: Decimal, then: Decimal) -> Option<Decimal> {
        let Some(beyond) = self.beyond else { return then.checked_div(now) };
        let at =
            |price: Decimal| self.within_usd().checked_mul(price)?.checked_add(beyond.revenue_usd);
        at(then)?.checked_div(at(now)?)
    }

    /// The margin at another price of what is within the cap, the same mix and cost.
    #[must_use]
    pub fn margin_at(&self, price_of_list: Decimal) -> Option<Decimal> {
        let beyond = self.beyond.unwrap_or(BeyondCap::NONE);
        let within = self.within_usd().checked_mul(price_of_list)?;
        let revenue = within.checked_add(beyond.revenue_usd)?;
        margin::gross(revenue, self.cost_usd, self.penalty_rate)
    }
}

/// What to say of a tenant now. `watch` is where the last observation left it.
///
/// # Errors
/// Negative amounts, or numbers beyond decimals.
pub fn advise(
    policy: &Policy,
    rule: &policy::Rule,
    figures: Figures,
    days: &[Day],
    standing: &Standing,
    watch: MarginWatch,
) -> Result<Advice, EconomicsError> {
    amount("the revenue", figures.revenue_usd)?;
    amount("the cost", figures.cost_usd)?;
    let margin = figures.margin();
    let (watch, fired) = watch.observe(&rule.limits.thresholds, margin);
    let mut advice = Advice {
        rule: rule.name.clone(),
        figures,
        margin,
        watch,
        fired,
        actions: Vec::new(),
        best: None,
        price: None,
    };
    if watch.band() == Band::Normal || margin.is_none() {
        return Ok(advice);
    }
    let price = price(policy, rule, &advice.figures, days, standing, watch.band())?;
    let actions = action_list::candidates(policy, rule, &advice.figures, watch.band(), &price)?;
    let outlook = action_list::outlook(policy, &advice.figures)?;
    advice.actions = outlook.weigh(&actions)?;
    advice.best = super::action::best(&advice.actions).map(|best| best.name.clone());
    advice.price = Some(price);
    Ok(advice)
}

fn price(
    policy: &Policy,
    rule: &policy::Rule,
    figures: &Figures,
    days: &[Day],
    standing: &Standing,
    band: Band,
) -> Result<PriceAdvice, EconomicsError> {
    let cost = figures.cost_of_list()?;
    let current = standing.controls.price_of_list;
    let (aim, target) = match band {
        Band::Low | Band::Normal => (Aim::Margin, keeps_margin(rule, figures, cost)),
        Band::High => (Aim::Profit, best_profit(policy, rule, figures, current, cost)?),
    };
    let request = Request {
        current_usd: current,
        target_usd: target,
        anchor_usd: standing.anchor_of_list,
        cost_usd: figures.cost_for_floor(rule.limits.margin_min)?,
        penalty_rate: figures.penalty_rate,
        days_since_change: standing.days_since_change,
        contract_locked: standing.contract_locked,
        kill_switch: standing.kill_switch,
    };
    let mut bounds = rule.limits.bounds();
    if standing.automatic {
        bounds.step_max = bounds.step_max.min(bounds.auto_max);
    }
    let decision = guardrail::decide(&bounds, &request)?;
    Ok(PriceAdvice {
        aim,
        current_of_list: current,
        target_of_list: target,
        price_of_list: decision.price_usd.normalize(),
        status: decision.status,
        binding: decision.rule,
        trail: decision.trail,
        change: decision.change.map(|change| change.round_dp(SHARE_DECIMALS).normalize()),
        margin_after: figures.margin_at(decision.price_usd),
        backtest: replayed(policy, days, current, decision.price_usd)?,
    })
}

/// The price that leaves the low band; the ceiling where none does.
fn keeps_margin(rule: &policy::Rule, figures: &Figures, cost: Decimal) -> Decimal {
    let kept = Decimal::ONE - rule.limits.thresholds.low_leave - figures.penalty_rate.get();
    let target = if kept > Decimal::ZERO { cost.checked_div(kept) } else { None };
    let target = target.and_then(|earned| figures.price_that_earns(earned));
    let target = target.unwrap_or(rule.limits.ceiling_of_list);
    target.round_dp_with_strategy(TARGET_DECIMALS, rust_decimal::RoundingStrategy::AwayFromZero)
}

fn best_profit(
    policy: &Policy,
    rule: &policy::Rule,
    figures: &Figures,
    current: Decimal,
    cost: Decimal,
) -> Result<Decimal, EconomicsError> {
    let (floor, ceiling) = (float(rule.limits.floor_of_list), float(rule.limits.ceiling_of_list));
    let unit = UnitCost { cost_usd_per_k: float(cost), penalty_rate: figures.penalty_rate };
    let demand = demand(policy, figures, current)?;
    stated(demand.best_price_within(&unit, &Bounds::new(floor, ceiling)?))
}

/// Usage as thousands of dollars at list price, so that prices are shares of it. What is beyond the
/// cap has another price, and answers to this one with nothing.
fn demand(policy: &Policy, figures: &Figures, current: Decimal) -> Result<Demand, EconomicsError> {
    Demand {
        usage_k: float(figures.within_usd()),
        price_usd_per_k: float(current),
        elasticity: policy.assumptions.elasticity,
    }
    .check()
}

fn stated(price: f64) -> Result<Decimal, EconomicsError> {
    let text = format!("{price:.6}");
    checked("the target price", text.parse().ok())
}

fn replayed(
    policy: &Policy,
    days: &[Day],
    current: Decimal,
    price: Decimal,
) -> Result<Option<Replayed>, EconomicsError> {
    if days.is_empty() || price == current {
        return Ok(None);
    }
    let month = |day: &Day| Month {
        // What is beyond the cap does not move.
        usage_k: day.list_usd * (1.0 - day.beyond),
        cost_usd_per_k: day.cost_of_list,
        policy_usd_per_k: float(price),
    };
    let elasticity = policy.assumptions.elasticity;
    let months: Vec<Month> = days.iter().map(month).collect();
    let found = backtest::replay(&months, float(current), elasticity)?;
    Ok(Some(Replayed {
        days: u32::try_from(days.len()).unwrap_or(u32::MAX),
        difference_usd: found.cumulative_usd.last().copied().unwrap_or(0.0),
        drawdown_usd: found.drawdown_usd,
        hit_rate: found.hit_rate,
        elasticity,
    }))
}

#[cfg(test)]
mod tests;
