//! What a promoted scenario comes to: a proposal a tenant for its prices, and one for the shares of the
//! traffic. Each goes the way of every other proposal.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::catalog::{Grounds, ScenarioPromote};
use domain::economics::scenario::Scenario;
use domain::event::TenantId;
use domain::fabric::shares::Shares;
use domain::pricing::controls::{Content, Controls};
use serde_json::{Value, json};
use uuid::Uuid;

use super::acts::{open, reason_of, told};
use crate::economics::absurd;
use crate::http::Services;
use crate::http::events::record::Wish;
use crate::identity::Principal;
use crate::ledger::Accepted;
use crate::problem::Problem;

/// Tenants whose prices one promotion moves: nobody decides about more of them one by one.
const TENANTS_MAX: usize = 100;
/// Places of a proposed price, as a share of the list price.
const PRICE_DECIMALS: u32 = 6;

/// A proposal that was opened, or why it was not.
#[derive(Debug)]
pub(in crate::http) struct Opened {
    about: String,
    outcome: Result<Uuid, Problem>,
}

impl Opened {
    pub(in crate::http) const fn is_opened(&self) -> bool {
        self.outcome.is_ok()
    }

    pub(in crate::http) fn told(&self) -> Value {
        match &self.outcome {
            Ok(id) => json!({ "about": self.about, "proposalId": id }),
            Err(problem) => {
                json!({ "about": self.about, "code": problem.code, "detail": problem.detail })
            }
        }
    }
}

/// Opens what the promotion proposes. What cannot be opened is told, and keeps nothing else back.
pub(in crate::http) async fn open_promoted(
    shared: &Services,
    principal: &Principal,
    promotion: &ScenarioPromote,
) -> Vec<Opened> {
    let mut opened = Vec::new();
    if !promotion.routing_weights.is_empty() {
        let shares = Shares(promotion.routing_weights.clone());
        let outcome =
            open_shares(shared, principal, shares, &promotion.reason, Wish::default()).await;
        let outcome = outcome.map(|(id, _)| id);
        opened.push(Opened { about: "routing".to_owned(), outcome });
    }
    let priced = priced(shared, promotion);
    if priced.len() > TENANTS_MAX {
        let detail = format!(
            "{} tenants would be moved, and at most {TENANTS_MAX} are proposed at once. The first of \
             them are; propose the others by tier or by tenant.",
            priced.len()
        );
        opened.push(Opened { about: "prices".to_owned(), outcome: Err(Problem::invalid(detail)) });
    }
    for (tenant_id, controls) in priced.into_iter().take(TENANTS_MAX) {
        let about = tenant_id.to_string();
        let checked = controls.check().map_err(|wrong| absurd(&wrong.error));
        let outcome = match checked {
            Ok(controls) => {
                let content = Content::Controls { tenant_id, controls };
                let reason = promotion.reason.clone();
                let wish = Wish::default();
                let opened = open(shared, principal, Grounds::Person, content, reason, wish).await;
                opened.map(|(id, _)| id)
            }
            Err(problem) => Err(problem),
        };
        opened.push(Opened { about, outcome });
    }
    opened
}

/// The price of every tenant that is to be moved: its tier's change, and upon that its own.
fn priced(shared: &Services, promotion: &ScenarioPromote) -> Vec<(TenantId, Controls)> {
    let catalog = shared.projection.catalog();
    let changes = Scenario {
        price: promotion.price_changes.clone(),
        tenant_price: promotion.tenant_price_changes.clone(),
        ..Scenario::default()
    };
    let tenants = catalog.tenants_after(None, usize::MAX);
    let moved = tenants.into_iter().filter(|tenant| tenant.value.active).filter_map(|tenant| {
        let tenant = &tenant.value;
        let factor = changes.price_factor(&tenant.tier, tenant.tenant_id.as_str());
        let before = catalog.book().controls(&tenant.tenant_id);
        let price_of_list = before.price_of_list.checked_mul(factor)?;
        let price_of_list = price_of_list.round_dp(PRICE_DECIMALS).normalize();
        let moves = price_of_list != before.price_of_list;
        moves.then(|| (tenant.tenant_id.clone(), Controls { price_of_list, ..before }))
    });
    moved.collect()
}

/// Proposes shares of the traffic; none: clients go where the selection sends them.
pub(in crate::http) async fn open_shares(
    shared: &Services,
    principal: &Principal,
    shares: Shares,
    reason: &str,
    wish: Wish,
) -> Result<(Uuid, Accepted), Problem> {
    let reason = reason_of(reason)?;
    shares.check().map_err(|error| {
        let problem = absurd(&error);
        let detail = problem.detail.clone();
        problem.field("/shares", detail)
    })?;
    if shared.projection.catalog().book().shares().current() == shares {
        let problem = Problem::invalid("Nothing would change: these shares are in force.");
        return Err(problem.field("/shares", "are what they are already"));
    }
    let content = Content::Routing { shares };
    open(shared, principal, Grounds::Person, content, reason, wish).await
}

/// Puts the shares of before in force again, as one act.
pub(in crate::http) async fn take_shares_back(
    shared: &Services,
    principal: &Principal,
    seen: Option<u64>,
    reason: &str,
    wish: Wish,
) -> Result<(Uuid, Accepted), Problem> {
    let reason = reason_of(reason)?;
    let catalog = shared.projection.catalog();
    let chain = catalog.book().shares();
    let version = chain.version();
    if seen.is_some_and(|seen| seen != version) {
        let detail = format!("Version {version} of the shares is in force. Look at it first.");
        let (code, title) = ("version_changed", "The shares were changed");
        let problem = Problem::new(StatusCode::CONFLICT, code, title, detail);
        return Err(problem.field("/version", format!("is {version} now")));
    }
    let last = chain.last().filter(|last| !last.grounds.takes_back());
    let before = chain.version().checked_sub(1).and_then(|version| chain.shares(version));
    let Some((_, shares)) = last.zip(before) else {
        let detail = "No shares were decided on, or the last change was itself a rollback.";
        let (code, title) = ("nothing_to_take_back", "Nothing to take back");
        return Err(Problem::new(StatusCode::CONFLICT, code, title, detail));
    };
    let content = Content::Routing { shares };
    open(shared, principal, Grounds::Rollback, content, reason, wish).await
}

/// The answer to one that was opened: 202 where its end was waited for in vain, as for any other act.
pub(in crate::http) fn opened(
    shared: &Services,
    (id, accepted): (Uuid, Accepted),
    wish: Wish,
    warnings: Option<Vec<Value>>,
) -> Response {
    let (status, decision) = told(shared, &accepted, wish);
    let mut body = json!({ "proposalId": id, "decision": decision });
    if let Some(warnings) = warnings {
        body["warnings"] = json!(warnings);
    }
    (status, Json(body)).into_response()
}
