//! Families 10, 11 and 12: tornado, break-even and bridge.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use rust_decimal::Decimal;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use domain::economics::basic::Input;
use domain::economics::break_even::{FeePlan, UnitMargin, UsageLimit};
use domain::economics::bridge::{BasicLever, Bridge, basic_profit};
use domain::economics::quantity::float;
use domain::economics::tornado::{Lever, Tornado, change_in_mean, rank_correlation, regression};

use super::{floats, share};
use crate::vectors;

/// The entries of a JSON object in the order in which they are written.
pub(super) struct Ordered<V>(pub(super) Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Ordered<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
            type Value = Ordered<V>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<V>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

#[derive(Deserialize)]
struct TornadoIn {
    x: Ordered<Vec<f64>>,
    base: BTreeMap<String, f64>,
    low: BTreeMap<String, f64>,
    high: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct TornadoOut {
    y: Vec<f64>,
    src: BTreeMap<String, f64>,
    spearman: BTreeMap<String, f64>,
    change_in_mean: BTreeMap<String, [f64; 2]>,
    oat_base: f64,
    oat: BTreeMap<String, BarOut>,
    oat_order: Vec<String>,
}

#[derive(Deserialize)]
struct BarOut {
    low: f64,
    high: f64,
    swing: f64,
}

/// `1 − c/p − k`, with the inputs in the order of their names in the file.
fn margin(names: &[String], values: &[f64]) -> f64 {
    let value = |name: &str| {
        let at = names.iter().position(|other| other == name).expect("an input");
        values[at]
    };
    1.0 - value("cost") / value("price") - value("penalty_rate")
}

#[test]
fn a_tornado_orders_inputs_by_what_they_move() {
    vectors::each("10_tornado", |check, given: TornadoIn, out: TornadoOut| {
        let (names, columns): (Vec<String>, Vec<Vec<f64>>) = given.x.0.into_iter().unzip();
        let draws = columns[0].len();
        let row = |at: usize| columns.iter().map(|column| column[at]).collect::<Vec<f64>>();
        let y: Vec<f64> = (0..draws).map(|at| margin(&names, &row(at))).collect();
        check.all_near("y", &y, &out.y);
        let inputs: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let src = regression(&inputs, &y).expect("columns").expect("a fit");
        for ((name, column), src) in names.iter().zip(&columns).zip(src) {
            check.near("src", src, out.src[name]);
            let rank = rank_correlation(column, &y).expect("both vary");
            check.near("rank correlation", rank, out.spearman[name]);
            let (low, high) = change_in_mean(column, &y).expect("enough draws");
            check.all_near("change in mean", &[low, high], &out.change_in_mean[name]);
        }
        let levers = names.iter().map(|name| Lever {
            name,
            base: given.base[name],
            low: given.low[name],
            high: given.high[name],
        });
        let levers: Vec<Lever<'_>> = levers.collect();
        let found = Tornado::one_at_a_time(&levers, |values| margin(&names, values));
        check.near("base", found.base, out.oat_base);
        let order: Vec<String> = found.bars.iter().map(|bar| bar.name.clone()).collect();
        check.same("order", &order, &out.oat_order);
        for bar in &found.bars {
            let expected = &out.oat[&bar.name];
            check.near("low", bar.low, expected.low);
            check.near("high", bar.high, expected.high);
            check.near("swing", bar.swing(), expected.swing);
        }
    });
}

#[derive(Deserialize)]
struct BreakEvenIn {
    cost: Decimal,
    price: Decimal,
    penalty_rate: Decimal,
    floor: Decimal,
    plan: PlanIn,
}

#[derive(Deserialize)]
struct PlanIn {
    fee: Decimal,
    overage: Decimal,
    included: Decimal,
}

#[derive(Deserialize)]
struct BreakEvenOut {
    cost_shock: Option<f64>,
    price: Option<f64>,
    penalty: Option<f64>,
    usage_max: Option<f64>,
}

#[test]
fn a_break_even_is_where_the_margin_meets_its_floor() {
    vectors::each("11_breakeven", |check, given: BreakEvenIn, out: BreakEvenOut| {
        let floor = share(given.floor);
        let unit = UnitMargin::new(given.cost, given.price, share(given.penalty_rate), floor);
        let unit = unit.expect("a unit");
        check.near_if_any("cost", floats(unit.cost_change()), out.cost_shock);
        check.near_if_any("price", floats(unit.price_usd_per_k()), out.price);
        check.near_if_any("penalty", floats(unit.penalty_rate()), out.penalty);
        let plan = FeePlan {
            fee_usd: given.plan.fee,
            included_k: given.plan.included,
            overage_usd_per_k: given.plan.overage,
        };
        let limit = match plan.usage_limit(given.cost, floor).expect("a limit") {
            UsageLimit::At(usage) => Some(float(usage)),
            UsageLimit::Never => None,
        };
        check.near_if_any("usage", limit, out.usage_max);
    });
}

#[derive(Deserialize)]
struct BridgeIn {
    base: LeversIn,
    scenario: LeversIn,
}

#[derive(Deserialize)]
struct LeversIn {
    usage: Decimal,
    price: Decimal,
    cost: Decimal,
    penalty: Decimal,
}

impl LeversIn {
    fn input(&self) -> Input {
        Input {
            usage_k: self.usage,
            cost_usd_per_k: self.cost,
            price_usd_per_k: self.price,
            penalty_rate: share(self.penalty),
        }
    }
}

#[derive(Deserialize)]
struct BridgeOut {
    profit0: f64,
    profit1: f64,
    delta: f64,
    sequential: PartsOut,
    shapley: PartsOut,
    margin0: Option<f64>,
    margin1: Option<f64>,
}

#[derive(Deserialize)]
struct PartsOut {
    usage: f64,
    price: f64,
    cost: f64,
    penalty: f64,
}

#[test]
fn a_bridge_explains_the_whole_difference() {
    vectors::each("12_scenario_bridge", |check, given: BridgeIn, out: BridgeOut| {
        let (base, scenario) = (given.base.input(), given.scenario.input());
        let profit = |moved| basic_profit(&base, &scenario, moved);
        let levers = BasicLever::ALL.len();
        let both = [
            (Bridge::sequential(levers, profit), &out.sequential),
            (Bridge::shapley(levers, profit), &out.shapley),
        ];
        for (bridge, parts) in both {
            let bridge = bridge.expect("a bridge");
            check.near("profit before", float(bridge.from_usd), out.profit0);
            check.near("profit after", float(bridge.to_usd), out.profit1);
            let sum: Decimal = bridge.parts_usd.iter().sum();
            check.same("sum", &(bridge.from_usd + sum), &bridge.to_usd);
            check.near("delta", float(sum), out.delta);
            let found: Vec<f64> = bridge.parts_usd.iter().map(|part| float(*part)).collect();
            let expected = [parts.usage, parts.price, parts.cost, parts.penalty];
            check.all_near("parts", &found, &expected);
        }
        let margin = |input: &Input| floats(input.statement().expect("a statement").margin());
        check.near_if_any("margin before", margin(&base), out.margin0);
        check.near_if_any("margin after", margin(&scenario), out.margin1);
    });
}
