//! A list price that others have to agree to: it is proposed, and counts once they have.

use axum::response::Response;
use domain::catalog::{Grounds, PricePut};
use domain::pricing::controls::Content;
use domain::pricing::listing::are_alike;
use serde::Deserialize;
use uuid::Uuid;

use super::acts::{answered, open, reason_of};
use crate::http::Services;
use crate::http::events::record::Wish;
use crate::identity::Principal;
use crate::ledger::Accepted;
use crate::problem::Problem;

/// What a body of `POST /v1/proposals` has where it is about a list price.
pub(super) const LIST_PRICE: &str = "listPrice";

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Proposed {
    list_price: PricePut,
    reason: String,
}

pub(super) async fn propose(
    shared: &Services,
    principal: &Principal,
    wanted: Proposed,
    wish: Wish,
) -> Result<Response, Problem> {
    let Proposed { list_price, reason } = wanted;
    let (id, accepted) = open_list_price(shared, principal, list_price, &reason, wish).await?;
    answered(shared, id, &accepted, wish)
}

/// However far it moves: whoever wants a second person's word for a small change has it so, too.
pub(in crate::http) async fn open_list_price(
    shared: &Services,
    principal: &Principal,
    price: PricePut,
    reason: &str,
    wish: Wish,
) -> Result<(Uuid, Accepted), Problem> {
    let reason = reason_of(reason)?;
    let catalog = shared.projection.catalog();
    let PricePut { tier, provider, model, effective_from: from, .. } = &price;
    if !catalog.has_tier(tier) {
        let problem = Problem::invalid(format!("No tier \"{tier}\" is known here."));
        return Err(problem.field("/listPrice/tier", "has neither terms nor prices"));
    }
    let current = catalog.price_at(tier, provider, model, *from);
    if current.is_some_and(|current| are_alike(&current.value, &price)) {
        let problem = Problem::invalid("Nothing would change: that is the price already.");
        return Err(problem.field("/listPrice", "is how it is already"));
    }
    let content = Content::ListPrice { price: Box::new(price) };
    open(shared, principal, Grounds::Person, content, reason, wish).await
}
