//! The six things that could be done for a tenant's margin, with what each would add a month.

use rust_decimal::Decimal;

use super::{Figures, PriceAdvice, demand};
use crate::economics::EconomicsError;
use crate::economics::demand::UnitCost;
use crate::economics::quantity::float;
use crate::pricing::action::{Action, Outlook};
use crate::pricing::capacity::token_cap_k;
use crate::pricing::margin_watch::Band;
use crate::pricing::policy::{self, Odds, Policy};

/// Figures are scaled to a month of so many days.
const DAYS_A_MONTH: u32 = 30;

/// How the future of this tenant is weighed.
pub(super) fn outlook(policy: &Policy, figures: &Figures) -> Result<Outlook, EconomicsError> {
    let assumed = &policy.assumptions;
    Outlook {
        profit_usd_per_month: a_month(figures, profit(figures)),
        months: assumed.months,
        discount: assumed.discount,
        risk_aversion: assumed.risk_aversion,
    }
    .check()
}

/// Those that would add anything, in a fixed order.
pub(super) fn candidates(
    policy: &Policy,
    rule: &policy::Rule,
    figures: &Figures,
    band: Band,
    price: &PriceAdvice,
) -> Result<Vec<Action>, EconomicsError> {
    let odds = &policy.assumptions;
    let beyond = beyond(rule, figures)?;
    let gains = [
        ("tierUpgrade", odds.tier_upgrade, tier_upgrade(figures)),
        ("overage", odds.overage, overage(rule, figures, beyond)),
        ("concurrency", odds.concurrency, penalties(figures)),
        ("tokenCap", odds.token_cap, sold_at_a_loss(figures, beyond)),
        ("renegotiation", odds.renegotiation, renegotiation(rule, figures, band)),
        ("price", odds.price, repricing(policy, figures, price)?),
    ];
    let gaining = gains.into_iter().filter(|(.., gain)| *gain > 0.0);
    Ok(gaining.map(|(name, odds, gain)| action(name, odds, a_month(figures, gain))).collect())
}

fn action(name: &str, odds: Odds, gain_usd_per_month: f64) -> Action {
    Action {
        name: name.to_owned(),
        accept_probability: odds.accept_probability,
        gain_usd_per_month,
        churn_probability: odds.churn_probability,
        cost_usd: odds.cost_usd,
    }
}

fn a_month(figures: &Figures, usd: f64) -> f64 {
    usd * f64::from(DAYS_A_MONTH) / f64::from(figures.days.max(1))
}

fn kept(figures: &Figures) -> Decimal {
    figures.penalty_rate.rest().get()
}

fn profit(figures: &Figures) -> f64 {
    float(figures.revenue_usd * kept(figures) - figures.cost_usd)
}

fn tier_upgrade(figures: &Figures) -> f64 {
    let better = figures.better_tier.as_ref();
    better.map_or(0.0, |tier| float((tier.revenue_usd - figures.revenue_usd) * kept(figures)))
}

/// Thousands of tokens beyond those that the revenue bears at the margin floor.
fn beyond(rule: &policy::Rule, figures: &Figures) -> Result<Decimal, EconomicsError> {
    let Some(cost) = figures.cost_usd.checked_div(figures.tokens_k).filter(|it| !it.is_zero())
    else {
        return Ok(Decimal::ZERO);
    };
    let cap = token_cap_k(figures.revenue_usd, cost, rule.limits.margin_min, figures.penalty_rate)?;
    Ok((figures.tokens_k - cap).max(Decimal::ZERO))
}

/// What is beyond, at the price that keeps the margin floor.
fn overage(rule: &policy::Rule, figures: &Figures, beyond: Decimal) -> f64 {
    let least = rule.limits.margin_min.rest().get() - figures.penalty_rate.get();
    let per_k = |usd: Decimal| usd.checked_div(figures.tokens_k);
    let wanted = per_k(figures.cost_usd).filter(|_| least > Decimal::ZERO);
    let wanted = wanted.and_then(|cost| cost.checked_div(least));
    let more = wanted.zip(per_k(figures.revenue_usd)).map(|(wanted, paid)| wanted - paid);
    more.map_or(0.0, |more| float(more * beyond * kept(figures)))
}

/// What the service level gives back: it would not be owed if every request were served.
fn penalties(figures: &Figures) -> f64 {
    let served = figures.seconds_per_request.is_some();
    if served { float(figures.revenue_usd * figures.penalty_rate.get()) } else { 0.0 }
}

fn sold_at_a_loss(figures: &Figures, beyond: Decimal) -> f64 {
    let loss = figures.cost_usd - figures.revenue_usd * kept(figures);
    let per_k = loss.checked_div(figures.tokens_k).filter(|loss| *loss > Decimal::ZERO);
    per_k.map_or(0.0, |per_k| float(per_k * beyond))
}

fn renegotiation(rule: &policy::Rule, figures: &Figures, band: Band) -> f64 {
    let least = Decimal::ONE - rule.limits.thresholds.low_leave - figures.penalty_rate.get();
    if band != Band::Low || least <= Decimal::ZERO {
        return 0.0;
    }
    let wanted = figures.cost_usd.checked_div(least);
    wanted.map_or(0.0, |wanted| float((wanted - figures.revenue_usd) * kept(figures)))
}

pub(super) fn repricing(
    policy: &Policy,
    figures: &Figures,
    price: &PriceAdvice,
) -> Result<f64, EconomicsError> {
    let demand = demand(policy, figures, price.current_of_list)?;
    let cost = figures.cost_of_list()?;
    let unit = UnitCost { cost_usd_per_k: float(cost), penalty_rate: figures.penalty_rate };
    let (was, is) = (float(price.current_of_list), float(price.price_of_list));
    Ok(demand.profit_usd_at(is, &unit) - demand.profit_usd_at(was, &unit))
}
