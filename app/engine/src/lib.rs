//! What-ifs in a browser's worker, apart from the page: a study under levers that move.
//!
//! `worker.js` owns an [`Engine`], passes on what the page says, and lets it draw while nobody speaks.
//! All rules are `domain::economics::study`'s; here texts come in and texts go out.

use domain::economics::scenario::Scenario;
use domain::economics::simulation::{Portfolio, Simulation};
use domain::economics::study::{Desk, Inputs, Request, Step};
use domain::economics::workload;
use serde_json::json;
use wasm_bindgen::prelude::wasm_bindgen;

/// A desk, spoken to in JSON.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Engine(Desk);

/// A sentence for the reader.
type Refused = String;

#[wasm_bindgen]
impl Engine {
    /// `inputs`: as `GET /v1/economics/inputs` gives them. `request`: as `POST
    /// /v1/economics/simulate` takes it; its first scenario stands under the levers.
    ///
    /// # Errors
    /// They cannot be read, or the request is absurd.
    #[wasm_bindgen(constructor)]
    pub fn new(inputs: &str, request: &str) -> Result<Engine, Refused> {
        let inputs: Inputs = serde_json::from_str(inputs).map_err(refused)?;
        let request: Request = serde_json::from_str(request).map_err(refused)?;
        Desk::new(inputs, request).map(Engine).map_err(refused)
    }

    /// The levers stand so now. A glance, if the draws at hand allow one.
    ///
    /// # Errors
    /// The changes cannot be read.
    pub fn aim(&mut self, changes: &str) -> Result<Option<String>, Refused> {
        let changes: Scenario = serde_json::from_str(changes).map_err(refused)?;
        let glance = self.0.aim(changes).map_err(refused)?;
        glance.map(|glance| serde_json::to_string(&glance).map_err(refused)).transpose()
    }

    /// Draws a little: `{"drawing":{"blocksDone":…,"blocks":…}}`, `{"board":{…}}` when all is
    /// drawn, and nothing when there is nothing to say.
    ///
    /// # Errors
    /// The scenario changes what does not exist, or leads beyond what numbers can hold.
    pub fn advance(&mut self) -> Result<Option<String>, Refused> {
        let said = match self.0.advance().map_err(refused)? {
            Step::Drawing(progress) => json!({ "drawing": progress }),
            Step::Settled(board) => json!({ "board": board }),
            Step::Idle => return Ok(None),
        };
        Ok(Some(said.to_string()))
    }
}

/// The reason as a sentence that begins with a capital.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is given to `map_err`, which gives errors away"
)]
fn refused(error: impl ToString) -> Refused {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str().trim_end_matches('.'))
}

/// The benchmarks' workload, in this engine.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Workload {
    portfolio: Portfolio,
    /// What was drawn last.
    simulation: Option<Simulation>,
}

#[wasm_bindgen]
impl Workload {
    /// `rows`: the tenants.
    ///
    /// # Errors
    /// They cannot be read, or one is absurd.
    #[wasm_bindgen(constructor)]
    pub fn new(rows: &str) -> Result<Workload, Refused> {
        let rows = serde_json::from_str(rows).map_err(refused)?;
        let portfolio = workload::portfolio(rows).map_err(refused)?;
        Ok(Workload { portfolio, simulation: None })
    }

    /// All its figures.
    ///
    /// # Errors
    /// There is no such workload, or the numbers of seed and draws are absurd.
    pub fn run(&mut self, which: &str, seed: &str, draws: usize) -> Result<String, Refused> {
        let which = serde_json::from_value(json!(which)).map_err(refused)?;
        let seed = seed.parse().map_err(refused)?;
        let simulation =
            workload::simulation(&self.portfolio, which, seed, draws).map_err(refused)?;
        let results = workload::results(&simulation, Simulation::run).map_err(refused)?;
        self.simulation = Some(simulation);
        serde_json::to_string(&results).map_err(refused)
    }

    /// The exact margins of its tenants, which need no draws. 0 before it was run.
    #[must_use]
    pub fn exact_margins(&self) -> f64 {
        self.simulation.as_ref().map_or(0.0, workload::exact_margins)
    }
}
