//! The forms of the page Fabric: what browsers without scripts send, and those with.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::Redirect;
use domain::access::Action;
use domain::catalog::{Known, RoutingDrain};
use domain::cloud::Cloud;
use domain::event::TenantId;
use domain::fabric::shares::Shares;
use serde::Deserialize;
use serde_json::json;

use super::super::Shared;
use super::shares::from_percent;
use crate::http::back::{EFFECT_MS, read_form};
use crate::http::events::record::{Wish, record_one, until_in_force};
use crate::http::optimizer::{open_shares, take_shares_back};
use crate::identity::{Principal, query_value};
use crate::problem::Problem;

const PAGE: &str = "/fabric";
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    act: Verb,
    /// Whom it is about, where it is about one.
    cloud: Option<Cloud>,
    #[serde(default)]
    reason: String,
    /// Of the shares that are to be taken back.
    version: Option<u64>,
    /// Shares in percent.
    #[serde(default)]
    gcp: String,
    #[serde(default)]
    aws: String,
    #[serde(default)]
    azure: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Drain,
    Restore,
    Share,
    Unshare,
}

impl Verb {
    const fn needs(self) -> Action {
        match self {
            Verb::Drain | Verb::Restore => Action::DrainCloud,
            Verb::Share => Action::Propose,
            Verb::Unshare => Action::Approve,
        }
    }
}

/// Back to the page, which says what is so now or what was wrong; a proposal leads to where it is
/// decided on.
pub(super) async fn act(
    State(shared): State<Shared>,
    principal: Principal,
    form: Result<Form<Wanted>, FormRejection>,
) -> Result<Redirect, Problem> {
    let wanted = read_form(form)?;
    principal.require(wanted.act.needs())?;
    let done = match wanted.act {
        Verb::Drain | Verb::Restore => drain(&shared, &principal, &wanted).await,
        Verb::Share | Verb::Unshare => share(&shared, &principal, &wanted).await,
    };
    match done {
        Ok(page) => Ok(Redirect::to(&page)),
        Err(problem) if problem.status < 500 || problem.code == "busy" => {
            let field = problem.errors.first();
            let field = field.and_then(|error| error.field.rsplit('/').next());
            let why = query_value(field.unwrap_or(problem.code));
            Ok(Redirect::to(&format!("{PAGE}?problem={why}")))
        }
        Err(problem) => Err(problem),
    }
}

async fn drain(shared: &Shared, principal: &Principal, wanted: &Wanted) -> Result<String, Problem> {
    let missing = || Problem::malformed("The form names no cloud.").field("cloud", "is missing");
    let cloud = wanted.cloud.ok_or_else(missing)?;
    let reason = wanted.reason.trim().to_owned();
    let drain = RoutingDrain { cloud, drained: wanted.act == Verb::Drain, reason };
    let payload = Known::RoutingDrain(drain).to_payload();
    let event = json!({ "tenantId": TenantId::platform(), "payload": payload });
    let (_, accepted) = record_one(shared, principal, event).await?;
    until_in_force(shared, accepted.slot, Wish::final_within(EFFECT_MS)).await;
    Ok(PAGE.to_owned())
}

async fn share(shared: &Shared, principal: &Principal, wanted: &Wanted) -> Result<String, Problem> {
    let (wish, reason) = (Wish::final_within(EFFECT_MS), &wanted.reason);
    let (id, _) = if wanted.act == Verb::Share {
        let fields =
            [(Cloud::Gcp, &*wanted.gcp), (Cloud::Aws, &wanted.aws), (Cloud::Azure, &wanted.azure)];
        let shares = Shares(from_percent(fields)?);
        open_shares(shared, principal, shares, reason, wish).await?
    } else {
        take_shares_back(shared, principal, wanted.version, reason, wish).await?
    };
    Ok(format!("/approvals/{id}"))
}
