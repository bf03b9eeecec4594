//! Families 09, 14, 15, 16 and 26: what samples say, the generator, and laws that need no sample.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;

use domain::economics::comparison::Pair;
use domain::economics::draw::{Seed, Stream, place};
use domain::economics::exact::{MarginLaw, SharedCost, comonotone_profit_usd};
use domain::economics::latency::Lognormal;
use domain::economics::penalty::{Downtime, Steps, joint};
use domain::economics::probability::normal_quantile;
use domain::economics::sample::{Mean, Sorted, mean, share_standard_error, variance};

use super::{Band, change, decimal, ladder, share};
use crate::vectors;

#[derive(Deserialize)]
struct SampleIn {
    x: Vec<f64>,
    floor: f64,
}

#[derive(Deserialize)]
struct SampleOut {
    p5: f64,
    p50: f64,
    p95: f64,
    mean: f64,
    sd: f64,
    se: f64,
    p_below: f64,
    es5: Option<f64>,
    ci_p5: [f64; 2],
    ci_p50: [f64; 2],
}

#[test]
fn a_sample_says_its_quantiles_and_how_sure_they_are() {
    vectors::each("09_quantiles", |check, given: SampleIn, out: SampleOut| {
        let mean = Mean::of(&given.x).expect("values");
        check.near("mean", mean.value, out.mean);
        check.near("sd", mean.standard_deviation.expect("values"), out.sd);
        check.near("se", mean.standard_error.expect("values"), out.se);
        let sorted = Sorted::new(given.x).expect("a sample");
        for (q, expected) in [(0.05, out.p5), (0.5, out.p50), (0.95, out.p95)] {
            check.near("quantile", sorted.quantile(q), expected);
        }
        for (q, expected) in [(0.05, out.ci_p5), (0.5, out.ci_p50)] {
            let found = sorted.quantile_with_error(q);
            check.all_near("interval", &[found.low, found.high], &expected);
        }
        check.near("share below", sorted.share_below(given.floor), out.p_below);
        check.near_if_any("shortfall", sorted.expected_shortfall(0.05), out.es5);
    });
}

#[derive(Deserialize)]
struct AnalyticIn {
    cost: f64,
    price: f64,
    penalty_rate: Decimal,
    sigma: f64,
    floor: f64,
    n: u32,
    portfolio: Vec<SharedIn>,
}

#[derive(Deserialize)]
struct SharedIn {
    usage: f64,
    price: f64,
    cost: f64,
    penalty_rate: Decimal,
}

#[derive(Deserialize)]
struct AnalyticOut {
    mean: f64,
    sd: f64,
    se_mean: f64,
    p5: f64,
    p50: f64,
    p95: f64,
    se_p5: f64,
    se_p50: f64,
    se_p95: f64,
    p_below: f64,
    se_p_below: f64,
    portfolio_profit: BTreeMap<String, f64>,
}

#[test]
fn a_lognormal_cost_gives_the_margin_in_closed_form() {
    vectors::each("14_mc_analytic", |check, given: AnalyticIn, out: AnalyticOut| {
        let penalty = [(1.0, share(given.penalty_rate))];
        let law = MarginLaw::new(given.cost / given.price, given.sigma, &penalty).expect("a law");
        let n = f64::from(given.n);
        check.near("mean", law.mean(), out.mean);
        check.near("sd", law.standard_deviation(), out.sd);
        check.near("se of the mean", law.standard_deviation() / n.sqrt(), out.se_mean);
        for (q, value, error) in
            [(0.05, out.p5, out.se_p5), (0.5, out.p50, out.se_p50), (0.95, out.p95, out.se_p95)]
        {
            check.near("quantile", law.quantile(q), value);
            check.near("its error", law.quantile_standard_error(q, n), error);
        }
        let below = law.below(given.floor);
        check.near("share below", below, out.p_below);
        // Far out in the tail too, where an absolute tolerance says nothing.
        assert!((below / out.p_below - 1.0).abs() < 1e-9, "{}: {below}", check.id);
        check.near("its error", share_standard_error(below, n), out.se_p_below);
        let shared = |tenant: &SharedIn| SharedCost {
            usage_k: tenant.usage,
            price_usd_per_k: tenant.price,
            cost_usd_per_k: tenant.cost,
            penalty_rate: share(tenant.penalty_rate),
        };
        let tenants: Vec<SharedCost> = given.portfolio.iter().map(shared).collect();
        for (q, expected) in &out.portfolio_profit {
            let q: f64 = q.parse().expect("a share");
            let profit = comonotone_profit_usd(&tenants, given.sigma, q);
            check.near("portfolio", profit, *expected);
        }
    });
}

#[test]
fn a_sample_of_the_closed_form_lands_within_four_standard_errors() {
    vectors::each("14_mc_analytic", |check, given: AnalyticIn, out: AnalyticOut| {
        let stream = Stream::named(Seed(2026), "vector", &check.id);
        let sigma = given.sigma;
        let margin = |draw: u64| {
            let factor = libm::exp(sigma * stream.normal(draw) - sigma * sigma / 2.0);
            1.0 - super::floats(Some(given.penalty_rate)).expect("a rate")
                - given.cost / given.price * factor
        };
        let margins: Vec<f64> = (0..u64::from(given.n)).map(margin).collect();
        let found = mean(&margins).expect("draws");
        assert!((found - out.mean).abs() <= 4.0 * out.se_mean, "{}: mean {found}", check.id);
        let sorted = Sorted::new(margins).expect("draws");
        for (q, value, error) in
            [(0.05, out.p5, out.se_p5), (0.5, out.p50, out.se_p50), (0.95, out.p95, out.se_p95)]
        {
            let found = sorted.quantile(q);
            assert!((found - value).abs() <= 4.0 * error, "{}: {q} {found}", check.id);
        }
        let below = sorted.share_below(given.floor);
        assert!((below - out.p_below).abs() <= 4.0 * out.se_p_below, "{}: {below}", check.id);
    });
}

#[derive(Deserialize)]
struct StreamIn {
    seed: Seed,
    n: u64,
    shock: f64,
}

#[derive(Deserialize)]
struct StreamOut {
    u64: Vec<String>,
    u: Vec<f64>,
    z: Vec<f64>,
    margin: MarginOut,
    profit: ProfitOut,
}

#[derive(Deserialize)]
struct MarginOut {
    mean: f64,
    p5: f64,
    p50: f64,
    p95: f64,
    p_below_035: f64,
}

#[derive(Deserialize)]
struct ProfitOut {
    mean: f64,
    p5: f64,
    p95: f64,
}

/// The model of the reference stream: a cost factor and a usage factor from two uniforms.
fn model(cost: f64, usage: f64, shock: f64) -> (f64, f64) {
    let x = libm::exp(0.25 * normal_quantile(cost) - 0.031_25);
    let u = libm::exp(0.4 * normal_quantile(usage) - 0.08);
    let unit_cost = 0.0025 * x * (1.0 + shock);
    (1.0 - unit_cost / 0.006, 1000.0 * u * (0.006 - unit_cost))
}

/// Margin and profit of every draw.
fn drawn(seed: Seed, n: u64, shock: f64) -> (Vec<f64>, Vec<f64>) {
    let stream = Stream::reference(seed);
    let uniform = |draw, input| stream.uniform(place(draw, 2, input));
    (0..n).map(|draw| model(uniform(draw, 0), uniform(draw, 1), shock)).unzip()
}

#[test]
fn the_reference_stream_is_the_same_in_every_language() {
    vectors::each("15_rng_stream", |check, given: StreamIn, out: StreamOut| {
        let stream = Stream::reference(given.seed);
        for (place, expected) in (0..).zip(&out.u64) {
            check.same("bits", &stream.bits(place).to_string(), expected);
        }
        for (place, expected) in (0..).zip(&out.u) {
            check.near("uniform", stream.uniform(place), *expected);
        }
        for (place, expected) in (0..).zip(&out.z) {
            check.near("normal", stream.normal(place), *expected);
        }
        let (margins, profits) = drawn(given.seed, given.n, given.shock);
        check.near("mean margin", mean(&margins).expect("draws"), out.margin.mean);
        check.near("mean profit", mean(&profits).expect("draws"), out.profit.mean);
        let (margins, profits) =
            (Sorted::new(margins).expect("draws"), Sorted::new(profits).expect("draws"));
        check.near("margin", margins.quantile(0.05), out.margin.p5);
        check.near("margin", margins.quantile(0.5), out.margin.p50);
        check.near("margin", margins.quantile(0.95), out.margin.p95);
        check.near("below", margins.share_below(0.35), out.margin.p_below_035);
        check.near("profit", profits.quantile(0.05), out.profit.p5);
        check.near("profit", profits.quantile(0.95), out.profit.p95);
    });
}

#[derive(Deserialize)]
struct PairIn {
    seed: Seed,
    n: u64,
    sa: f64,
    sb: f64,
    rho: f64,
    halfwidth: f64,
}

#[derive(Deserialize)]
struct PairOut {
    var_diff: f64,
    vrf: Option<f64>,
    n_needed: f64,
    crn_var: f64,
    indep_var: f64,
    crn_vrf: f64,
    anti_pair_var: f64,
    plain_half_var: f64,
}

#[test]
fn scenarios_that_share_their_draws_differ_with_less_noise() {
    vectors::each("16_crn_antithetic", |check, given: PairIn, out: PairOut| {
        let pair = Pair::new(given.sa, given.sb, given.rho).expect("a pair");
        check.near("variance", pair.variance(), out.var_diff);
        check.near_if_any("reduction", pair.reduction(), out.vrf);
        let draws = pair.draws_needed(given.halfwidth).expect("draws");
        check.near("draws needed", draws, out.n_needed);

        let profits = |seed, shock| drawn(seed, given.n, shock).1;
        let base = profits(given.seed, 0.0);
        let differences = |other: Vec<f64>| -> f64 {
            let pairs = base.iter().zip(other);
            variance(&pairs.map(|(base, other)| base - other).collect::<Vec<_>>()).expect("draws")
        };
        let shared = differences(profits(given.seed, 0.3));
        let apart = differences(profits(Seed(given.seed.0.wrapping_add(1)), 0.3));
        check.near("variance with shared draws", shared, out.crn_var);
        check.near("variance with draws apart", apart, out.indep_var);
        check.near("reduction found", apart / shared, out.crn_vrf);

        let stream = Stream::reference(given.seed);
        // The margin has one input, so the draws of the stream are its draws.
        let margin = |draw: u64, mirrored: bool| {
            let u = stream.uniform(draw);
            model(if mirrored { 1.0 - u } else { u }, 0.5, 0.0).0
        };
        let plain: Vec<f64> = (0..given.n).map(|draw| margin(draw, false)).collect();
        let pairs = (0..given.n).map(|draw| f64::midpoint(margin(draw, false), margin(draw, true)));
        let pairs: Vec<f64> = pairs.collect();
        check.near("mirrored", variance(&pairs).expect("draws"), out.anti_pair_var);
        check.near("plain", variance(&plain).expect("draws") / 2.0, out.plain_half_var);
    });
}

#[derive(Deserialize)]
struct MixtureIn {
    tenant: MixtureTenant,
    kappa: Decimal,
    g: Decimal,
    delta: Decimal,
}

#[derive(Deserialize)]
struct MixtureTenant {
    price: f64,
    cost: f64,
    sigma_cost: f64,
    lat_p50: f64,
    lat_sigma: f64,
    #[serde(rename = "lat_T")]
    threshold: f64,
}

#[derive(Deserialize)]
struct MixtureOut {
    #[serde(rename = "A")]
    ratio: f64,
    expected_rate: f64,
    mean: f64,
    p5: f64,
    p50: f64,
    p95: f64,
    p_below_035: f64,
}

/// What the tiers of the benchmark's model are promised.
pub(super) fn promised() -> (Vec<Band>, Vec<Band>) {
    let band = |(min, credit): &(&str, &str)| Band {
        min_uptime_pct: decimal(min),
        credit: decimal(credit),
    };
    let attainment = [("99", "0"), ("95", "0.05"), ("0", "0.1")];
    let uptime = [("99.9", "0"), ("99", "0.1"), ("95", "0.25"), ("0", "1")];
    (attainment.iter().map(band).collect(), uptime.iter().map(band).collect())
}

#[test]
fn a_margin_with_credits_has_exact_quantiles() {
    vectors::each("26_exact_margin_mixture", |check, given: MixtureIn, out: MixtureOut| {
        let tenant = given.tenant;
        let (attainment, uptime) = promised();
        let latency = Steps::of_latency(
            &ladder(&attainment),
            &Lognormal::from_median(tenant.lat_p50, tenant.lat_sigma).expect("a law").into(),
            tenant.threshold,
            change(given.g),
            0.25,
        );
        let downtime =
            Steps::of_downtime(&ladder(&uptime), Downtime::new(4e-4, 1.2).expect("a downtime"));
        let penalties = joint(&latency.expect("steps"), &downtime);
        let cost = tenant.cost * change(given.kappa).to_factor();
        let ratio = cost / (tenant.price * change(given.delta).to_factor());
        check.near("A", ratio, out.ratio);
        let law = MarginLaw::new(ratio, tenant.sigma_cost, &penalties).expect("a law");
        check.near("rate", law.mean_penalty(), out.expected_rate);
        let found = law.quantiles(0.35);
        check.near("mean", found.mean, out.mean);
        check.near("p5", found.p5, out.p5);
        check.near("p50", found.p50, out.p50);
        check.near("p95", found.p95, out.p95);
        check.near("below", found.below_floor, out.p_below_035);
    });
}
