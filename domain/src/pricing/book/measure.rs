//! How a proposed price stands to each bound of its rule, whoever proposed it. The optimizer keeps
//! to them; people may go beyond, and then it is for people to agree.

use std::fmt;

use rust_decimal::Decimal;
use serde::Serialize;

use super::{Book, Chain, days_before, needs};
use crate::catalog::Edition;
use crate::clock::{Timestamp, days};
use crate::pricing::approval::Facts;
use crate::pricing::controls::{Content, Controls};
use crate::pricing::drift::earned_of_list;
use crate::pricing::edition::{COST, MARGIN};
use crate::pricing::policy::Limits;

/// Places of a margin that is stated.
const MARGIN_DECIMALS: u32 = 4;
/// `2026-11-25`.
const DATE_CHARS: usize = 10;

/// A bound, with what it is asked about. Prices are shares of the list price, changes are relative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "bound", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Bound {
    MaxStep {
        change: Decimal,
        max: Decimal,
    },
    /// `from_of_list`: the price that the period counts from, which was in force at `from`.
    MaxCumulative {
        change: Decimal,
        max: Decimal,
        days: u32,
        from: Timestamp,
        from_of_list: Decimal,
    },
    /// Absent days: the price never changed.
    Cooldown {
        days_since_change: Option<u32>,
        days_min: u32,
    },
    FloorCeiling {
        price_of_list: Decimal,
        floor_of_list: Decimal,
        ceiling_of_list: Decimal,
    },
    /// At the proposed price, on the facts that it rests on. Absent: nothing was brought in.
    MarginFloor {
        margin: Option<Decimal>,
        margin_min: Decimal,
    },
    ContractLock {
        until: Option<Timestamp>,
    },
}

/// A bound, and whether the price is within it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Measure {
    #[serde(flatten)]
    pub bound: Bound,
    /// Absent: it cannot be known.
    pub within: Option<bool>,
}

impl Book {
    /// How a version of a proposal stands to the bounds of its rule at a time. Nothing, where it
    /// moves no price, or no rule is about its tenant.
    #[must_use]
    pub fn measured(&self, edition: &Edition, at: Timestamp) -> Vec<Measure> {
        self.measures(edition, at).unwrap_or_default()
    }

    fn measures(&self, edition: &Edition, at: Timestamp) -> Option<Vec<Measure>> {
        let Content::Controls { tenant_id, controls } = &edition.content else { return None };
        let policy = self.policy_of(edition.policy_version)?;
        let limits = policy.named(edition.rule.as_ref()?)?.limits;
        let none = Chain::default();
        let chain = self.controls.get(tenant_id).unwrap_or(&none);
        let base = edition.base_version;
        let before = chain.controls(base)?;
        if before.price_of_list == controls.price_of_list {
            return None;
        }
        let until = policy.locked_until.get(tenant_id).copied().filter(|until| at < *until);
        let days_since_change = needs::days_since_change(chain, base, at);
        let margin = margin_at(&edition.facts, &before, controls);
        Some(vec![
            step(&limits, &before, controls),
            period(&limits, chain, base, (controls, at)),
            cooldown(&limits, days_since_change),
            on_list(&limits, controls),
            Measure {
                bound: Bound::MarginFloor { margin, margin_min: limits.margin_min.get() },
                within: margin.map(|margin| margin >= limits.margin_min.get()),
            },
            Measure { bound: Bound::ContractLock { until }, within: Some(until.is_none()) },
        ])
    }

    /// How many persons must agree to a version that a person made. Absent: what it rests on is not
    /// known.
    #[must_use]
    pub fn persons_for(&self, edition: &Edition) -> Option<u32> {
        let policy = self.policy_of(edition.policy_version)?;
        let Content::Controls { tenant_id, controls } = &edition.content else { return None };
        let none = Chain::default();
        let before =
            self.controls.get(tenant_id).unwrap_or(&none).controls(edition.base_version)?;
        Some(needs::persons(policy, &before, controls))
    }
}

fn step(limits: &Limits, before: &Controls, after: &Controls) -> Measure {
    let change = after.price_change(before);
    let max = limits.step_max;
    Measure { bound: Bound::MaxStep { change, max }, within: Some(change.abs() <= max) }
}

fn period(
    limits: &Limits,
    chain: &Chain<Controls>,
    base: u64,
    (after, at): (&Controls, Timestamp),
) -> Measure {
    let (days, max) = (limits.cumulative_days, limits.cumulative_max);
    let from = days_before(at, days);
    let anchor = chain.controls_at(from, base);
    let change = after.price_change(&anchor);
    let bound =
        Bound::MaxCumulative { change, max, days, from, from_of_list: anchor.price_of_list };
    Measure { bound, within: Some(change.abs() <= max) }
}

fn cooldown(limits: &Limits, days_since_change: Option<u32>) -> Measure {
    let days_min = limits.cooldown_days;
    let within = days_since_change.is_none_or(|days| days >= days_min);
    Measure { bound: Bound::Cooldown { days_since_change, days_min }, within: Some(within) }
}

fn on_list(limits: &Limits, after: &Controls) -> Measure {
    let Limits { floor_of_list, ceiling_of_list, .. } = *limits;
    let price_of_list = after.price_of_list;
    let within = (floor_of_list..=ceiling_of_list).contains(&price_of_list);
    let bound = Bound::FloorCeiling { price_of_list, floor_of_list, ceiling_of_list };
    Measure { bound, within: Some(within) }
}

/// The same costs and penalties at the other price, which moves nothing of what is beyond a cap.
fn margin_at(facts: &Facts, before: &Controls, after: &Controls) -> Option<Decimal> {
    let (margin, cost) = (*facts.get(MARGIN)?, *facts.get(COST)?);
    let [was, is] = earned_of_list(facts, before, after);
    let saved = cost.checked_div(was)?.checked_sub(cost.checked_div(is)?)?;
    Some(margin.checked_add(saved)?.round_dp(MARGIN_DECIMALS).normalize())
}

impl Bound {
    /// What people call it.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self {
            Bound::MaxStep { .. } => "Largest change at once",
            Bound::MaxCumulative { .. } => "Largest change of the period",
            Bound::Cooldown { .. } => "Rest after a change",
            Bound::FloorCeiling { .. } => "Floor and ceiling",
            Bound::MarginFloor { .. } => "Margin floor",
            Bound::ContractLock { .. } => "Contract",
        }
    }
}

/// `+12 %; at most ±8 % at once`.
impl fmt::Display for Bound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::MaxStep { change, max } => {
                write!(out, "{}; at most ±{} at once", signed(*change), percent(*max))
            }
            Bound::MaxCumulative { change, max, days, from, from_of_list } => write!(
                out,
                "{} from {} of the list price, which was in force {} days before, on {}; at most ±{}",
                signed(*change),
                percent(*from_of_list),
                days,
                day(*from),
                percent(*max)
            ),
            Bound::Cooldown { days_since_change: None, days_min } => {
                write!(out, "the price has never changed; at least {} of rest", days(*days_min))
            }
            Bound::Cooldown { days_since_change: Some(since), days_min } => {
                let (since, least) = (days(*since), days(*days_min));
                write!(out, "{since} since the last change; at least {least} of rest")
            }
            Bound::FloorCeiling { price_of_list, floor_of_list, ceiling_of_list } => write!(
                out,
                "{} of the list price; from {} to {}",
                percent(*price_of_list),
                percent(*floor_of_list),
                percent(*ceiling_of_list)
            ),
            Bound::MarginFloor { margin: Some(margin), margin_min } => {
                let least = percent(*margin_min);
                write!(out, "a margin of {} at this price; at least {least}", percent(*margin))
            }
            Bound::MarginFloor { margin: None, margin_min } => {
                write!(out, "no usage says what the margin is; at least {}", percent(*margin_min))
            }
            Bound::ContractLock { until: None } => out.write_str("none fixes the price"),
            Bound::ContractLock { until: Some(until) } => {
                write!(out, "one fixes the price until {}", day(*until))
            }
        }
    }
}

impl Measure {
    /// `beyond, so 2 persons must agree`. `persons`: who must; 0: nobody; absent: not known here
    /// yet.
    #[must_use]
    pub fn verdict(&self, persons: Option<u32>) -> String {
        match (self.within, &self.bound, persons) {
            (None, ..) => "not known".to_owned(),
            (Some(true), ..) => "within".to_owned(),
            (_, Bound::ContractLock { .. }, _) => "beyond: the contract is ended first".to_owned(),
            (_, _, Some(1)) => "beyond, so 1 person must agree".to_owned(),
            (_, _, Some(0)) => "beyond; it takes a change back, so nobody has to agree".to_owned(),
            (_, _, Some(many)) => format!("beyond, so {many} persons must agree"),
            (_, _, None) => "beyond, so people must agree".to_owned(),
        }
    }
}

fn percent(share: Decimal) -> String {
    let text = (share * Decimal::ONE_HUNDRED).round_dp(2).normalize();
    let sign = if text.is_sign_negative() && !text.is_zero() { "−" } else { "" };
    format!("{sign}{} %", text.abs())
}

fn signed(change: Decimal) -> String {
    let text = percent(change);
    if change > Decimal::ZERO { format!("+{text}") } else { text }
}

fn day(at: Timestamp) -> String {
    at.to_string().chars().take(DATE_CHARS).collect()
}
