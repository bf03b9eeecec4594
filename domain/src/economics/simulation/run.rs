//! Advancing a simulation in steps that its caller drives: progress, stopping, threads.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::simulation::Simulation;
use crate::economics::simulation::block::{Block, GroupDraws, TenantOutcome};
use crate::economics::simulation::sums::DrawSums;

/// How much of a run is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    pub blocks_done: usize,
    pub blocks: usize,
}

impl Progress {
    #[must_use]
    pub const fn is_complete(self) -> bool {
        self.blocks_done == self.blocks
    }
}

/// A simulation under way. To stop it, drop it.
///
/// One thread calls [`Run::advance`] until it is complete. Several threads compute
/// [`Simulation::block`]s, which need nothing of each other, and one of them hands those in with
/// [`Run::absorb`], in order. The outcome has the same bits either way. Who keeps a run beyond a
/// function gives it an [`std::rc::Rc`] or [`std::sync::Arc`] of the simulation.
#[derive(Clone, Debug)]
pub struct Run<S> {
    simulation: S,
    blocks_done: usize,
    tenants: Vec<TenantOutcome>,
    groups: Vec<GroupDraws>,
}

/// A complete run.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// In the order of the portfolio.
    pub tenants: Vec<TenantOutcome>,
    /// Per draw and group: what sliders are evaluated on.
    pub sums: DrawSums,
}

impl<S: Borrow<Simulation>> Run<S> {
    #[must_use]
    pub fn new(simulation: S) -> Self {
        let drawn: &Simulation = simulation.borrow();
        let groups = drawn.groups().iter().map(|_| GroupDraws::zero(drawn.draws())).collect();
        let tenants = Vec::with_capacity(drawn.tenants());
        Run { simulation, blocks_done: 0, tenants, groups }
    }

    fn simulation(&self) -> &Simulation {
        self.simulation.borrow()
    }

    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress { blocks_done: self.blocks_done, blocks: self.simulation().blocks() }
    }

    /// Computes the next block; does nothing once the run is complete.
    ///
    /// # Errors
    /// A draw leads beyond what numbers can hold.
    pub fn advance(&mut self) -> Result<Progress, EconomicsError> {
        if !self.progress().is_complete() {
            self.absorb(self.simulation().block(self.blocks_done)?)?;
        }
        Ok(self.progress())
    }

    /// Takes the next block from whoever computed it.
    ///
    /// # Errors
    /// It is not the next one: sums have one order.
    pub fn absorb(&mut self, block: Block) -> Result<Progress, EconomicsError> {
        if block.index != self.blocks_done {
            let (given, expected) = (block.index, self.blocks_done);
            return Err(EconomicsError::BlockOutOfOrder { given, expected });
        }
        self.tenants.extend(block.tenants);
        for (at, draws) in &block.groups {
            if let Some(group) = self.groups.get_mut(*at) {
                group.add(draws);
            }
        }
        self.blocks_done += 1;
        Ok(self.progress())
    }

    /// # Errors
    /// Blocks are missing.
    pub fn finish(self) -> Result<Outcome, EconomicsError> {
        let Progress { blocks_done, blocks } = self.progress();
        if blocks_done < blocks {
            let what = "blocks of a run";
            return Err(EconomicsError::TooFew { what, count: blocks_done, min: blocks });
        }
        let Run { simulation, tenants, groups, .. } = self;
        let simulation: &Simulation = simulation.borrow();
        let groups = simulation.groups().iter().cloned().zip(groups).collect();
        let sums = DrawSums::new(groups, simulation.floor());
        Ok(Outcome { tenants, sums })
    }
}
