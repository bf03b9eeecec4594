//! Shares of the traffic: proposed, decided on like prices, taken back by one act.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::access::Action;
use domain::cloud::Cloud;
use domain::economics::quantity::Share;
use domain::fabric::shares::Shares;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use super::Shared;
use crate::http::ask::{Asked, Whole, json as read_json, shape_of};
use crate::http::events::record::Wish;
use crate::http::optimizer::{open_shares, opened, take_shares_back};
use crate::http::place::Place;
use crate::identity::Principal;
use crate::problem::Problem;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    shares: Shares,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Back {
    reason: String,
    /// The version that is to be taken back.
    version: Option<u64>,
}

pub(super) async fn propose(
    State(shared): State<Shared>,
    principal: Principal,
    place: Place,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::Propose)?;
    let Wanted { shares, reason } = shape_of(read_json(&body)?, &["shares", "reason"])?;
    let seat = wish.seat(place)?;
    let then = shared.fabric.preview_shares(&shares);
    let proposed = open_shares(&shared, &principal, shares, &reason, wish).await;
    drop(seat);
    Ok(opened(&shared, proposed?, wish, Some(shared.fabric.warnings(&then))))
}

/// As in a proposal: `gcp=0.5&aws=0.5`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhatIf {
    gcp: Option<Decimal>,
    aws: Option<Decimal>,
    azure: Option<Decimal>,
}

/// What shares would come to now. Nothing is recorded.
pub(super) async fn preview(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(WhatIf { gcp, aws, azure }): Asked<WhatIf>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadFabric)?;
    let mut shares = BTreeMap::new();
    for (cloud, share) in [(Cloud::Gcp, gcp), (Cloud::Aws, aws), (Cloud::Azure, azure)] {
        let Some(share) = share else { continue };
        let wrong = |_| {
            let problem = Problem::invalid(format!("{share} is no share of the traffic."));
            problem.field(cloud.name(), "is not between 0 and 1")
        };
        shares.insert(cloud, Share::try_from(share).map_err(wrong)?);
    }
    let shares = Shares(shares);
    shares.check().map_err(|error| Problem::invalid(format!("{error}.")))?;
    Ok(Json(shared.fabric.previewed_shares(&shares)))
}

pub(super) async fn take_back(
    State(shared): State<Shared>,
    principal: Principal,
    place: Place,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::Approve)?;
    let Back { reason, version } = shape_of(read_json(&body)?, &["reason"])?;
    let seat = wish.seat(place)?;
    let back = take_shares_back(&shared, &principal, version, &reason, wish).await;
    drop(seat);
    Ok(opened(&shared, back?, wish, None))
}

/// In percent, as forms have them; all empty: there are none.
pub(in crate::http) fn from_percent(
    fields: [(Cloud, &str); 3],
) -> Result<BTreeMap<Cloud, Share>, Problem> {
    let wrong = |text: &str| {
        let problem = Problem::invalid(format!("\"{text}\" is no share of the traffic."));
        problem.field("/routingWeights", "is no percentage")
    };
    let mut shares = BTreeMap::new();
    for (cloud, text) in fields.into_iter().filter(|(_, text)| !text.trim().is_empty()) {
        let percent = text.trim().parse::<Decimal>().map_err(|_| wrong(text))?;
        let share = Share::try_from((percent / Decimal::ONE_HUNDRED).normalize())
            .map_err(|_| wrong(text))?;
        shares.insert(cloud, share);
    }
    Ok(shares)
}
