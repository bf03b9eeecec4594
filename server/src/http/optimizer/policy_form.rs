//! The form that proposes another policy: fields by their path, as the page Policy shows them.

use std::collections::BTreeMap;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::Redirect;
use domain::access::Action;
use uuid::Uuid;

use super::acts::open_policy;
use crate::http::Shared;
use crate::http::back::{EFFECT_MS, read_form, word};
use crate::http::events::record::Wish;
use crate::identity::{Principal, query_value};
use crate::problem::Problem;
use crate::typed::wrong;

const PAGE: &str = "/optimizer/policy";

/// To the proposal, or back to the page with all that was typed.
pub(super) async fn act(
    State(shared): State<Shared>,
    principal: Principal,
    form: Result<Form<BTreeMap<String, String>>, FormRejection>,
) -> Result<Redirect, Problem> {
    let typed = read_form(form)?;
    principal.require(Action::Propose)?;
    match propose(&shared, &principal, &typed).await {
        Ok(id) => Ok(Redirect::to(&format!("/approvals/{id}"))),
        Err(problem) => {
            let word = word(problem)?;
            let fields = typed.iter().filter(|(name, _)| *name != "version");
            let fields: String = fields
                .map(|(name, text)| format!("&{}={}", query_value(name), query_value(text)))
                .collect();
            Ok(Redirect::to(&format!("{PAGE}?ask=yes{fields}&problem={word}")))
        }
    }
}

async fn propose(
    shared: &Shared,
    principal: &Principal,
    typed: &BTreeMap<String, String>,
) -> Result<Uuid, Problem> {
    let text = |name: &str| typed.get(name).map_or("", |text| text.trim());
    let version = text("version").parse().map_err(|_| wrong("version", "is no number"))?;
    let fields: BTreeMap<String, String> = typed
        .iter()
        .filter(|(name, _)| !["version", "reason"].contains(&name.as_str()))
        .map(|(name, text)| (name.clone(), text.clone()))
        .collect();
    let policy = shared.projection.catalog().book().policy().1.fitting(&fields);
    let policy = policy.map_err(|unfit| wrong("policy", &unfit.problem))?;
    let wish = Wish::final_within(EFFECT_MS);
    let reason = text("reason").to_owned();
    let (id, _) = open_policy(shared, principal, policy, version, reason, wish).await?;
    Ok(id)
}
