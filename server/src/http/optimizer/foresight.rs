//! The foresight loop over HTTP: what the standing stresses came to last, and a run at once.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use serde_json::{Value, json};

use crate::http::ask::Asked;
use crate::http::events::record::{Wish, until_in_force};
use crate::http::place::Place;
use crate::http::{Services, Shared};
use crate::identity::Principal;
use crate::problem::Problem;

pub(super) async fn read(
    State(shared): State<Shared>,
    principal: Principal,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadPricing)?;
    let catalog = shared.projection.catalog();
    let foresight = catalog.book().policy().1.foresight;
    let run = catalog.foresight().map(|run| {
        let mut value = serde_json::to_value(&run.value).unwrap_or_default();
        value["decision"] = json!({ "eventId": run.event_id, "slot": run.slot });
        value
    });
    Ok(Json(json!({ "on": foresight.on, "everyHours": foresight.every_hours, "run": run })))
}

pub(super) async fn run(
    State(shared): State<Shared>,
    principal: Principal,
    place: Place,
    Asked(wish): Asked<Wish>,
) -> Result<Response, Problem> {
    principal.require(Action::SetAutonomy)?;
    let seat = wish.seat(place)?;
    let report = foresee(&shared, wish).await?;
    drop(seat);
    Ok((StatusCode::CREATED, Json(report)).into_response())
}

pub(super) async fn foresee(shared: &Services, wish: Wish) -> Result<Value, Problem> {
    let report = shared.optimizer.foresee().await?;
    until_in_force(shared, report.slot, wish).await;
    serde_json::to_value(&report).map_err(Problem::fault)
}
