//! What can be wrong with an economic question, as problems.

use axum::http::StatusCode;
use domain::economics::EconomicsError;

use super::simulate::SimulateError;
use crate::problem::Problem;

/// Models that a message names; more are counted.
const MODELS_NAMED_MAX: usize = 10;

impl From<SimulateError> for Problem {
    fn from(error: SimulateError) -> Problem {
        let detail = error.to_string();
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
                let detail = "None of the usage has both a provider price and a price of its \
                              tenant's tier. Import a price map with `ternion import prices`, and \
                              put tier prices for what is used.";
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
                "Another simulation is running on this cloud and takes all its processors. Try \
                 again in a moment, or ask another cloud.",
            ),
            SimulateError::Looking => Problem::busy(
                "Other list prices are being looked at on this cloud. Try again in a moment, or ask \
                 another cloud.",
            ),
            SimulateError::Stopped => Problem::fault(detail),
            SimulateError::Database(cause) => cause.into(),
        }
    }
}

fn empty(code: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, "Nothing to simulate", detail)
}

/// In its own words, as a sentence.
pub fn absurd(error: &EconomicsError) -> Problem {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>());
    Problem::invalid(format!("{}{}.", first.unwrap_or_default(), letters.as_str()))
}
