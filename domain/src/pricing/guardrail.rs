//! How far a price may move by itself: clamps in a fixed order, the rule that bound, the whole
//! trail.
//!
//! Kill switch, contract lock and cool-down hold the price. Otherwise the target is clamped to the
//! step, to what the period may add up to, to floor and ceiling, and last to the price that keeps
//! the margin. Whatever passes a bound, and whatever is larger than policy lets through by itself,
//! waits for a person.

mod walk;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::quantity::{Share, amount, checked, refuse};

pub use walk::{Move, Start, walk};

/// The bounds that an approved event has set. Prices in US dollars a thousand tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bounds {
    /// Largest relative change at once.
    pub step_max: Decimal,
    /// Largest relative change from the price at the start of the period.
    pub cumulative_max: Decimal,
    pub floor_usd: Decimal,
    pub ceiling_usd: Decimal,
    pub margin_min: Share,
    pub cooldown_days: u32,
    /// Larger relative changes wait for a person.
    pub auto_max: Decimal,
    /// Prices are multiples of it.
    pub tick_usd: Decimal,
}

/// The price as it stands, and what somebody wants it to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    pub current_usd: Decimal,
    pub target_usd: Decimal,
    /// The price at the start of the period.
    pub anchor_usd: Decimal,
    /// What a thousand tokens cost us.
    pub cost_usd: Decimal,
    /// The share of revenue that is owed as SLA credit.
    pub penalty_rate: Share,
    pub days_since_change: u32,
    pub contract_locked: bool,
    pub kill_switch: bool,
}

/// What binds a price, in the order in which it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    KillSwitch,
    ContractLock,
    Cooldown,
    MaxStep,
    MaxCumulative,
    FloorCeiling,
    MarginFloor,
    /// No price within the bounds keeps the margin.
    MarginFloorInfeasible,
}

impl Rule {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Rule::KillSwitch => "kill_switch",
            Rule::ContractLock => "contract_lock",
            Rule::Cooldown => "cooldown",
            Rule::MaxStep => "max_step",
            Rule::MaxCumulative => "max_cumulative",
            Rule::FloorCeiling => "floor_ceiling",
            Rule::MarginFloor => "margin_floor",
            Rule::MarginFloorInfeasible => "margin_floor_infeasible",
        }
    }
}

/// What happens with the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Hold,
    AutoApply,
    NeedsApproval,
}

impl Status {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Status::Hold => "hold",
            Status::AutoApply => "auto_apply",
            Status::NeedsApproval => "needs_approval",
        }
    }
}

/// The price within the bounds, and why it is that one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    pub price_usd: Decimal,
    pub status: Status,
    /// The rule that decided: the last that moved the price, or the one that holds it.
    pub rule: Option<Rule>,
    /// Every rule that moved the price, in order.
    pub trail: Vec<Rule>,
    /// Relative to the current price; absent where the price is held without a look at the target.
    pub change: Option<Decimal>,
}

/// Prices from one to another, both included.
#[derive(Clone, Copy)]
struct Range {
    low: Decimal,
    high: Decimal,
}

impl Range {
    fn around(price: Decimal, share: Decimal) -> Result<Self, EconomicsError> {
        let width = checked("a bound", price.checked_mul(share))?;
        Ok(Range { low: price - width, high: price + width })
    }

    fn has(&self, price: Decimal) -> bool {
        (self.low..=self.high).contains(&price)
    }
}

/// A price on its way through the clamps.
struct Path {
    price: Decimal,
    trail: Vec<Rule>,
}

impl Path {
    fn clamp(&mut self, range: Range, rule: Rule) {
        let clamped = self.price.max(range.low).min(range.high);
        if clamped != self.price {
            self.price = clamped;
            self.trail.push(rule);
        }
    }
}

/// Decides about one price change.
///
/// # Errors
/// A price that is not above 0, a negative bound, a floor above the ceiling, or numbers beyond
/// decimals.
pub fn decide(bounds: &Bounds, request: &Request) -> Result<Decision, EconomicsError> {
    check(bounds, request)?;
    if let Some(rule) = held_by(bounds, request) {
        let (price_usd, status) = (request.current_usd, Status::Hold);
        return Ok(Decision {
            price_usd,
            status,
            rule: Some(rule),
            trail: Vec::new(),
            change: None,
        });
    }
    let step = Range::around(request.current_usd, bounds.step_max)?;
    let period = Range::around(request.anchor_usd, bounds.cumulative_max)?;
    let limits = Range { low: bounds.floor_usd, high: bounds.ceiling_usd };
    let mut path = Path { price: request.target_usd, trail: Vec::new() };
    path.clamp(step, Rule::MaxStep);
    path.clamp(period, Rule::MaxCumulative);
    path.clamp(limits, Rule::FloorCeiling);
    let highest = step.high.min(period.high).min(limits.high);
    keep_margin(bounds, request, highest, &mut path)?;
    let price = path.price;
    let moved = checked("the change", price.checked_sub(request.current_usd))?;
    let bearable = checked("a bound", bounds.auto_max.checked_mul(request.current_usd))?;
    let extreme = path.trail.contains(&Rule::MarginFloorInfeasible)
        || !step.has(price)
        || !period.has(price)
        || moved.abs() > bearable;
    let status = match (moved.is_zero(), extreme) {
        (true, _) => Status::Hold,
        (false, true) => Status::NeedsApproval,
        (false, false) => Status::AutoApply,
    };
    let change = moved.checked_div(request.current_usd);
    let rule = path.trail.last().copied();
    Ok(Decision { price_usd: price, status, rule, trail: path.trail, change })
}

fn check(bounds: &Bounds, request: &Request) -> Result<(), EconomicsError> {
    for (what, price) in [
        ("the current price", request.current_usd),
        ("the price at the start of the period", request.anchor_usd),
        ("the tick", bounds.tick_usd),
    ] {
        if amount(what, price)?.is_zero() {
            return Err(refuse(what, &price, "above 0"));
        }
    }
    for (what, bound) in [
        ("the target price", request.target_usd),
        ("the provider cost", request.cost_usd),
        ("the price floor", bounds.floor_usd),
        ("the price ceiling", bounds.ceiling_usd),
        ("the largest step", bounds.step_max),
        ("the largest change of a period", bounds.cumulative_max),
        ("the largest change without approval", bounds.auto_max),
    ] {
        amount(what, bound)?;
    }
    if bounds.floor_usd > bounds.ceiling_usd {
        let problem = "is above the price ceiling";
        return Err(EconomicsError::Inconsistent { what: "the price floor", problem });
    }
    Ok(())
}

fn held_by(bounds: &Bounds, request: &Request) -> Option<Rule> {
    if request.kill_switch {
        Some(Rule::KillSwitch)
    } else if request.contract_locked {
        Some(Rule::ContractLock)
    } else if request.days_since_change < bounds.cooldown_days {
        Some(Rule::Cooldown)
    } else {
        None
    }
}

/// Puts the price on its tick and sees that it keeps the margin: `cost / (1 − margin − penalty)` at
/// least. The margin is asked of the price on its tick, so that rounding cannot undo it.
fn keep_margin(
    bounds: &Bounds,
    request: &Request,
    highest: Decimal,
    path: &mut Path,
) -> Result<(), EconomicsError> {
    let before = path.price;
    path.price = on_tick(bounds, request.current_usd, before)?;
    let kept = bounds.margin_min.rest().get() - request.penalty_rate.get();
    let least = if kept > Decimal::ZERO {
        let least = checked("the price that keeps the margin", request.cost_usd.checked_div(kept))?;
        if path.price >= least {
            return Ok(());
        }
        Some(tick_above(bounds.tick_usd, least)?)
    } else {
        None
    };
    match least.filter(|least| *least <= highest) {
        Some(least) => {
            path.price = least;
            path.trail.push(Rule::MarginFloor);
        }
        None => {
            // As near as the bounds allow; a floor beyond them still holds.
            path.price = on_tick(bounds, request.current_usd, highest.max(before))?;
            path.trail.push(Rule::MarginFloorInfeasible);
        }
    }
    Ok(())
}

/// The nearest tick towards the current price, and not past it. Where that would break the floor or
/// the ceiling, the nearest tick within them; where there is none, the price itself.
fn on_tick(bounds: &Bounds, current: Decimal, price: Decimal) -> Result<Decimal, EconomicsError> {
    let (below, above) = (tick_below(bounds.tick_usd, price)?, tick_above(bounds.tick_usd, price)?);
    let limits = Range { low: bounds.floor_usd, high: bounds.ceiling_usd };
    let towards = if price >= current { below.max(current) } else { above.min(current) };
    let choices = [towards, below, above];
    Ok(choices.into_iter().find(|choice| limits.has(*choice)).unwrap_or(price))
}

fn tick_below(tick: Decimal, price: Decimal) -> Result<Decimal, EconomicsError> {
    checked("a tick", price.checked_rem(tick).map(|rest| price - rest))
}

fn tick_above(tick: Decimal, price: Decimal) -> Result<Decimal, EconomicsError> {
    let below = tick_below(tick, price)?;
    if below == price { Ok(price) } else { checked("a tick", below.checked_add(tick)) }
}

#[cfg(test)]
mod tests;
