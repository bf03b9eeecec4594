//! The forms of the page Fabric: what browsers without scripts send, and those with.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::Redirect;
use domain::access::Action;
use domain::catalog::{Known, RoutingDrain};
use domain::cloud::Cloud;
use domain::event::TenantId;
use serde::Deserialize;
use serde_json::json;

use super::super::Shared;
use crate::http::events::record::{Wish, record_one, until_in_force};
use crate::identity::{Principal, query_value};
use crate::problem::Problem;

const PAGE: &str = "/fabric";
/// So long the page waits to show what was done as done.
const EFFECT_MS: u64 = 2_000;

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    act: Verb,
    cloud: Cloud,
    #[serde(default)]
    reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Drain,
    Restore,
}

/// Back to the page, which says what is so now or what was wrong.
pub(super) async fn act(
    State(shared): State<Shared>,
    principal: Principal,
    form: Result<Form<Wanted>, FormRejection>,
) -> Result<Redirect, Problem> {
    principal.require(Action::DrainCloud)?;
    let Form(Wanted { act, cloud, reason }) =
        form.map_err(|cause| Problem::malformed(format!("The form cannot be read: {cause}")))?;
    let reason = reason.trim().to_owned();
    let drain = RoutingDrain { cloud, drained: act == Verb::Drain, reason };
    let payload = Known::RoutingDrain(drain).to_payload();
    let event = json!({ "tenantId": TenantId::platform(), "payload": payload });
    match record_one(&shared, &principal, event).await {
        Ok((_, accepted)) => {
            until_in_force(&shared, accepted.slot, Wish::final_within(EFFECT_MS)).await;
            Ok(Redirect::to(PAGE))
        }
        Err(problem) if problem.status < 500 || problem.code == "busy" => {
            let field = problem.errors.first();
            let field = field.map(|error| error.field.trim_start_matches("/payload/"));
            let why = query_value(field.unwrap_or(problem.code));
            Ok(Redirect::to(&format!("{PAGE}?problem={why}")))
        }
        Err(problem) => Err(problem),
    }
}
