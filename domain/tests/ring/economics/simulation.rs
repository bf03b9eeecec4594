//! The benchmark's workload, a thousand tenants by ten thousand draws, against the figures of its
//! numpy reference (ten pooled seeds); and sums, sliders and threads against the long way round.

use std::collections::BTreeMap;

use domain::economics::draw::Seed;
use domain::economics::latency::Lognormal;
use domain::economics::penalty::Downtime;
use domain::economics::sample::share_standard_error;
use domain::economics::scenario::Scenario;
use domain::economics::simulation::{
    Dependence, MarginSpread, Outcome, Plan, Portfolio, PortfolioOutcome, Promises, Simulation,
    Slider, Spread, Tenant, Uncertainty,
};
use domain::economics::volatility::Jumps;
use domain::event::TenantId;

use super::sampling::promised;
use super::{change, decimal, ladder, share};

const TIERS: [&str; 4] = ["free", "starter", "pro", "enterprise"];

/// SplitMix64 of seed 2026, as the benchmark's `mk_tenants.py` has it.
fn uniform(place: u64) -> f64 {
    let stream = domain::economics::draw::Stream::reference(Seed(2026));
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let top = (stream.bits(place) >> 11) as f64;
    top / 9_007_199_254_740_992.0
}

/// Python's `round(x, places)`, by way of the decimal digits.
fn rounded(value: f64, places: usize) -> f64 {
    format!("{value:.places$}").parse().expect("a number")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "one of three")]
fn third(u: f64) -> usize {
    (u * 3.0) as usize
}

fn tenant(number: u64) -> Tenant {
    let u: Vec<f64> = (0..12).map(|at| uniform(number * 12 + at)).collect();
    let tier = match u[0] {
        u if u < 0.2 => 0u8,
        u if u < 0.6 => 1,
        u if u < 0.9 => 2,
        _ => 3,
    };
    let median = rounded(0.35 + 0.5 * u[7], 4);
    let sigma = rounded(0.15 + 0.25 * u[8], 4);
    Tenant {
        tenant: TenantId::try_from(number.to_string()).expect("an id"),
        payer: TenantId::try_from(number.to_string()).expect("an id"),
        tier: TIERS[usize::from(tier)].to_owned(),
        provider: format!("p{}", third(u[1])),
        region: format!("r{}", third(u[2])),
        usage_k: rounded(libm::pow(10.0, 3.0 + 2.2 * u[3] + 0.4 * f64::from(tier)), 3),
        price_usd_per_k: [0.0045, 0.0072, 0.0066, 0.0058][usize::from(tier)],
        cost_usd_per_k: rounded(0.0012 + 0.0030 * u[4], 7),
        cost_sigma: rounded(0.10 + 0.25 * u[5], 4),
        usage_sigma: rounded(0.2 + 0.5 * u[6], 4),
        latency: Lognormal::from_median(median, sigma).expect("a law").into(),
        promised_s: rounded(1.0 + 1.2 * u[9], 4),
        elasticity: rounded(-0.3 - 1.7 * u[10], 4),
    }
}

fn portfolio(tenants: u64) -> Portfolio {
    let (attainment, uptime) = promised();
    let promises = Promises { attainment: ladder(&attainment), uptime: ladder(&uptime) };
    let promises = TIERS.map(|tier| (tier.to_owned(), promises.clone()));
    Portfolio::new((0..tenants).map(tenant).collect(), BTreeMap::from(promises)).expect("tenants")
}

fn uncertainty(dependence: Dependence) -> Uncertainty {
    Uncertainty {
        latency_sigma: 0.25,
        downtime: Downtime::new(4e-4, 1.2).expect("a downtime"),
        elasticity_sigma: 0.4,
        jumps: BTreeMap::new(),
        horizon_years: 0.25,
        dependence,
    }
}

fn scenario() -> Scenario {
    let each = |names: &[&str], by: &str| {
        names.iter().map(|name| ((*name).to_owned(), change(decimal(by)))).collect()
    };
    Scenario {
        cost: each(&["p0", "p1", "p2"], "0.3"),
        latency: each(&["r0", "r1", "r2"], "0.2"),
        price: each(&TIERS, "0.05"),
        ..Scenario::default()
    }
}

fn plan(draws: usize) -> Plan {
    Plan { seed: Seed(7), draws, floor: share(decimal("0.35")) }
}

fn simulation(tenants: u64, dependence: Dependence, draws: usize) -> Simulation {
    let uncertainty = uncertainty(dependence);
    Simulation::new(&portfolio(tenants), &uncertainty, &scenario(), plan(draws)).expect("a model")
}

/// P5, P50 and P95 with the standard errors of one run of the reference; its own pooled error is a
/// third of that.
type Figures = [(f64, f64); 3];

#[track_caller]
fn within_four_errors(what: &str, found: &Spread, figures: &Figures) {
    for (found, (expected, error)) in [found.p5, found.p50, found.p95].iter().zip(figures) {
        let off = (found.value - expected).abs() / (error * (1.0f64 + 0.1).sqrt());
        assert!(off <= 4.0, "{what}: {} is {off:.1} errors from {expected}", found.value);
    }
}

fn whole(outcome: &Outcome) -> PortfolioOutcome {
    outcome.sums.outcome(&Slider::default()).expect("an outcome")
}

#[test]
fn a_thousand_independent_tenants_agree_with_the_reference() {
    let simulation = simulation(1000, Dependence::INDEPENDENT, 10_000);
    let outcome = simulation.run().expect("a run");
    let portfolio = whole(&outcome);
    within_four_errors(
        "profit",
        &portfolio.profit_usd,
        &[(360_959.089, 287.904), (385_978.135, 206.887), (414_079.584, 446.552)],
    );
    let (margin, _) = portfolio.margin.expect("revenue");
    let expected =
        [(0.403_125_06, 2.5317e-4), (0.423_682_75, 1.5241e-4), (0.441_634_66, 2.2949e-4)];
    within_four_errors("margin", &margin.spread, &expected);
    let draws = simulation.tenant_draws(0).expect("a tenant").margin.expect("revenue");
    let (first, _) = Spread::of(draws).expect("draws");
    let expected =
        [(-0.130_338_66, 6.7285e-3), (0.263_089_44, 2.3059e-3), (0.522_913_91, 3.3634e-3)];
    within_four_errors("margin of tenant 0", &first, &expected);
    let expected = [(643.916, 6.304), (1295.384, 6.292), (2305.169, 14.761)];
    within_four_errors("profit of tenant 3", &outcome.tenants[3].profit_usd, &expected);
    let below = outcome.tenants.iter().map(|tenant| tenant.margin.expect("revenue").below_floor);
    let mean_below = below.sum::<f64>() / 1000.0;
    assert!((mean_below - 0.373_717_71).abs() < 1e-4, "{mean_below}");
}

#[test]
fn shared_factors_agree_with_the_reference_and_their_correlations_too() {
    let simulation = simulation(1000, Dependence::SHARED, 10_000);
    let outcome = simulation.run().expect("a run");
    let portfolio = whole(&outcome);
    within_four_errors(
        "profit",
        &portfolio.profit_usd,
        &[(212_684.849, 1559.948), (368_423.013, 1291.910), (617_782.673, 3242.154)],
    );
    let (margin, _) = portfolio.margin.expect("revenue");
    let expected =
        [(0.292_079_78, 1.3793e-3), (0.427_276_02, 6.6731e-4), (0.535_777_55, 1.4411e-3)];
    within_four_errors("margin", &margin.spread, &expected);
    let draws = outcome.sums.draws(&Slider::default()).expect("draws");
    let correlations = simulation.rank_correlations(&draws.margin.expect("revenue"));
    assert_eq!(correlations.len(), 17, "three and four factors of each kind");
    let expected = [
        ("cost", "p0", -0.520_536),
        ("cost", "p1", -0.593_492),
        ("cost", "p2", -0.375_170),
        ("usage", "free", -0.048_396),
        ("usage", "starter", 0.075_245),
        ("usage", "enterprise", -0.075_971),
        ("latency", "r0", -0.056_720),
        ("downtime", "p1", -0.150_653),
        ("elasticity", "free", -0.000_825),
    ];
    for (input, name, expected) in expected {
        let found = correlations.iter().find(|(f, _)| f.input.name() == input && f.name == name);
        let found = found.expect("a factor").1.expect("it varies");
        // The error of a rank correlation of ten thousand draws is a hundredth.
        assert!((found - expected).abs() < 0.04, "{input} {name}: {found} {expected}");
    }
}

#[test]
fn the_tornado_is_that_of_the_reference() {
    let simulation = simulation(1000, Dependence::INDEPENDENT, 100);
    let tornado = simulation.tornado();
    let near = |found: f64, expected: f64| {
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
    };
    near(tornado.base, 380_950.573_277_245_5);
    let expected = [
        ("usage", 223_225.694_821_525_83, 671_631.479_496_372_9),
        ("cost", 481_535.740_426_738_6, 243_874.430_906_816_62),
        ("downtime", 380_950.573_277_245_5, 298_816.341_514_343_34),
        ("latency", 395_965.712_604_544_3, 355_448.887_465_007_6),
        ("elasticity", 371_540.489_711_215_14, 390_598.987_994_716_5),
    ];
    for (bar, (name, low, high)) in tornado.bars.iter().zip(expected) {
        assert_eq!(bar.name, name);
        near(bar.low, low);
        near(bar.high, high);
    }
}

/// The draws of every tenant, against the law that needs none.
fn draws_follow_the_law(simulation: &Simulation) {
    let draws = f64::from(u32::try_from(simulation.draws()).expect("few draws"));
    for at in 0..simulation.tenants() {
        let law = simulation.margin_law(at).expect("revenue");
        let margins = simulation.tenant_draws(at).expect("a tenant").margin.expect("revenue");
        let (margin, _) = MarginSpread::of(margins, 0.35).expect("draws");
        let spread = margin.spread;
        for (q, found) in [(0.05, spread.p5), (0.5, spread.p50), (0.95, spread.p95)] {
            let error = law.quantile_standard_error(q, draws);
            let off = (found.value - law.quantile(q)).abs() / error;
            assert!(off < 5.0, "tenant {at}: {q} is {off:.1} errors off");
        }
        let below = law.below(0.35);
        let off = (margin.below_floor - below).abs();
        assert!(off <= 5.0 * share_standard_error(below, draws), "tenant {at}: {off}");
    }
}

#[test]
fn the_exact_law_of_a_tenant_is_what_its_draws_tend_to() {
    draws_follow_the_law(&simulation(40, Dependence::INDEPENDENT, 10_000));
}

#[test]
fn jumps_of_a_provider_widen_the_draws_as_the_exact_law_says() {
    let mut uncertain = uncertainty(Dependence::INDEPENDENT);
    uncertain.horizon_years = 1.0;
    let jumps = Jumps { per_year: 0.8, share_up: 0.5, mean: 0.1, deviation: 0.4 };
    uncertain.jumps = ["p0", "p1", "p2"].map(|name| (name.to_owned(), jumps)).into();
    let simulation = Simulation::new(&portfolio(8), &uncertain, &scenario(), plan(20_000));
    draws_follow_the_law(&simulation.expect("a model"));
}

#[test]
fn a_slider_gives_what_the_scenario_gives() {
    let draws = 2_000;
    let base = simulation(60, Dependence::SHARED, draws).run().expect("a run");
    let mut dearer = scenario();
    dearer.cost.insert("p1".into(), change(decimal("0.56")));
    let uncertain = uncertainty(Dependence::SHARED);
    let moved = Simulation::new(&portfolio(60), &uncertain, &dearer, plan(draws));
    let moved = moved.expect("a model");
    let slider = Slider { cost: BTreeMap::from([("p1".to_owned(), 1.2)]), ..Slider::default() };
    let slid = base.sums.draws(&slider).expect("draws");
    let drawn = moved.run().expect("a run").sums.draws(&Slider::default()).expect("draws");
    let pairs = slid.profit_usd.iter().zip(&drawn.profit_usd);
    for (slid, drawn) in pairs {
        assert!((slid - drawn).abs() <= 1e-9 * drawn.abs().max(1.0), "{slid} {drawn}");
    }
    let slid = simulation(60, Dependence::SHARED, draws).below_floor(&slider).expect("shares");
    for (at, slid) in slid.into_iter().enumerate() {
        let law = moved.margin_law(at).expect("revenue");
        assert!((slid.expect("revenue") - law.below(0.35)).abs() < 1e-12, "tenant {at}");
    }
}

/// A portfolio of tenants whose usage answers to no price.
fn unanswering(promises: &Promises) -> Portfolio {
    let tenants = (0..60).map(|at| Tenant { elasticity: 0.0, ..tenant(at) }).collect();
    let promises = TIERS.map(|tier| (tier.to_owned(), promises.clone()));
    Portfolio::new(tenants, BTreeMap::from(promises)).expect("tenants")
}

#[test]
fn sliders_of_price_and_penalty_are_what_nobody_answers_to() {
    let uncertain = Uncertainty { elasticity_sigma: 0.0, ..uncertainty(Dependence::SHARED) };
    let drawn = |portfolio: &Portfolio, scenario: &Scenario, slider: &Slider| {
        let simulation = Simulation::new(portfolio, &uncertain, scenario, plan(500));
        let outcome = simulation.expect("a model").run().expect("a run");
        outcome.sums.draws(slider).expect("draws")
    };
    let (attainment, uptime) = promised();
    let promised = Promises { attainment: ladder(&attainment), uptime: ladder(&uptime) };
    let price = TIERS.map(|tier| (tier.to_owned(), change(decimal("0.1")))).into();
    let dearer = Scenario { price, ..Scenario::default() };
    let still = Slider::default();
    let regions = ["r0", "r1", "r2"].map(|region| (region.to_owned(), 0.0)).into();
    for (moved, slid) in [
        (
            drawn(&unanswering(&promised), &dearer, &still),
            drawn(
                &unanswering(&promised),
                &Scenario::default(),
                &Slider { price: 1.1, ..Slider::default() },
            ),
        ),
        (
            drawn(&unanswering(&Promises::default()), &dearer, &still),
            drawn(
                &unanswering(&promised),
                &Scenario::default(),
                &Slider { price: 1.1, penalty: regions, ..Slider::default() },
            ),
        ),
    ] {
        let (moved, slid) = (moved.margin.expect("revenue"), slid.margin.expect("revenue"));
        for (moved, slid) in moved.iter().zip(&slid) {
            assert!((moved - slid).abs() < 1e-12, "{moved} {slid}");
        }
    }
}

#[test]
fn threads_and_steps_of_any_size_give_the_same_bits() {
    let simulation = simulation(150, Dependence::INDEPENDENT, 500);
    let alone = simulation.run().expect("a run");
    let blocks = std::thread::scope(|scope| {
        let drawn = (0..simulation.blocks()).rev().map(|index| {
            let simulation = &simulation;
            scope.spawn(move || simulation.block(index).expect("a block"))
        });
        let mut drawn: Vec<_> = drawn.collect();
        drawn.reverse();
        drawn.into_iter().map(|thread| thread.join().expect("a block")).collect::<Vec<_>>()
    });
    let mut run = simulation.start();
    assert!(run.clone().absorb(blocks[1].clone()).is_err(), "blocks have one order");
    assert!(run.clone().finish().is_err(), "blocks are missing");
    for block in blocks {
        run.absorb(block).expect("the next block");
    }
    let together = run.finish().expect("complete");
    let bits = |outcome: &Outcome| {
        let draws = outcome.sums.draws(&Slider::default()).expect("draws");
        draws.profit_usd.iter().map(|profit| profit.to_bits()).collect::<Vec<u64>>()
    };
    assert_eq!(bits(&alone), bits(&together));
    assert_eq!(alone, together);
}

#[test]
fn a_tenant_draws_the_same_whoever_else_is_there() {
    let few = simulation(8, Dependence::INDEPENDENT, 500).run().expect("a run");
    let many = simulation(40, Dependence::INDEPENDENT, 500).run().expect("a run");
    assert_eq!(few.tenants, many.tenants[..8]);
}

/// The bits of a small run, as they were when this was written: natively, in a browser, on any
/// machine. Who changes a formula changes them; nothing else may.
#[test]
fn the_bits_of_a_run_are_those_of_every_other_machine() {
    let outcome = simulation(40, Dependence::SHARED, 1_000).run().expect("a run");
    let draws = outcome.sums.draws(&Slider::default()).expect("draws");
    let fold = |hash: u64, value: &f64| {
        (hash.rotate_left(5) ^ value.to_bits()).wrapping_mul(0x517c_c1b7_2722_0a95)
    };
    assert_eq!(draws.profit_usd.iter().fold(0, fold), 15_666_227_421_248_880_454);
}

#[test]
fn what_is_given_away_has_a_profit_and_no_margin() {
    let mut free = tenant(0);
    free.price_usd_per_k = 0.0;
    let promises = BTreeMap::from([(free.tier.clone(), Promises::default())]);
    let portfolio = Portfolio::new(vec![free], promises).expect("a tenant");
    let base = Scenario::default();
    let uncertain = uncertainty(Dependence::SHARED);
    let simulation = Simulation::new(&portfolio, &uncertain, &base, plan(500)).expect("a model");
    let outcome = simulation.run().expect("a run");
    assert_eq!(outcome.tenants[0].margin, None);
    assert!(outcome.tenants[0].profit_usd.p95.value < 0.0);
    assert_eq!(whole(&outcome).margin, None);
    assert_eq!(simulation.margin_law(0), None);
    assert_eq!(simulation.tenant_tornado(0), None);
    assert_eq!(simulation.below_floor(&Slider::default()), Ok(vec![None]));
}

#[test]
fn what_cannot_be_simulated_is_refused_before_it_is_drawn() {
    let uncertain = uncertainty(Dependence::SHARED);
    let small = portfolio(2);
    let refused = |scenario: &Scenario, plan: Plan| {
        Simulation::new(&small, &uncertain, scenario, plan).expect_err("refused").to_string()
    };
    let base = Scenario::default();
    assert!(refused(&base, plan(10)).starts_with("draws: 10 given, at least 100"));
    assert!(refused(&base, plan(1_000_001)).starts_with("draws: 1000001 given, at most"));
    let mut misspelt = Scenario::default();
    misspelt.cost.insert("p9".into(), change(decimal("0.3")));
    assert!(refused(&misspelt, plan(500)).contains("no provider called \"p9\""));
    assert!(Portfolio::new(vec![], BTreeMap::new()).is_err());
    assert!(Portfolio::new(vec![tenant(0)], BTreeMap::new()).is_err(), "a tier without terms");
    let promises = TIERS.map(|tier| (tier.to_owned(), Promises::default()));
    let twice = Portfolio::new(vec![tenant(0), tenant(0)], promises.into());
    assert!(twice.is_err(), "one tenant twice");
    let wrong = Slider { price: 0.0, ..Slider::default() };
    assert!(wrong.check().is_err());
    assert!(Slider { price: f64::NAN, ..Slider::default() }.check().is_err());
}
