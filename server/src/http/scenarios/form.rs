//! The forms of the page Scenarios: what browsers without scripts send, and those with.

use app::backend::ScenarioAddress;
use axum::extract::State;
use axum::response::Redirect;
use domain::access::Action;
use domain::catalog::{Known, ScenarioPromote, ScenarioSave};
use domain::cloud::Cloud;
use domain::economics::study::{NAME_CHARS_MAX, Request};
use domain::event::EventId;
use serde::Deserialize;
use uuid::Uuid;

use super::super::Shared;
use super::{keep, known_tenants, may_stand, newest, scenario_id};
use crate::console::Sought;
use crate::http::back::{EFFECT_MS, Sent, Word, done, in_form};
use crate::http::events::record::Wish;
use crate::http::fabric::shares::from_percent;
use crate::http::optimizer::{Opened, open_promoted};
use crate::identity::Principal;
use crate::problem::Problem;

const PAGE: &str = "/scenarios";

/// Shares are wrong together; the first of their fields stands for them.
const FIELDS: [(&str, &str); 1] = [("routingWeights", "gcp")];

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    act: Verb,
    /// The page's query string: where the levers stand.
    #[serde(default)]
    search: String,
    #[serde(default)]
    id: String,
    version: Option<u32>,
    /// Whether an open scenario gets a new version, or the levers become one of their own.
    #[serde(rename = "as", default)]
    kept_as: KeptAs,
    #[serde(default)]
    name: String,
    #[serde(default)]
    notes: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    gcp: String,
    #[serde(default)]
    aws: String,
    #[serde(default)]
    azure: String,
    /// A box that is ticked says something; another one nothing.
    #[serde(default)]
    standing: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Save,
    Promote,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeptAs {
    #[default]
    New,
    Version,
}

/// Back to the page, with what is kept open, or with what was wrong.
pub(super) async fn act(
    State(shared): State<Shared>,
    principal: Principal,
    Sent { wanted, typed }: Sent<Wanted>,
) -> Result<Redirect, Problem> {
    principal.require(Action::EditScenarios)?;
    let levers = wanted.search.trim_start_matches('?').to_owned();
    let back = if levers.is_empty() { PAGE.to_owned() } else { format!("{PAGE}?{levers}") };
    match kept(&shared, &principal, wanted).await {
        Ok((id, event)) => Ok(done(&format!("{PAGE}?open={id}"), Some(event))),
        Err(problem) => {
            let name = |field: &str| in_form(field, &FIELDS);
            typed.refused(&shared, &back, problem, Word::Field, name).await
        }
    }
}

async fn kept(
    shared: &Shared,
    principal: &Principal,
    wanted: Wanted,
) -> Result<(Uuid, EventId), Problem> {
    let (id, decision) = match wanted.act {
        Verb::Save => save(shared, &wanted)?,
        Verb::Promote => promote(shared, &wanted)?,
    };
    let wish = Wish::final_within(EFFECT_MS);
    let (_, accepted) = keep(shared, principal, wish, &decision).await?;
    if let Known::ScenarioPromote(promotion) = &decision {
        let opened = open_promoted(shared, principal, promotion).await;
        if !opened.iter().all(Opened::is_opened) {
            let detail = "It is recorded, and not all of it could be proposed.";
            return Err(Problem::conflict(detail).field("/promotion", "was proposed in part"));
        }
    }
    Ok((id, accepted.event_id))
}

fn save(shared: &Shared, wanted: &Wanted) -> Result<(Uuid, Known), Problem> {
    let catalog = shared.projection.catalog();
    let ScenarioAddress { mut request, problems, .. } =
        Sought::of(&wanted.search, &catalog).address;
    if !problems.is_empty() {
        return Err(Problem::invalid(problems.join(" ")).field("/search", "cannot be read"));
    }
    let name = wanted.name.trim().to_owned();
    if let Some(first) = request.scenarios.first_mut() {
        first.name.clone_from(&name);
    }
    request.tell_apart();
    // What is wrong with the name itself is said by the catalog.
    if (1..=NAME_CHARS_MAX).contains(&name.chars().count()) {
        let absurd = |error| Problem::invalid(format!("{error}.")).field("/search", "is absurd");
        request.check().map_err(absurd)?;
    }
    let (scenario_id, version) = match (wanted.kept_as, wanted.version) {
        (KeptAs::Version, Some(replaced)) => {
            let id = scenario_id(&wanted.id)?;
            newest(shared, id, replaced)?;
            (id, replaced.saturating_add(1))
        }
        _ => (Uuid::now_v7(), 1),
    };
    let standing = !wanted.standing.is_empty();
    may_stand(&catalog, scenario_id, standing)?;
    // Browsers end the lines of a text area with both.
    let notes = wanted.notes.replace("\r\n", "\n");
    let request = serde_json::to_value(request).map_err(Problem::fault)?;
    let save = ScenarioSave { scenario_id, version, name, notes, request, standing };
    Ok((scenario_id, Known::ScenarioSave(save)))
}

/// What was kept last is proposed, whatever the levers say meanwhile.
fn promote(shared: &Shared, wanted: &Wanted) -> Result<(Uuid, Known), Problem> {
    let id = scenario_id(&wanted.id)?;
    let version = wanted.version.unwrap_or_default();
    newest(shared, id, version)?;
    let catalog = shared.projection.catalog();
    let kept = catalog.scenario(id).map(|saved| saved.current.value.request.clone());
    let kept: Request = kept
        .map(serde_json::from_value)
        .transpose()
        .map_err(|error| Problem::invalid(format!("What was kept cannot be read: {error}.")))?
        .unwrap_or_default();
    let changes = kept.scenarios.into_iter().next().map(|asked| asked.changes).unwrap_or_default();
    let promotion = ScenarioPromote {
        scenario_id: id,
        version,
        reason: wanted.reason.trim().to_owned(),
        // All empty: routing stays.
        routing_weights: from_percent([
            (Cloud::Gcp, &wanted.gcp),
            (Cloud::Aws, &wanted.aws),
            (Cloud::Azure, &wanted.azure),
        ])?,
        price_changes: changes.price,
        tenant_price_changes: changes.tenant_price,
    };
    known_tenants(shared, &promotion)?;
    Ok((id, Known::ScenarioPromote(promotion)))
}
