//! The way of a price through the guardrails, told again from what was recorded: the target, the
//! rules that moved it, and what came of it. What came to each rule and what left it is recorded
//! nowhere, since it follows from the bounds.

use rust_decimal::Decimal;

use super::{Bounds, Rule};

/// Where a price set out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    pub current: Decimal,
    pub target: Decimal,
    /// The price at the start of the period.
    pub anchor: Decimal,
}

/// One thing that moved it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// Absent: it was rounded to a tick.
    pub rule: Option<Rule>,
    pub from: Decimal,
    pub to: Decimal,
}

/// Every move from the target to `found`. `None`: these bounds do not lead there, so others held
/// then.
#[must_use]
pub fn walk(bounds: &Bounds, start: &Start, trail: &[Rule], found: Decimal) -> Option<Vec<Move>> {
    let mut moves = Vec::with_capacity(trail.len() + 1);
    let mut price = start.target;
    for rule in trail {
        let (from, to) = (price, through(bounds, start, *rule, (price, found))?);
        if from == to && *rule != Rule::MarginFloorInfeasible {
            return None;
        }
        moves.push(Move { rule: Some(*rule), from, to });
        price = to;
    }
    let rest = (price - found).abs();
    if rest > bounds.tick_usd {
        return None;
    }
    if !rest.is_zero() {
        moves.push(Move { rule: None, from: price, to: found });
    }
    Some(moves)
}

/// What leaves a rule. The margin floor is asked last, so what leaves it is what was found.
fn through(
    bounds: &Bounds,
    start: &Start,
    rule: Rule,
    (price, found): (Decimal, Decimal),
) -> Option<Decimal> {
    let around = |centre: Decimal, share: Decimal| {
        let width = centre.checked_mul(share)?;
        Some(price.max(centre - width).min(centre + width))
    };
    match rule {
        Rule::KillSwitch | Rule::ContractLock | Rule::Cooldown => None,
        Rule::MaxStep => around(start.current, bounds.step_max),
        Rule::MaxCumulative => around(start.anchor, bounds.cumulative_max),
        Rule::FloorCeiling => Some(price.max(bounds.floor_usd).min(bounds.ceiling_usd)),
        Rule::MarginFloor | Rule::MarginFloorInfeasible => Some(found),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Request, decide};
    use super::*;
    use crate::economics::quantity::{Share, decimal};
    use crate::pricing::policy::Limits;

    fn request(current: &str, target: &str, anchor: &str, cost: &str) -> Request {
        Request {
            current_usd: decimal(current),
            target_usd: decimal(target),
            anchor_usd: decimal(anchor),
            cost_usd: decimal(cost),
            penalty_rate: Share::default(),
            days_since_change: 100,
            contract_locked: false,
            kill_switch: false,
        }
    }

    fn told(request: &Request) -> Vec<(Option<Rule>, String, String)> {
        let bounds = Limits::default().bounds();
        let decision = decide(&bounds, request).expect("a decision");
        let start = Start {
            current: request.current_usd,
            target: request.target_usd,
            anchor: request.anchor_usd,
        };
        let moves = walk(&bounds, &start, &decision.trail, decision.price_usd).expect("a way");
        let text = |price: Decimal| price.normalize().to_string();
        moves.into_iter().map(|it| (it.rule, text(it.from), text(it.to))).collect()
    }

    #[test]
    fn each_rule_is_told_with_what_came_to_it_and_what_left_it() {
        let row = |rule, from: &str, to: &str| (rule, from.to_owned(), to.to_owned());
        let (step, period) = (Some(Rule::MaxStep), Some(Rule::MaxCumulative));
        assert_eq!(
            told(&request("1.1", "1.4", "1", "0.5")),
            [row(step, "1.4", "1.188"), row(period, "1.188", "1.15")]
        );
        let rounded = told(&request("1.0005", "1.4", "1.0005", "0.5"));
        assert_eq!(rounded, [row(step, "1.4", "1.08054"), row(None, "1.08054", "1.08")]);
        let margin = Some(Rule::MarginFloor);
        assert_eq!(told(&request("1", "1", "1", "0.66")), [row(margin, "1", "1.016")]);
        assert_eq!(told(&request("1", "1.05", "1", "0.5")), []);
    }

    #[test]
    fn bounds_that_do_not_lead_to_what_was_found_are_not_those_that_held() {
        let bounds = Limits::default().bounds();
        let start = Start { current: decimal("1"), target: decimal("1.4"), anchor: decimal("1") };
        assert!(walk(&bounds, &start, &[Rule::MaxStep], decimal("1.08")).is_some());
        assert_eq!(walk(&bounds, &start, &[Rule::MaxStep], decimal("1.05")), None);
        assert_eq!(walk(&bounds, &start, &[Rule::FloorCeiling], decimal("1.4")), None);
    }
}
