//! One question answered: usage read, priced, drawn on all cores, explained.

use std::sync::Arc;

use domain::clock::Timestamp;
use domain::economics::EconomicsError;
use domain::economics::bridge::{Bridge, Moved};
use domain::economics::draw::GENERATOR;
use domain::economics::scenario::Scenario;
use domain::economics::simulation::{DRAWS_MIN, Plan, Simulation};
use domain::economics::token_cost::ModelKey;
use rust_decimal::Decimal;
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::answer::{Answer, Compared, LeverBridge, Results};
use super::inputs::{Inputs, price_map};
use super::parallel::{self, Stopped};
use super::request::{Request, TENANT_DRAWS_MAX};
use super::usage::Books;
use crate::projection::{Projection, USAGE_PAGE_MAX, UsageFilter};

/// A year of a thousand tenants is more; ask for a shorter window.
pub const USAGE_ROWS_MAX: usize = 500_000;
/// Simulations at a time: each uses all cores, so a second one only makes both late.
const RUNNING_MAX: usize = 1;
/// Dollars are exact to a millionth in a bridge between two float profits.
const PROFIT_DECIMALS: u32 = 6;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    #[error(transparent)]
    Economics(#[from] EconomicsError),
    #[error("there is no usage to simulate in this window")]
    NoUsage,
    #[error("none of the usage can be priced")]
    NothingPriced { models: Vec<ModelKey> },
    #[error("{rows} rows of usage and more; at most {USAGE_ROWS_MAX}")]
    TooMuchUsage { rows: usize },
    #[error("another simulation is running")]
    Busy,
    #[error("the simulation was stopped")]
    Stopped,
    #[error("the usage cannot be read: {0}")]
    Database(#[from] sqlx::Error),
}

impl From<Stopped> for SimulateError {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::ByCaller => SimulateError::Stopped,
            Stopped::Economics(error) => SimulateError::Economics(error),
        }
    }
}

/// Answers what would be. Cheap to share.
#[derive(Debug)]
pub struct Economics {
    projection: Arc<Projection>,
    running: Arc<Semaphore>,
}

impl Economics {
    #[must_use]
    pub fn new(projection: Arc<Projection>) -> Self {
        Economics { projection, running: Arc::new(Semaphore::new(RUNNING_MAX)) }
    }

    /// Dropping the future stops the simulation within a round of blocks.
    ///
    /// # Errors
    /// The request is absurd, nothing can be priced, or another simulation is running.
    pub async fn simulate(
        &self,
        request: Request,
        now: Timestamp,
    ) -> Result<Answer, SimulateError> {
        request.check()?;
        let permit = Arc::clone(&self.running).try_acquire_owned();
        let permit = permit.map_err(|_| SimulateError::Busy)?;
        let inputs = self.inputs(&request, now).await?;
        let stop = CancellationToken::new();
        let _stops: DropGuard = stop.clone().drop_guard();
        let work = move || {
            let answer = answer(&inputs, &request, &|| !stop.is_cancelled());
            drop(permit); // only now may another begin
            answer
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| SimulateError::Stopped)?
    }

    async fn inputs(&self, request: &Request, now: Timestamp) -> Result<Inputs, SimulateError> {
        let at = request.prices_as_of.unwrap_or(now);
        let catalog = self.projection.catalog();
        let prices = price_map(&catalog, at);
        let filter = UsageFilter { from: request.from, to: request.to, ..UsageFilter::default() };
        let (mut books, mut cursor) = (Books::default(), None);
        loop {
            let page = self.projection.usage_page(&filter, cursor.as_ref(), USAGE_PAGE_MAX).await?;
            for row in &page.items {
                books.take(row, &catalog, &prices, at)?;
            }
            if books.rows > USAGE_ROWS_MAX {
                return Err(SimulateError::TooMuchUsage { rows: books.rows });
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        if books.rows == 0 {
            return Err(SimulateError::NoUsage);
        }
        if books.places.is_empty() {
            return Err(SimulateError::NothingPriced { models: books.unpriced() });
        }
        check_work(books.places.len(), request.draws)?;
        Ok(Inputs::new(books, &catalog, &prices, request, at)?)
    }
}

fn check_work(tenants: usize, draws: usize) -> Result<(), EconomicsError> {
    let count = tenants.saturating_mul(draws);
    if count <= TENANT_DRAWS_MAX {
        return Ok(());
    }
    let reason = "an answer must come within seconds; ask for fewer draws";
    Err(EconomicsError::TooMany { what: "tenants × draws", count, max: TENANT_DRAWS_MAX, reason })
}

fn answer(
    inputs: &Inputs,
    request: &Request,
    goes_on: &dyn Fn() -> bool,
) -> Result<Answer, SimulateError> {
    let base = results(inputs, request, &Scenario::default(), goes_on)?;
    let mut scenarios = Vec::with_capacity(request.scenarios.len());
    for asked in &request.scenarios {
        scenarios.push(Compared {
            name: asked.name.trim().to_owned(),
            changes: asked.changes.clone(),
            results: results(inputs, request, &asked.changes, goes_on)?,
            bridge: bridge(inputs, request, &asked.changes)?,
        });
    }
    Ok(Answer {
        generator: GENERATOR,
        seed: request.seed.to_string(),
        draws: request.draws,
        floor: request.floor,
        provenance: inputs.provenance.clone(),
        assumptions: request.assumptions.clone(),
        warnings: warnings(inputs, request),
        base,
        scenarios,
    })
}

fn results(
    inputs: &Inputs,
    request: &Request,
    scenario: &Scenario,
    goes_on: &dyn Fn() -> bool,
) -> Result<Results, SimulateError> {
    let (portfolio, uncertainty) = (&inputs.portfolio, &inputs.uncertainty);
    let simulation = Simulation::new(portfolio, uncertainty, scenario, request.plan())?;
    let outcome = parallel::run(&simulation, |_, _| goes_on())?;
    Ok(Results::new(inputs, &simulation, &outcome, scenario, request)?)
}

/// What each kind of change moves, over all orders in which they could have come.
fn bridge(
    inputs: &Inputs,
    request: &Request,
    scenario: &Scenario,
) -> Result<LeverBridge, EconomicsError> {
    // Usual values need no draws, but a simulation has at least so many.
    let plan = Plan { draws: DRAWS_MIN, ..request.plan() };
    let profit = |moved: Moved| {
        let scenario = only(scenario, moved);
        let of = Simulation::new(&inputs.portfolio, &inputs.uncertainty, &scenario, plan)?;
        let profit = Decimal::try_from(of.tornado().base).ok();
        let overflow = EconomicsError::Overflow { what: "the profit" };
        profit.map(|profit| profit.round_dp(PROFIT_DECIMALS)).ok_or(overflow)
    };
    let levers = ["cost", "latency", "price", "latencyPenalty"];
    Ok(LeverBridge { levers, bridge: Bridge::shapley(levers.len(), profit)? })
}

/// The scenario with some of its kinds of change, and the rest as they were.
fn only(scenario: &Scenario, moved: Moved) -> Scenario {
    let mut only = Scenario::default();
    if moved.has(0) {
        only.cost.clone_from(&scenario.cost);
    }
    if moved.has(1) {
        only.latency.clone_from(&scenario.latency);
    }
    if moved.has(2) {
        only.price.clone_from(&scenario.price);
    }
    if moved.has(3) {
        only.latency_penalty.clone_from(&scenario.latency_penalty);
    }
    only
}

fn warnings(inputs: &Inputs, request: &Request) -> Vec<String> {
    let mut warnings = Vec::new();
    let excluded = inputs.provenance.excluded.len();
    if excluded > 0 {
        warnings.push(format!(
            "{excluded} models are left out of every figure, because they or their tenants have \
             no price: see provenance.excluded."
        ));
    }
    if request.scenarios.iter().any(|asked| !asked.changes.price.is_empty()) {
        let elasticity = request.assumptions.elasticity;
        warnings.push(format!(
            "How usage answers to a price is an assumption: an elasticity of {elasticity}."
        ));
    }
    if inputs.provenance.inexact_rows > 0 {
        let rows = inputs.provenance.inexact_rows;
        warnings.push(format!(
            "{rows} rows of usage were costed at ordinary rates: an hour's sum does not tell which \
             requests were long or off-peak."
        ));
    }
    if inputs.provenance.latency.values().any(|latency| latency.assumed) {
        warnings.push("Some regions' requests stated no latency: theirs is assumed.".to_owned());
    }
    warnings
}
