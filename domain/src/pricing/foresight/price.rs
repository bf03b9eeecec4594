//! The price that meets a stress: the smallest one that keeps a tenant above water, or else the
//! nearest to it that the guardrails let through.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use crate::catalog::Guarded;
use crate::economics::EconomicsError;
use crate::economics::quantity::{Share, checked, float};
use crate::economics::study::{Level, Risk};
use crate::pricing::guardrail::{Request, Rule, Status, decide};
use crate::pricing::policy::Limits;
use crate::pricing::recommend::{Figures, Standing};

/// What can be done about a tenant's price.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Move {
        guarded: Guarded,
        /// Under the stress, at that price.
        after: Level,
    },
    /// No price above the present one is let through.
    Held(Rule),
}

/// A tenant under a stress: how its margin is distributed, its floor, and the probability to be
/// below it that is borne.
#[derive(Clone, Copy, Debug)]
pub(super) struct Threat<'a> {
    pub(super) risk: &'a Risk,
    pub(super) floor: Share,
    pub(super) max: Share,
}

impl Threat<'_> {
    /// `P(margin < floor)` with so many times the present revenue from the same usage.
    pub(super) fn below(&self, factor: f64) -> f64 {
        self.risk.below(self.floor.to_float(), factor)
    }

    pub(super) fn level(&self, factor: f64) -> Result<Level, EconomicsError> {
        self.risk.level(self.floor.to_float(), factor)
    }
}

/// Through the same guardrails as any price that is proposed. They judge by what is so now, and by
/// nothing that is only feared.
///
/// # Errors
/// Negative amounts, or numbers beyond decimals.
pub(super) fn answer(
    limits: &Limits,
    standing: &Standing,
    figures: &Figures,
    threat: &Threat<'_>,
) -> Result<Answer, EconomicsError> {
    let current = standing.controls.price_of_list;
    let times = |price: Decimal| {
        checked("the change of a price", figures.times_earned(current, price)).map(float)
    };
    let target = target(limits, current, threat, &times)?;
    let request = Request {
        current_usd: current,
        target_usd: target,
        anchor_usd: standing.anchor_of_list,
        cost_usd: figures.cost_for_floor(limits.margin_min)?,
        penalty_rate: figures.penalty_rate,
        days_since_change: standing.days_since_change,
        contract_locked: standing.contract_locked,
        kill_switch: standing.kill_switch,
    };
    let decision = decide(&limits.bounds(), &request)?;
    let price_of_list = decision.price_usd.normalize();
    if decision.status == Status::Hold || price_of_list <= current {
        return Ok(Answer::Held(decision.rule.unwrap_or(Rule::FloorCeiling)));
    }
    let factor = times(price_of_list)?;
    if factor <= 1.0 {
        // All is beyond the cap, which no price moves.
        return Ok(Answer::Held(Rule::MarginFloorInfeasible));
    }
    let guarded = Guarded {
        target_of_list: target.normalize(),
        price_of_list,
        binding: decision.rule,
        trail: decision.trail,
    };
    Ok(Answer::Move { guarded, after: threat.level(factor)? })
}

/// The lowest price on a tick that keeps the tenant above water; the highest one below the ceiling
/// where none does. A probability falls as the price rises, so halving finds it. `times`: as much
/// is earned at a price.
fn target(
    limits: &Limits,
    current: Decimal,
    threat: &Threat<'_>,
    times: &impl Fn(Decimal) -> Result<f64, EconomicsError>,
) -> Result<Decimal, EconomicsError> {
    let tick = limits.tick_of_list;
    let ticks = |price: Decimal| {
        let count = price.checked_div(tick).and_then(|count| count.floor().to_u64());
        count.ok_or(EconomicsError::Overflow { what: "the ticks of a price" })
    };
    let (mut low, mut high) = (ticks(current)?.saturating_add(1), ticks(limits.ceiling_of_list)?);
    if low > high {
        return Ok(current);
    }
    let price = |count: u64| checked("a price", tick.checked_mul(Decimal::from(count)));
    while low < high {
        let middle = low + (high - low) / 2;
        if threat.below(times(price(middle)?)?) <= threat.max.to_float() {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    price(low)
}
