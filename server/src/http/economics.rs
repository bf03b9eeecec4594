//! `POST /v1/economics/simulate`: what would be, from FINAL usage and dated prices.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use domain::access::Action;
use domain::economics::EconomicsError;

use super::Shared;
use super::ask::{Whole, json as read_json, shape};
use crate::economics::{Answer, Request, SimulateError};
use crate::identity::Principal;
use crate::problem::Problem;

/// Models that a message names; more are counted.
const MODELS_NAMED_MAX: usize = 10;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/v1/economics/simulate", post(simulate))
}

/// Who closes the connection stops the simulation: the handler's future is dropped then.
async fn simulate(
    State(shared): State<Shared>,
    principal: Principal,
    Whole(body): Whole,
) -> Result<Json<Answer>, Problem> {
    principal.require(Action::Simulate)?;
    let request: Request = shape(read_json(&body)?)?;
    let answer = shared.economics.simulate(request, crate::now()).await;
    answer.map(Json).map_err(refused)
}

fn refused(error: SimulateError) -> Problem {
    let detail = error.to_string();
    let empty = |code, detail: String| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, "Nothing to simulate", detail)
    };
    match error {
        SimulateError::Economics(error) => absurd(&error),
        SimulateError::NoUsage => empty(
            "no_usage",
            "No usage is final in this window. Record usage events, or ask for another window \
             with from and to."
                .to_owned(),
        ),
        SimulateError::NothingPriced { models } => {
            let count = models.len();
            let named = models.iter().take(MODELS_NAMED_MAX);
            let detail = "None of the usage has both a provider price and a price of its tenant's \
                          tier. Import a price map with `ternion import prices`, and put tier \
                          prices for what is used.";
            let problem =
                empty("no_prices", format!("{detail} {count} models lack a provider price."));
            named.fold(problem, |problem, model| {
                problem.field("", format!("{model} has no provider price"))
            })
        }
        SimulateError::TooMuchUsage { .. } => Problem::invalid(format!(
            "There are {detail}. Ask for a shorter window with from and to."
        )),
        SimulateError::Busy => Problem::busy(
            "Another simulation is running on this cloud and takes all its processors. Try again \
             in a moment, or ask another cloud.",
        ),
        SimulateError::Stopped => Problem::fault(detail),
        SimulateError::Database(cause) => cause.into(),
    }
}

/// What can be wrong with an economic question, in its own words.
pub(super) fn absurd(error: &EconomicsError) -> Problem {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>());
    Problem::invalid(format!("{}{}.", first.unwrap_or_default(), letters.as_str()))
}
