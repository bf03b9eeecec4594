//! The form that proposes another policy: fields by their path, as the page Policy shows them.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Redirect;
use domain::access::Action;
use domain::event::EventId;
use uuid::Uuid;

use super::acts::open_policy;
use crate::http::Shared;
use crate::http::back::{EFFECT_MS, Sent, Word, done};
use crate::http::events::record::Wish;
use crate::identity::{Principal, query_value};
use crate::problem::Problem;
use crate::typed::wrong;

const PAGE: &str = "/optimizer/policy";
/// To the proposal, or back to the page with all that was typed, which stands in its address.
pub(super) async fn act(
    State(shared): State<Shared>,
    principal: Principal,
    sent: Sent<BTreeMap<String, String>>,
) -> Result<Redirect, Problem> {
    principal.require(Action::Propose)?;
    let Sent { wanted, typed } = sent;
    match propose(&shared, &principal, &wanted).await {
        Ok((id, event)) => Ok(done(&format!("/approvals/{id}"), Some(event))),
        Err(problem) => {
            let fields =
                wanted.iter().filter(|(name, _)| !["form", "reason"].contains(&name.as_str()));
            let field = |(name, text): (&String, &String)| {
                format!("&{}={}", query_value(name), query_value(text))
            };
            let page = format!("{PAGE}?ask=yes{}", fields.map(field).collect::<String>());
            typed.refused(&shared, &page, problem, Word::FieldOfInvalid, str::to_owned).await
        }
    }
}

async fn propose(
    shared: &Shared,
    principal: &Principal,
    typed: &BTreeMap<String, String>,
) -> Result<(Uuid, EventId), Problem> {
    let text = |name: &str| typed.get(name).map_or("", |text| text.trim());
    let version = text("version").parse().map_err(|_| wrong("version", "is no number"))?;
    let catalog = shared.projection.catalog();
    let (_, in_force) = catalog.book().policy();
    let policy =
        in_force.fitting(typed).map_err(|unfit| super::acts::no_policy("policy", &unfit))?;
    if policy == *in_force {
        return Err(wrong("unchanged", "is in force already"));
    }
    let wish = Wish::final_within(EFFECT_MS);
    let reason = text("reason").to_owned();
    let (id, accepted) = open_policy(shared, principal, policy, version, reason, wish).await?;
    Ok((id, accepted.event_id))
}
