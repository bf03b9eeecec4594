//! A simulation on all cores. Blocks are computed in any order and absorbed in one, so the outcome
//! has the same bits whatever the number of threads.

use domain::economics::EconomicsError;
use domain::economics::simulation::{Outcome, Simulation};
use rayon::prelude::*;

/// Blocks under way for each thread: one to compute, one so that no thread waits for the slowest.
const BLOCKS_PER_THREAD: usize = 2;

/// Why a run has no outcome.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    #[error("the simulation was stopped before it was complete")]
    ByCaller,
    #[error(transparent)]
    Economics(#[from] EconomicsError),
}

/// Draws everything. Between two rounds of blocks, some hundredths of a second, asks whether to go
/// on.
///
/// # Errors
/// The caller stopped it; or a draw leads beyond what numbers can hold.
pub fn run(
    simulation: &Simulation,
    goes_on: impl Fn(usize, usize) -> bool,
) -> Result<Outcome, Stopped> {
    let blocks = simulation.blocks();
    let round = rayon::current_num_threads() * BLOCKS_PER_THREAD;
    let mut run = simulation.start();
    for first in (0..blocks).step_by(round) {
        if !goes_on(first, blocks) {
            return Err(Stopped::ByCaller);
        }
        let numbers = (first..blocks.min(first + round)).into_par_iter();
        let computed: Vec<_> =
            numbers.map(|at| simulation.block(at)).collect::<Result<_, EconomicsError>>()?;
        for block in computed {
            run.absorb(block)?;
        }
    }
    Ok(run.finish()?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::economics::draw::Seed;
    use domain::economics::latency::Lognormal;
    use domain::economics::penalty::Downtime;
    use domain::economics::quantity::Share;
    use domain::economics::scenario::Scenario;
    use domain::economics::simulation::{
        Dependence, Plan, Portfolio, Promises, Tenant, Uncertainty,
    };
    use domain::event::TenantId;

    use super::*;

    fn simulation() -> Simulation {
        let tenant = |at: u32| Tenant {
            tenant: TenantId::try_from(at.to_string()).expect("an id"),
            payer: TenantId::try_from(at.to_string()).expect("an id"),
            tier: "pro".into(),
            provider: format!("p{}", at % 3),
            region: "eu".into(),
            usage_k: 1_000.0,
            price_usd_per_k: 0.01,
            cost_usd_per_k: 0.006,
            cost_sigma: 0.2,
            usage_sigma: 0.3,
            latency: Lognormal::from_median(0.5, 0.3).expect("a law").into(),
            promised_s: 2.0,
            elasticity: -0.8,
        };
        let promises = BTreeMap::from([("pro".to_owned(), Promises::default())]);
        let portfolio = Portfolio::new((0..300).map(tenant).collect(), promises).expect("tenants");
        let uncertainty = Uncertainty {
            latency_sigma: 0.2,
            downtime: Downtime::new(4e-4, 1.2).expect("a downtime"),
            elasticity_sigma: 0.4,
            jumps: BTreeMap::new(),
            horizon_years: 0.0,
            dependence: Dependence::INDEPENDENT,
        };
        let plan = Plan { seed: Seed(3), draws: 200, floor: Share::ZERO };
        Simulation::new(&portfolio, &uncertainty, &Scenario::default(), plan).expect("a model")
    }

    #[test]
    fn any_number_of_threads_gives_the_bits_of_one() {
        let simulation = simulation();
        let alone = simulation.run().expect("a run");
        for threads in [1, 2, 5] {
            let pool =
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let together = pool.install(|| run(&simulation, |_, _| true)).expect("a run");
            assert_eq!(together, alone);
        }
    }

    #[test]
    fn a_run_ends_when_its_caller_says_so() {
        let stopped = run(&simulation(), |done, _| done == 0);
        assert!(matches!(stopped, Err(Stopped::ByCaller)), "{stopped:?}");
    }
}
