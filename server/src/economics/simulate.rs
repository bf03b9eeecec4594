//! One question answered: usage read, priced, drawn on all cores, explained.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::Timestamp;
use domain::economics::EconomicsError;
use domain::economics::simulation::{DRAWS_MIN, Outcome, Simulation};
use domain::economics::study::{self, Answer, Board, Inputs, Request, TENANT_DRAWS_MAX};
use domain::economics::token_cost::ModelKey;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::beyond::Beyond;
use super::inputs::{inputs, price_map};
use super::parallel::{self, Stopped};
use super::usage::Books;
use crate::projection::{Projection, USAGE_PAGE_MAX, UsageFilter};

/// A year of a thousand tenants is more; ask for a shorter window.
pub const USAGE_ROWS_MAX: usize = 500_000;
/// Simulations at a time: each uses all cores, so a second one only makes both late.
const RUNNING_MAX: usize = 1;
/// List prices that are looked at at a time: each may read for seconds, and the pool of connections
/// serves everybody.
const LOOKING_MAX: usize = 2;
/// Most looks are over by then; whoever waits holds no connection.
const LOOK_WAIT: Duration = Duration::from_secs(3);

/// Tenants times draws that a page waits for: some hundredths of a second of one processor. The
/// browser draws the rest.
const PAGE_DRAWS: usize = 200_000;

/// Which usage, at the prices of which day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Usage of hours that begin at or after.
    pub from: Option<Timestamp>,
    /// Usage of hours that begin before.
    pub to: Option<Timestamp>,
    /// Now, if left out.
    pub prices_as_of: Option<Timestamp>,
}

impl From<&Request> for Window {
    fn from(request: &Request) -> Self {
        let Request { from, to, prices_as_of, .. } = *request;
        Window { from, to, prices_as_of }
    }
}

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
    #[error("other list prices are being looked at")]
    Looking,
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

/// A screen's answer.
#[derive(Clone, Debug)]
pub struct Shown {
    pub inputs: Inputs,
    /// What was asked, less what these inputs do not have.
    pub request: Request,
    pub board: Board,
    /// A sentence for each scenario that lost something.
    pub left_out: Vec<String>,
}

/// Draws a simulation.
pub type Draw<'a> = dyn Fn(&Simulation) -> Result<Outcome, SimulateError> + 'a;

/// Leave to draw on all cores: nothing else is drawn meanwhile.
#[derive(Debug)]
pub struct Cores {
    _held: OwnedSemaphorePermit,
}

impl Cores {
    /// Does the work, which draws as often as it needs to. Dropping the future stops it within a
    /// round of blocks.
    ///
    /// # Errors
    /// What the work says, or that it was stopped.
    pub async fn draw<T: Send + 'static>(
        self,
        work: impl FnOnce(&Draw<'_>) -> Result<T, SimulateError> + Send + 'static,
    ) -> Result<T, SimulateError> {
        let stop = CancellationToken::new();
        let _stops: DropGuard = stop.clone().drop_guard();
        let work = move || {
            let done = work(&|it: &Simulation| Ok(parallel::run(it, |_, _| !stop.is_cancelled())?));
            drop(self); // only now may another begin
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| SimulateError::Stopped)?
    }
}

/// Answers what would be. Cheap to share.
#[derive(Debug)]
pub struct Economics {
    pub(super) projection: Arc<Projection>,
    running: Arc<Semaphore>,
    looking: Semaphore,
}

impl Economics {
    #[must_use]
    pub fn new(projection: Arc<Projection>) -> Self {
        let running = Arc::new(Semaphore::new(RUNNING_MAX));
        Economics { projection, running, looking: Semaphore::new(LOOKING_MAX) }
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
        let cores = self.cores()?;
        let inputs = self.inputs(Window::from(&request), now).await?;
        draw(cores, inputs, request).await
    }

    /// The same, less what a scenario changes that the usage does not have. For requests that were
    /// kept, or stand in an address, and meet a window of another day.
    ///
    /// # Errors
    /// As those of [`Economics::simulate`].
    pub async fn simulate_what_fits(
        &self,
        mut request: Request,
        now: Timestamp,
    ) -> Result<Answer, SimulateError> {
        request.check()?;
        let cores = self.cores()?;
        let inputs = self.inputs(Window::from(&request), now).await?;
        let left_out = request.fit(&inputs);
        let mut answer = draw(cores, inputs, request).await?;
        answer.warnings.extend(left_out);
        Ok(answer)
    }

    /// # Errors
    /// Another simulation is running.
    pub fn cores(&self) -> Result<Cores, SimulateError> {
        let permit = Arc::clone(&self.running).try_acquire_owned();
        permit.map(|_held| Cores { _held }).map_err(|_| SimulateError::Busy)
    }

    /// Leave to look at what a list price would change, while it is held.
    pub(super) async fn leave_to_look(&self) -> Result<SemaphorePermit<'_>, SimulateError> {
        let leave = tokio::time::timeout(LOOK_WAIT, self.looking.acquire()).await;
        leave.ok().and_then(Result::ok).ok_or(SimulateError::Looking)
    }

    /// A screen's answer at once: with fewer draws where there are many tenants, and beside
    /// whatever else is running. `opened`: a tenant whose lever stands there unmoved.
    ///
    /// # Errors
    /// The request is absurd, or nothing can be priced.
    pub async fn board(
        &self,
        mut request: Request,
        opened: Option<String>,
        now: Timestamp,
    ) -> Result<Shown, SimulateError> {
        request.check()?;
        let inputs = self.inputs(Window::from(&request), now).await?;
        let left_out = request.fit(&inputs);
        let affordable = PAGE_DRAWS / inputs.usage.len().max(1);
        let draws = request.draws.min(affordable.max(DRAWS_MIN));
        let work = move || {
            let few = Request { draws, ..request.clone() };
            let board = Board::of(&inputs, &few, opened.as_deref(), Simulation::run)?;
            Ok(Shown { inputs, request, board, left_out })
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| SimulateError::Stopped)?
    }

    /// What a what-if begins with: the usage of a window, priced.
    ///
    /// # Errors
    /// There is none, or none that can be priced.
    pub async fn inputs(&self, window: Window, now: Timestamp) -> Result<Inputs, SimulateError> {
        let at = window.prices_as_of.unwrap_or(now);
        let catalog = self.projection.catalog();
        let prices = price_map(&catalog, at);
        let filter = UsageFilter { from: window.from, to: window.to, ..UsageFilter::default() };
        let span = (window.from, window.to);
        let beyond = Beyond::of(&self.projection, &catalog, None, span).await?;
        let (mut books, mut cursor) = (Books::default(), None);
        loop {
            let page = self.projection.usage_page(&filter, cursor.as_ref(), USAGE_PAGE_MAX).await?;
            for row in &page.items {
                books.take(row, &catalog, &prices, at, &beyond)?;
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
        books.latencies = self.projection.latencies(window.from, window.to).await?;
        Ok(inputs(books, &catalog, &prices, at)?)
    }
}

/// On all cores. Dropping the future stops it within a round of blocks.
async fn draw(cores: Cores, inputs: Inputs, request: Request) -> Result<Answer, SimulateError> {
    check_work(inputs.usage.len(), request.draws)?;
    cores.draw(move |draw| study::answer(&inputs, &request, draw)).await
}

fn check_work(tenants: usize, draws: usize) -> Result<(), EconomicsError> {
    let count = tenants.saturating_mul(draws);
    if count <= TENANT_DRAWS_MAX {
        return Ok(());
    }
    let reason = "an answer must come within seconds; ask for fewer draws";
    Err(EconomicsError::TooMany { what: "tenants × draws", count, max: TENANT_DRAWS_MAX, reason })
}
