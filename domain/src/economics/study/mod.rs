//! A what-if as a whole: what is asked ([`Request`]), of what ([`Inputs`]), and what comes of it
//! ([`Answer`]).
//!
//! Who draws is another's choice: a server on all its cores, a browser block by block beside its
//! page ([`Desk`]), a command line. All of them make [`Model`]s, draw their simulations, and put the
//! outcomes together here; so one question has one answer, to the bit.

mod answer;
mod board;
mod bridge;
mod desk;
mod glance;
mod inputs;
mod latencies;
mod model;
mod penalties;
mod request;
mod routed;
mod stressed;

pub use answer::{
    Answer, BreakEven, Compared, Distribution, Figure, Results, TenantResult, Totals,
};
pub use board::{Basis, Board, Column, GroupRow, Grouping, LeftOut, TENANTS_SHOWN_MAX, TenantRow};
pub use bridge::{Lever, LeverBridge};
pub use desk::{Desk, Step};
pub use glance::{FALLING_MAX, Falling, Glance};
pub use inputs::{Excluded, Inputs, PlaceUsage, Provenance, Reason, Sources, TierPromise};
pub use latencies::{LatencyBasis, LatencyOf, PlaceLatency, RegionLatency, Sampled, Timed};
pub use model::Model;
pub use penalties::{Penalties, Served};
pub use request::{Asked, Assumptions, NAME_CHARS_MAX, Request, SCENARIOS_MAX, TENANT_DRAWS_MAX};
pub use stressed::{Level, Risk, Stressed};

use crate::economics::EconomicsError;
use crate::economics::scenario::Scenario;
use crate::economics::simulation::{Outcome, Simulation};

/// Answers all of a request: the base, then each scenario, with whoever draws.
///
/// # Errors
/// The request is absurd, or what `draw` refuses.
pub fn answer<E: From<EconomicsError>>(
    inputs: &Inputs,
    request: &Request,
    draw: impl Fn(&Simulation) -> Result<Outcome, E>,
) -> Result<Answer, E> {
    request.check()?;
    let results = |changes: &Scenario| {
        let model = Model::new(inputs, request, changes)?;
        let outcome = draw(model.simulation())?;
        Ok::<_, E>(model.results(&outcome, request)?)
    };
    let base = results(&Scenario::default())?;
    let mut scenarios = Vec::with_capacity(request.scenarios.len());
    for asked in &request.scenarios {
        let results = results(&asked.changes)?;
        scenarios.push(Compared::new(inputs, request, asked, results)?);
    }
    Ok(Answer::new(inputs, request, base, scenarios)?)
}
