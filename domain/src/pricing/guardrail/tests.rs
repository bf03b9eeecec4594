//! The corners of the clamps, and what no input may bring about.

use super::*;
use crate::economics::quantity::decimal;
use proptest::prelude::*;

fn share(text: &str) -> Share {
    Share::new("a share", decimal(text)).expect("a share")
}

fn bounds() -> Bounds {
    Bounds {
        step_max: decimal("0.08"),
        cumulative_max: decimal("0.15"),
        floor_usd: decimal("0.0030"),
        ceiling_usd: decimal("0.0200"),
        margin_min: share("0.35"),
        cooldown_days: 14,
        auto_max: decimal("0.05"),
        tick_usd: decimal("0.0001"),
    }
}

fn request(current: &str, target: &str) -> Request {
    Request {
        current_usd: decimal(current),
        target_usd: decimal(target),
        anchor_usd: decimal(current),
        cost_usd: decimal("0.0010"),
        penalty_rate: Share::ZERO,
        days_since_change: 30,
        contract_locked: false,
        kill_switch: false,
    }
}

#[test]
fn a_floor_beyond_the_step_holds_and_waits_for_a_person() {
    let decision = decide(&bounds(), &request("0.0020", "0.0021")).expect("a decision");
    assert_eq!(decision.price_usd, decimal("0.0030"));
    assert_eq!(decision.status, Status::NeedsApproval);
    assert_eq!(
        (decision.rule, decision.trail),
        (Some(Rule::FloorCeiling), vec![Rule::FloorCeiling])
    );
    let above = decide(&bounds(), &request("0.0300", "0.0290")).expect("a decision");
    assert_eq!((above.price_usd, above.status), (decimal("0.0200"), Status::NeedsApproval));
}

#[test]
fn a_floor_that_lies_beyond_the_step_is_not_undone_by_a_margin_that_no_price_keeps() {
    let dear = Request { cost_usd: decimal("0.0030"), ..request("0.0020", "0.0021") };
    let decision = decide(&bounds(), &dear).expect("a decision");
    assert_eq!(decision.price_usd, decimal("0.0030"));
    assert_eq!(decision.rule, Some(Rule::MarginFloorInfeasible));
}

#[test]
fn rounding_to_the_tick_does_not_undo_the_margin() {
    // 0.00621 keeps the margin, 0.0062 towards the current price would not.
    let near = Request { cost_usd: decimal("0.004034"), ..request("0.0060", "0.00629") };
    let decision = decide(&bounds(), &near).expect("a decision");
    assert_eq!(decision.price_usd, decimal("0.0063"));
    assert_eq!(decision.rule, Some(Rule::MarginFloor));
}

#[test]
fn a_current_price_off_the_tick_is_not_passed_by_rounding() {
    let decision = decide(&bounds(), &request("0.00605", "0.00607")).expect("a decision");
    assert_eq!((decision.price_usd, decision.status), (decimal("0.00605"), Status::Hold));
}

#[test]
fn absurd_bounds_are_refused() {
    let crossed = Bounds { floor_usd: decimal("0.03"), ..bounds() };
    let request = request("0.0060", "0.0061");
    assert!(decide(&crossed, &request).is_err());
    assert!(decide(&Bounds { tick_usd: Decimal::ZERO, ..bounds() }, &request).is_err());
    assert!(decide(&bounds(), &Request { current_usd: Decimal::ZERO, ..request }).is_err());
    assert!(decide(&Bounds { step_max: decimal("-0.1"), ..bounds() }, &request).is_err());
}

fn price() -> impl Strategy<Value = Decimal> {
    (1..=300i64).prop_map(|ticks| Decimal::new(ticks, 4))
}

fn fraction(hundredths: i64) -> impl Strategy<Value = Decimal> {
    (0..=hundredths).prop_map(|share| Decimal::new(share, 2))
}

proptest! {
    #[test]
    fn what_applies_by_itself_breaks_no_bound(
        (current, target, anchor, cost) in (price(), price(), price(), price()),
        (step_max, cumulative_max, auto_max) in (fraction(50), fraction(50), fraction(50)),
        (margin, penalty) in (fraction(60), fraction(30)),
        tick in prop::sample::select(vec!["0.0001", "0.0003", "0.0005", "0.00007"]),
    ) {
        let share = |value| Share::new("a share", value).expect("a share");
        let bounds = Bounds {
            step_max, cumulative_max, auto_max, margin_min: share(margin), tick_usd: decimal(tick),
            ..bounds()
        };
        let request = Request {
            current_usd: current, target_usd: target, anchor_usd: anchor, cost_usd: cost,
            penalty_rate: share(penalty), ..request("0.0060", "0.0060")
        };
        let decision = decide(&bounds, &request).expect("a decision");
        let price = decision.price_usd;
        if decision.status == Status::AutoApply {
            let change = |from: Decimal| (price - from).abs() / from;
            prop_assert!(change(current) <= step_max.min(auto_max));
            prop_assert!(change(anchor) <= cumulative_max);
            prop_assert!((bounds.floor_usd..=bounds.ceiling_usd).contains(&price));
            let margin_kept = Decimal::ONE - cost / price - penalty;
            prop_assert!(margin_kept >= margin - decimal("0.000000000001"), "{}", margin_kept);
            prop_assert!((price % bounds.tick_usd).is_zero());
        }
        prop_assert_eq!(decision.status == Status::Hold, price == current);
        prop_assert_eq!(decision.rule, decision.trail.last().copied());
    }
}
