//! The formulas of economics and pricing, against vectors that each state their contract.

mod explain;
mod money;
mod pricing;
mod sampling;
mod simulation;
mod study;
mod what_if;
mod world;

use rust_decimal::Decimal;
use serde::Deserialize;

use domain::catalog::SlaBand;
use domain::economics::quantity::{Change, Share, float};
use domain::economics::sla::Ladder;

use crate::vectors;

/// Every family that has a test here.
const FAMILIES: [&str; 26] = [
    "01_seed_margin",
    "02_sla_credit",
    "03_lognormal_latency",
    "04_elasticity_pricing",
    "05_churn",
    "06_routing_mix",
    "07_volatility",
    "08_sla_pass_through",
    "09_quantiles",
    "10_tornado",
    "11_breakeven",
    "12_scenario_bridge",
    "13_rollup",
    "14_mc_analytic",
    "15_rng_stream",
    "16_crn_antithetic",
    "17_guardrail_step",
    "18_hysteresis",
    "19_action_ev",
    "20_approval_fsm",
    "21_tier_invoice",
    "22_backtest_rollback",
    "23_concurrency_cap",
    "24_token_cost",
    "25_whatif_end_to_end",
    "26_exact_margin_mixture",
];

#[test]
fn every_family_of_economics_has_a_test() {
    for (path, family) in vectors::families() {
        let ours = path.parent().is_some_and(|folder| folder.ends_with("economics"));
        let known = FAMILIES.contains(&family.as_str());
        assert!(!ours || known, "{}: no test knows the family {family}", path.display());
    }
}

#[test]
fn no_number_comes_from_the_platforms_own_functions() {
    // std's are those of the machine and differ in the last bit: libm has them all.
    const PLATFORM: [&str; 11] = [
        ".exp()",
        ".exp_m1()",
        ".ln()",
        ".ln_1p()",
        ".log10()",
        ".log2()",
        ".powf(",
        ".powi(",
        ".mul_add(",
        ".sin()",
        ".cos()",
    ];
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/economics");
    let files = crate::fixtures::files(&sources, "rs");
    assert!(files.len() > 20, "{} holds the sources", sources.display());
    for path in files {
        let text = String::from_utf8(crate::fixtures::read(&path)).expect("text");
        for name in PLATFORM {
            assert!(!text.contains(name), "{}: {name}", path.display());
        }
    }
}

/// A band as the vectors write it.
#[derive(Deserialize)]
struct Band {
    min_uptime_pct: Decimal,
    credit: Decimal,
}

fn ladder(bands: &[Band]) -> Ladder {
    let band = |band: &Band| SlaBand { min_uptime_pct: band.min_uptime_pct, credit: band.credit };
    Ladder::new(&bands.iter().map(band).collect::<Vec<_>>()).expect("a ladder")
}

fn share(value: Decimal) -> Share {
    Share::new("a share", value).expect("a share")
}

fn change(value: Decimal) -> Change {
    Change::new("a change", value).expect("a change")
}

fn floats(value: Option<Decimal>) -> Option<f64> {
    value.map(float)
}

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}
