//! Families 03 to 07: latencies, demand, churn, routing mixes and price jumps.

use rust_decimal::Decimal;
use serde::Deserialize;

use domain::economics::churn::Retention;
use domain::economics::demand::{Bounds, Demand, UnitCost, break_even_loss};
use domain::economics::latency::{Latency, Lognormal, Promise, Stalls};
use domain::economics::quantity::Change;
use domain::economics::routing_mix::{Route, Routes};
use domain::economics::volatility::{
    Jumps, annualised, deviation, log_changes, smoothed_deviation,
};

use super::{change, share};
use crate::vectors;

#[derive(Deserialize)]
struct LatencyIn {
    p50: f64,
    p99: f64,
    threshold: f64,
    shift: Decimal,
    attainment_target: Decimal,
    n_requests: u64,
    stall_prob: f64,
    stall_s: f64,
}

#[derive(Deserialize)]
struct LatencyOut {
    mu: f64,
    sigma: f64,
    breach: f64,
    attainment: f64,
    breach_mix: f64,
    p95: f64,
    headroom_shift: f64,
    month_miss_prob: f64,
}

#[test]
fn a_latency_law_gives_the_breaches_of_a_promise() {
    vectors::each("03_lognormal_latency", |check, given: LatencyIn, out: LatencyOut| {
        let law = Lognormal::from_percentiles(given.p50, given.p99).expect("a law");
        let (shift, target) = (change(given.shift), share(given.attainment_target));
        check.near("mu", law.mu(), out.mu);
        check.near("sigma", law.sigma(), out.sigma);
        check.near("breach", law.breach(given.threshold, shift), out.breach);
        check.near("p95", law.quantile_s(0.95, shift), out.p95);
        check.near("headroom", law.headroom(given.threshold, target), out.headroom_shift);
        let stalls = Stalls { probability: given.stall_prob, stall_s: given.stall_s };
        let latency = Latency::stalling(law, stalls).expect("a latency");
        let breach = latency.breach(given.threshold, shift).expect("a breach");
        check.near("breach with stalls", breach, out.breach_mix);
        check.near("attainment", 1.0 - breach, out.attainment);
        let miss = Promise { target, requests: given.n_requests }.miss(breach);
        check.near("missed month", miss.expect("a probability"), out.month_miss_prob);
    });
}

#[derive(Deserialize)]
struct DemandIn {
    q0: f64,
    p0: f64,
    p1: f64,
    elasticity: f64,
    cost: f64,
    penalty_rate: Decimal,
    floor: f64,
    ceil: f64,
}

#[derive(Deserialize)]
struct DemandOut {
    q1: f64,
    revenue0: f64,
    revenue1: f64,
    profit0: f64,
    profit1: f64,
    optimal_price: Option<f64>,
    optimal_clamped: f64,
    breakeven_volume_loss: Option<f64>,
    midpoint_elasticity: Option<f64>,
}

#[test]
fn demand_answers_to_a_price_with_its_elasticity() {
    vectors::each("04_elasticity_pricing", |check, given: DemandIn, out: DemandOut| {
        let demand =
            Demand { usage_k: given.q0, price_usd_per_k: given.p0, elasticity: given.elasticity };
        let demand = demand.check().expect("a demand");
        let cost = UnitCost { cost_usd_per_k: given.cost, penalty_rate: share(given.penalty_rate) };
        let bounds = Bounds::new(given.floor, given.ceil).expect("bounds");
        check.near("q1", demand.usage_k_at(given.p1), out.q1);
        check.near("revenue before", demand.revenue_usd_at(given.p0), out.revenue0);
        check.near("revenue after", demand.revenue_usd_at(given.p1), out.revenue1);
        check.near("profit before", demand.profit_usd_at(given.p0, &cost), out.profit0);
        check.near("profit after", demand.profit_usd_at(given.p1, &cost), out.profit1);
        check.near_if_any("best price", demand.best_price_usd_per_k(&cost), out.optimal_price);
        let clamped = demand.best_price_within(&cost, &bounds);
        check.near("best price within bounds", clamped, out.optimal_clamped);
        let loss = break_even_loss(given.p0, given.p1, &cost);
        check.near_if_any("break-even loss", loss, out.breakeven_volume_loss);
        let elasticity = demand.midpoint_elasticity(given.p1);
        check.near_if_any("midpoint elasticity", elasticity, out.midpoint_elasticity);
    });
}

#[derive(Deserialize)]
struct ChurnIn {
    churn0: f64,
    beta: f64,
    g: Decimal,
    price: f64,
    cost: f64,
    months: u32,
    discount: f64,
}

#[derive(Deserialize)]
struct ChurnOut {
    churn1: f64,
    value0: f64,
    value1: f64,
    breakeven_immediate_revenue: f64,
    breakeven_immediate_margin: Option<f64>,
    c1_star: Option<f64>,
}

#[test]
fn a_price_change_is_worth_what_its_churn_leaves() {
    vectors::each("05_churn", |check, given: ChurnIn, out: ChurnOut| {
        let tenant = Retention {
            monthly_churn: given.churn0,
            beta: given.beta,
            price_usd_per_month: given.price,
            cost_usd_per_month: given.cost,
            months: given.months,
            discount: given.discount,
        };
        let tenant = tenant.check().expect("a tenant");
        let change = change(given.g);
        let churn = tenant.churn_after(change);
        check.near("churn", churn, out.churn1);
        check.near("value before", tenant.value_usd(Change::NONE, given.churn0), out.value0);
        check.near("value after", tenant.value_usd(change, churn), out.value1);
        let revenue = tenant.break_even_revenue(change);
        check.near("break-even of revenue", revenue, out.breakeven_immediate_revenue);
        let profit = tenant.break_even_profit(change);
        check.near_if_any("break-even of profit", profit, out.breakeven_immediate_margin);
        check.near_if_any("break-even churn", tenant.break_even_churn(change), out.c1_star);
    });
}

#[derive(Deserialize)]
struct MixIn {
    providers: Vec<ProviderIn>,
    weights: Vec<f64>,
    threshold: f64,
    breach_budget: f64,
}

#[derive(Deserialize)]
struct ProviderIn {
    cost: f64,
    p50: f64,
    p99: f64,
    availability: f64,
}

#[derive(Deserialize)]
struct MixOut {
    blended_cost: f64,
    breach_each: Vec<f64>,
    breach: f64,
    mixture_p99: f64,
    avail_no_failover: f64,
    avail_failover: f64,
    inverse_square_weights: Vec<f64>,
    lp: Option<CheapestOut>,
}

#[derive(Deserialize)]
struct CheapestOut {
    weights: Vec<f64>,
    cost: f64,
}

#[test]
fn a_routing_mix_costs_and_is_late_as_its_weights_say() {
    vectors::each("06_routing_mix", |check, given: MixIn, out: MixOut| {
        let route = |provider: &ProviderIn| Route {
            cost_usd_per_k: provider.cost,
            latency: Lognormal::from_percentiles(provider.p50, provider.p99).expect("a law"),
            availability: provider.availability,
        };
        let routes = Routes::new(given.providers.iter().map(route).collect()).expect("routes");
        let mix = routes.divide(given.weights).expect("a mix");
        check.near("cost", mix.cost_usd_per_k(), out.blended_cost);
        check.all_near("breach of each", &routes.breaches(given.threshold), &out.breach_each);
        check.near("breach", mix.breach(given.threshold), out.breach);
        check.near("p99", mix.latency_quantile_s(0.99), out.mixture_p99);
        check.near("availability", mix.availability(), out.avail_no_failover);
        check.near("with failover", routes.availability_with_failover(), out.avail_failover);
        check.all_near("weights", &routes.inverse_square(), &out.inverse_square_weights);
        let cheapest = routes.cheapest(given.threshold, given.breach_budget);
        check.same("feasible", &cheapest.is_some(), &out.lp.is_some());
        if let (Some(found), Some(expected)) = (cheapest, out.lp) {
            check.all_near("cheapest", &found.weights, &expected.weights);
            check.near("cheapest cost", found.cost_usd_per_k, expected.cost);
        }
    });
}

#[derive(Deserialize)]
struct PricesIn {
    prices: Vec<f64>,
    lambda_: f64,
    periods_per_year: f64,
    years: f64,
    horizon_years: f64,
}

#[derive(Deserialize)]
struct PricesOut {
    returns: Vec<f64>,
    ewma_sigma: f64,
    ewma_annualised: f64,
    hist_sd: Option<f64>,
    jump_rate: f64,
    jump_mean: f64,
    jump_sd: f64,
    p_up: f64,
    expected_factor: f64,
    p_any: f64,
    p_any_up: f64,
}

#[test]
fn a_price_history_shows_how_often_and_how_far_it_jumps() {
    vectors::each("07_volatility", |check, given: PricesIn, out: PricesOut| {
        let changes = log_changes(&given.prices).expect("changes");
        check.all_near("changes", &changes, &out.returns);
        let smoothed = smoothed_deviation(&changes, given.lambda_).expect("a deviation");
        check.near("smoothed", smoothed, out.ewma_sigma);
        let annual = annualised(smoothed, given.periods_per_year);
        check.near("annualised", annual, out.ewma_annualised);
        check.near_if_any("plain deviation", deviation(&changes), out.hist_sd);
        let jumps = Jumps::fit(&changes, given.years).expect("jumps");
        check.near("jumps a year", jumps.per_year, out.jump_rate);
        check.near("mean jump", jumps.mean, out.jump_mean);
        check.near("deviation of jumps", jumps.deviation, out.jump_sd);
        check.near("share of rises", jumps.share_up, out.p_up);
        let years = given.horizon_years;
        check.near("factor", jumps.expected_factor(years).expect("years"), out.expected_factor);
        check.near("any", jumps.any(years).expect("years"), out.p_any);
        check.near("any rise", jumps.any_rise(years).expect("years"), out.p_any_up);
    });
}
