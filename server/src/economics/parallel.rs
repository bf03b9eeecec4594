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
