//! Families 01, 02, 08, 13 and 24: statements, SLA credits, sums and token costs.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;

use domain::economics::basic::{Input, Statement};
use domain::economics::quantity::float;
use domain::economics::roll_up;
use domain::economics::sla::{PassThrough, Resale, Uptime, UptimeState};
use domain::economics::token_cost::{OffPeak, ProviderPrice, Rates, Tokens};

use super::{Band, decimal, floats, ladder, share};
use crate::vectors::{self, Check};

#[derive(Deserialize)]
struct BasicIn {
    usage_k: Decimal,
    cost_per_k: Decimal,
    price_per_k: Decimal,
    penalty_rate: Decimal,
}

#[derive(Deserialize)]
struct Expected {
    revenue: f64,
    cost: f64,
    penalty: f64,
    margin: Option<f64>,
}

fn check_statement(check: &Check, what: &str, found: &Statement, expected: &Expected) {
    check.near(&format!("{what} revenue"), float(found.revenue_usd()), expected.revenue);
    check.near(&format!("{what} cost"), float(found.cost_usd()), expected.cost);
    check.near(&format!("{what} penalty"), float(found.penalty_usd()), expected.penalty);
    check.near_if_any(&format!("{what} margin"), floats(found.margin()), expected.margin);
}

#[test]
fn the_plain_formula_gives_cost_revenue_penalty_and_margin() {
    vectors::each("01_seed_margin", |check, given: BasicIn, out: Expected| {
        let input = Input {
            usage_k: given.usage_k,
            cost_usd_per_k: given.cost_per_k,
            price_usd_per_k: given.price_per_k,
            penalty_rate: share(given.penalty_rate),
        };
        check_statement(check, "the", &input.statement().expect("a statement"), &out);
    });
}

#[derive(Deserialize)]
struct CreditIn {
    bands: Vec<Band>,
    total: u64,
    bad: u64,
}

#[derive(Deserialize)]
struct CreditOut {
    uptime_pct: f64,
    credit: Decimal,
}

#[test]
fn a_credit_is_the_step_that_the_uptime_reaches_exactly() {
    vectors::each("02_sla_credit", |check, given: CreditIn, out: CreditOut| {
        let uptime = Uptime::new(given.total, given.bad).expect("an uptime");
        check.near("uptime", float(uptime.percent()), out.uptime_pct);
        check.same("credit", &ladder(&given.bands).credit(uptime).get(), &out.credit);
    });
}

#[derive(Deserialize)]
struct ResaleIn {
    tenant_schedule: String,
    provider_schedule: String,
    schedules: BTreeMap<String, Vec<Band>>,
    revenue: Decimal,
    cost: Decimal,
    claim_success: Decimal,
    states: Vec<StateIn>,
}

#[derive(Deserialize)]
struct StateIn {
    p: Decimal,
    uptime_pct: Decimal,
}

#[derive(Deserialize)]
struct ResaleOut {
    owed: f64,
    recoverable: f64,
    net: f64,
    penalty_rate_eff: Option<f64>,
    margin: Option<f64>,
    p_penalty: f64,
}

#[test]
fn a_reseller_owes_on_revenue_and_recovers_on_cost() {
    vectors::each("08_sla_pass_through", |check, given: ResaleIn, out: ResaleOut| {
        let state =
            |state: &StateIn| UptimeState { probability: state.p, uptime_pct: state.uptime_pct };
        let resale = Resale {
            revenue_usd: given.revenue,
            cost_usd: given.cost,
            claim_success: share(given.claim_success),
        };
        let states: Vec<UptimeState> = given.states.iter().map(state).collect();
        let tenant = ladder(&given.schedules[&given.tenant_schedule]);
        let provider = ladder(&given.schedules[&given.provider_schedule]);
        let found = PassThrough::expect(&states, &tenant, &provider, resale).expect("a month");
        check.near("owed", float(found.owed_usd), out.owed);
        check.near("recoverable", float(found.recoverable_usd), out.recoverable);
        check.near("net", float(found.net_usd()), out.net);
        check.near("p_penalty", float(found.penalty_probability), out.p_penalty);
        check.near_if_any("rate", floats(found.penalty_rate()), out.penalty_rate_eff);
        check.near_if_any("margin", floats(found.margin()), out.margin);
    });
}

#[derive(Deserialize)]
struct RollUpIn {
    tenants: Vec<TenantIn>,
}

#[derive(Deserialize)]
struct TenantIn {
    tier: String,
    provider: String,
    region: String,
    revenue: Decimal,
    cost: Decimal,
    penalty: Decimal,
}

#[derive(Deserialize)]
struct RollUpOut {
    total: Expected,
    by: BTreeMap<String, BTreeMap<String, Expected>>,
    hhi: Option<f64>,
    revenue_at_risk: f64,
}

#[test]
fn groups_are_sums_first_and_one_division_then() {
    vectors::each("13_rollup", |check, given: RollUpIn, out: RollUpOut| {
        let statement = |t: &TenantIn| Statement::new(t.revenue, t.cost, t.penalty);
        let statements: Vec<Statement> =
            given.tenants.iter().map(|t| statement(t).expect("a statement")).collect();
        check_statement(check, "total", &roll_up::total(&statements).expect("a sum"), &out.total);
        for (dimension, groups) in &out.by {
            let key = |t: &TenantIn| match dimension.as_str() {
                "tier" => t.tier.clone(),
                "provider" => t.provider.clone(),
                "region" => t.region.clone(),
                other => panic!("{}: an unknown dimension {other}", check.id),
            };
            let keyed = given.tenants.iter().map(key).zip(&statements);
            let found = roll_up::by(keyed).expect("sums");
            check.same("groups", &found.len(), &groups.len());
            for (name, expected) in groups {
                check_statement(check, name, &found[name], expected);
            }
        }
        let floor = share(decimal("0.35"));
        let hhi = roll_up::concentration(&statements).expect("an index");
        check.near_if_any("hhi", floats(hhi), out.hhi);
        let at_risk = roll_up::revenue_at_risk_usd(&statements, floor).expect("a sum");
        check.near("revenue at risk", float(at_risk), out.revenue_at_risk);
    });
}

#[derive(Deserialize)]
struct TokensIn {
    price: PriceIn,
    input_tokens: u64,
    #[serde(default)]
    cached_tokens: u64,
    output_tokens: u64,
    utc: String,
}

#[derive(Deserialize)]
struct PriceIn {
    #[serde(flatten)]
    rates: RatesIn,
    above: Option<RatesIn>,
    off_peak: Option<OffPeakIn>,
}

#[derive(Deserialize)]
struct RatesIn {
    p_in: Decimal,
    p_cache: Option<Decimal>,
    p_out: Decimal,
}

#[derive(Deserialize)]
struct OffPeakIn {
    start: String,
    end: String,
    #[serde(flatten)]
    rates: RatesIn,
}

#[derive(Deserialize)]
struct TokensOut {
    cost_usd: Decimal,
}

impl RatesIn {
    fn rates(&self) -> Rates {
        Rates {
            input_usd_per_token: self.p_in,
            output_usd_per_token: self.p_out,
            cached_usd_per_token: self.p_cache,
        }
    }
}

#[test]
fn tokens_cost_exactly_what_their_rates_say() {
    vectors::each("24_token_cost", |check, given: TokensIn, out: TokensOut| {
        let off_peak = given.price.off_peak.as_ref().map(|window| OffPeak {
            start: window.start.parse().expect("a time"),
            end: window.end.parse().expect("a time"),
            rates: window.rates.rates(),
        });
        let price = ProviderPrice {
            rates: given.price.rates.rates(),
            long_context: given.price.above.as_ref().map(RatesIn::rates),
            off_peak,
        };
        let tokens = Tokens {
            input: given.input_tokens,
            cached: given.cached_tokens,
            output: given.output_tokens,
        };
        let cost = price.cost_usd(tokens, given.utc.parse().expect("a time"));
        check.same("cost", &cost.expect("a cost"), &out.cost_usd);
    });
}
