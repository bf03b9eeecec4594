//! What is said of tenants below, within and above the bands.

use super::*;
use crate::economics::quantity::decimal;

fn figures(revenue: &str, cost: &str) -> Figures {
    Figures {
        tier: "pro".to_owned(),
        days: 30,
        requests: 1_000,
        tokens_k: decimal("20000"),
        revenue_usd: decimal(revenue),
        list_usd: decimal(revenue),
        beyond: None,
        cost_usd: decimal(cost),
        penalty_rate: Share::ZERO,
        seconds_per_request: Some(1.5),
        cost_jumps_per_year: None,
        better_tier: None,
    }
}

#[test]
fn a_price_moves_what_is_within_the_cap_and_leaves_what_is_beyond_it() {
    // Of 100 dollars at list prices 40 are beyond the cap and earn 80.
    let beyond = BeyondCap { list_usd: decimal("40"), revenue_usd: decimal("80") };
    let beyond = Figures {
        beyond: Some(beyond),
        revenue_usd: decimal("140"),
        list_usd: decimal("100"),
        ..figures("140", "98")
    };
    assert_eq!(beyond.margin(), Some(decimal("0.3")));
    assert_eq!(beyond.beyond_of_list(), Some(decimal("0.4")));
    assert_eq!(beyond.margin_at(Decimal::ONE), beyond.margin(), "the price in force");
    // 60 at 1.9333 and 80 beyond are 196: half of it is kept.
    assert_eq!(beyond.margin_at(decimal("1.933333333333")), Some(decimal("0.5")));
}

/// Of 100 dollars at list prices so much is beyond the cap and earns that.
fn capped(within_at: &str, beyond: [&str; 2], cost: &str) -> Figures {
    let [list_usd, revenue_usd] = beyond.map(decimal);
    let list = Decimal::ONE_HUNDRED;
    let earned = (list - list_usd) * decimal(within_at) + revenue_usd;
    let beyond = Some(BeyondCap { list_usd, revenue_usd });
    Figures { beyond, list_usd: list, revenue_usd: earned, ..figures("100", cost) }
}

fn share(text: &str) -> Share {
    Share::new("a share", decimal(text)).expect("a share")
}

#[test]
fn the_margin_floor_is_asked_of_all_that_is_earned() {
    let cost = |figures: &Figures, floor: &str| figures.cost_for_floor(share(floor));
    // Half beyond at twice the list: 51.7 % is kept at 0.9, so no rise is asked for, down to
    // (0.7 / 0.7 − 1) / 0.5, which is nothing.
    let dear = capped("0.9", ["50", "100"], "70");
    assert_eq!(dear.margin(), Some(decimal("0.5172")));
    assert_eq!(cost(&dear, "0.3"), Ok(Decimal::ZERO));
    // At 0.35: (0.7 / 0.65 − 1) / 0.5 is 0.1538, which a cost of 0.1 asks for.
    assert_eq!(cost(&dear, "0.35"), Ok(decimal("0.1")));
    // Cheaper beyond than within: what is within has to earn for both.
    let cheap = capped("1", ["90", "28.86"], "25");
    let least = cost(&cheap, "0.35").expect("a cost") / decimal("0.65");
    assert_eq!(least.round_dp(6), decimal("0.960154"));
    assert_eq!(cost(&figures("100", "70"), "0.35"), Ok(decimal("0.7")), "as it was");
    // No price moves what is wholly beyond the cap.
    assert_eq!(cost(&capped("1", ["100", "200"], "70"), "0.35"), Ok(Decimal::ZERO));
    let lost = cost(&capped("1", ["100", "50"], "70"), "0.35").expect("a cost");
    assert!(lost > decimal("100"), "no price is enough");
}

#[test]
fn a_price_that_falls_stops_where_the_margin_of_all_is_at_its_floor() {
    let policy = Policy::default();
    let rule = &policy.rules[0];
    let falls = |figures: &Figures| {
        price(&policy, rule, figures, &[], &standing(), Band::High).expect("a price")
    };
    let found = falls(&capped("1", ["90", "28.86"], "25"));
    assert_eq!(found.price_of_list, decimal("0.961"));
    assert_eq!(found.binding, Some(Rule::MarginFloor));
    assert_eq!(found.margin_after, Some(decimal("0.3501")));
    assert_eq!(falls(&figures("100", "25")).price_of_list, decimal("0.92"), "a whole step");
}

#[test]
fn what_is_beyond_the_cap_adds_nothing_to_the_worth_of_a_price() {
    let policy = Policy::default();
    let day = |beyond| Day { number: 20_000, list_usd: 3.0, cost_of_list: 0.7, beyond };
    let replay = |beyond| {
        let found = replayed(&policy, &[day(beyond)], Decimal::ONE, decimal("1.08"));
        found.expect("numbers").expect("a backtest").difference_usd
    };
    assert!((replay(0.5) - replay(0.0) / 2.0).abs() < 1e-12);
    let moved = |figures: &Figures| {
        let low = price(&policy, &policy.rules[0], figures, &[], &standing(), Band::Low);
        let price = PriceAdvice { price_of_list: decimal("1.08"), ..low.expect("a price") };
        action_list::repricing(&policy, figures, &price).expect("dollars")
    };
    let (all, half) = (moved(&figures("100", "70")), moved(&capped("1", ["50", "60"], "70")));
    assert!(all.abs() > 0.1 && (half - all / 2.0).abs() < 1e-9, "{half} of {all}");
}

#[test]
fn so_many_times_is_earned_what_is_beyond_the_cap_included() {
    let times = |figures: &Figures| figures.times_earned(Decimal::ONE, decimal("1.5"));
    let found = times(&capped("1", ["40", "80"], "70")).expect("a number");
    assert_eq!(found, decimal("1.7") / decimal("1.4"));
    assert_eq!(times(&figures("100", "70")), Some(decimal("1.5")));
    assert_eq!(times(&capped("1", ["100", "200"], "70")), Some(Decimal::ONE));
}

fn standing() -> Standing {
    Standing {
        controls: Controls::STANDARD,
        anchor_of_list: Decimal::ONE,
        days_since_change: 400,
        contract_locked: false,
        kill_switch: false,
        automatic: false,
    }
}

fn once(policy: &Policy, figures: Figures, watch: MarginWatch) -> Advice {
    let days = [Day { number: 20_000, list_usd: 3.0, cost_of_list: 0.7, beyond: 0.0 }; 3];
    advise(policy, &policy.rules[0], figures, &days, &standing(), watch).expect("advice")
}

/// Two observations: the dwell of the product's own policy.
fn twice(figures: Figures) -> Advice {
    let policy = Policy::default();
    let first = once(&policy, figures.clone(), MarginWatch::default());
    assert_eq!((first.fired, first.price.clone()), (None, None));
    once(&policy, figures, first.watch)
}

#[test]
fn a_margin_below_the_floor_fires_and_raises_the_price_as_far_as_the_step_lets_it() {
    let advice = twice(figures("100", "70"));
    assert_eq!(advice.margin, Some(decimal("0.3")));
    assert_eq!(advice.fired, Some(Recommendation::SuggestTierUpgrade));
    let price = advice.price.expect("a price");
    // 0.7 / 0.6 is 16.7 % above the list; a step is 8 %, of which the margin floor asks 7.7 %.
    assert_eq!(price.target_of_list, decimal("1.166667"));
    assert_eq!(price.price_of_list, decimal("1.08"));
    assert_eq!((price.status, price.binding), (Status::NeedsApproval, Some(Rule::MaxStep)));
    assert_eq!(price.margin_after, Some(decimal("0.3519")));
    assert_eq!(price.backtest.expect("a backtest").days, 3);
}

#[test]
fn a_margin_above_the_band_looks_for_the_best_profit_and_says_what_it_assumes() {
    let advice = twice(figures("100", "20"));
    assert_eq!(advice.fired, Some(Recommendation::ConsiderPriceOptimisation));
    let price = advice.price.expect("a price");
    assert_eq!(price.aim, Aim::Profit);
    // 0.2 · 1.4 / 0.4 is 0.7, the floor of the list; a step goes to 0.92.
    assert_eq!((price.target_of_list, price.price_of_list), (decimal("0.7"), decimal("0.92")));
    assert!((price.backtest.expect("a backtest").elasticity + 1.4).abs() < 1e-12);
}

#[test]
fn within_the_bands_and_without_revenue_nothing_is_said() {
    let calm = twice(figures("100", "50"));
    assert_eq!((calm.fired, calm.price, calm.best), (None, None, None));
    let idle = twice(figures("0", "5"));
    assert_eq!((idle.margin, idle.price), (None, None));
}

#[test]
fn what_could_be_done_is_weighed_and_only_what_gains_is_listed() {
    let better = BetterTier { tier: "max".to_owned(), revenue_usd: decimal("160") };
    let advice = twice(Figures { better_tier: Some(better), ..figures("100", "120") });
    let names: Vec<&str> = advice.actions.iter().map(|action| action.name.as_str()).collect();
    // Fewer tokens at a loss are a gain too: a price that frightens some away.
    assert_eq!(names, ["tierUpgrade", "overage", "tokenCap", "renegotiation", "price"]);
    assert!(advice.best.is_some());
    let penalised = Figures {
        penalty_rate: Share::new("a penalty", decimal("0.1")).expect("a share"),
        ..figures("100", "70")
    };
    assert!(twice(penalised).actions.iter().any(|action| action.name == "concurrency"));
}

#[test]
fn a_kill_switch_a_lock_and_a_cool_down_hold_the_price() {
    let policy = Policy::default();
    let low = once(&policy, figures("100", "70"), MarginWatch::default());
    for (standing, rule) in [
        (Standing { kill_switch: true, ..standing() }, Rule::KillSwitch),
        (Standing { contract_locked: true, ..standing() }, Rule::ContractLock),
        (Standing { days_since_change: 3, ..standing() }, Rule::Cooldown),
    ] {
        let rules = &policy.rules[0];
        let found = advise(&policy, rules, figures("100", "70"), &[], &standing, low.watch);
        let price = found.expect("advice").price.expect("a price");
        assert_eq!((price.status, price.binding), (Status::Hold, Some(rule)));
        assert_eq!(price.price_of_list, Decimal::ONE);
    }
}

#[test]
fn with_autonomy_on_a_step_that_needs_nobody_is_aimed_at_where_it_keeps_the_margin() {
    let policy = Policy::default();
    let with = |cost: &str| {
        let low = once(&policy, figures("100", cost), MarginWatch::default());
        let standing = Standing { automatic: true, ..standing() };
        let rules = &policy.rules[0];
        let found = advise(&policy, rules, figures("100", cost), &[], &standing, low.watch);
        found.expect("advice").price.expect("a price")
    };
    let near = with("67");
    assert_eq!((near.price_of_list, near.status), (decimal("1.05"), Status::AutoApply));
    // No price within five percent keeps the floor: people decide.
    let far = with("70");
    assert_eq!(far.status, Status::NeedsApproval);
    assert_eq!(far.binding, Some(Rule::MarginFloorInfeasible));
}

#[test]
fn advice_reads_back_from_its_event() {
    let advice = twice(figures("100", "70"));
    let text = serde_json::to_string(&advice).expect("text");
    assert_eq!(serde_json::from_str::<Advice>(&text).expect("advice"), advice);
}
