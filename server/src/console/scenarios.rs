//! What-ifs, in the words of their page.

use std::collections::BTreeMap;

use app::backend::{
    DeskBoard, DeskView, Levers, SavedRow, ScenarioAddress, ScenariosView, under_levers,
};
use domain::catalog::ScenarioSave;
use domain::economics::quantity::float;
use domain::economics::study::{Asked, Inputs, Request, SCENARIOS_MAX};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::Console;
use crate::economics::SimulateError;
use crate::problem::Problem;
use crate::projection::{Catalog, Saved};

impl Console {
    /// # Errors
    /// The database cannot be read, or the request is absurd.
    pub async fn scenarios(&self, search: &str) -> Result<ScenariosView, Problem> {
        let now = crate::now();
        let catalog = self.projection.catalog();
        let mut address = ScenarioAddress::read(search);
        let opened = address.opened.take().and_then(|id| {
            let found = saved(&catalog, &id);
            if found.is_none() {
                address.problems.push(format!("open: no kept scenario {id} is final here."));
            }
            found
        });
        let mut request = address.request.clone();
        if let Some(opened) = opened.filter(|_| !address.moved) {
            request = kept(&opened.current.value, &mut address.problems).unwrap_or(request);
        }
        let levers = request.scenarios.first().map(|it| it.changes.clone()).unwrap_or_default();
        request.scenarios = vec![under_levers(levers)];
        let others = address.with.iter().filter_map(|id| saved(&catalog, id));
        for other in others.take(SCENARIOS_MAX - 1) {
            let save = &other.current.value;
            let first =
                kept(save, &mut address.problems).and_then(|it| it.scenarios.into_iter().next());
            request.scenarios.extend(first.map(|it| Asked { name: save.name.clone(), ..it }));
        }
        let text = serde_json::to_string(&request).map_err(Problem::fault)?;
        address.opened = opened.map(|it| it.current.value.scenario_id.to_string());
        address.request = request.clone();
        let search = address.write(&address.levers());
        let desk = match self.economics.board(request, now).await {
            Ok((inputs, board)) => {
                let levers = levers_of(&inputs);
                DeskView::Board(Box::new(DeskBoard { search, request: text, board, levers }))
            }
            Err(error) => nothing(error)?,
        };
        let rows = catalog.scenarios().map(|it| row(it, &catalog)).collect();
        Ok(ScenariosView {
            at: now,
            desk,
            saved: rows,
            opened: opened.map(|it| row(it, &catalog)),
            problems: address.problems,
        })
    }
}

fn saved<'a>(catalog: &'a Catalog, id: &str) -> Option<&'a Saved> {
    catalog.scenario(id.parse::<Uuid>().ok()?)
}

/// What a kept scenario asks. One of another version of this program may ask otherwise.
fn kept(save: &ScenarioSave, problems: &mut Vec<String>) -> Option<Request> {
    let read = serde_json::from_value(save.request.clone());
    read.map_err(|error| problems.push(format!("{}: {error}.", save.name))).ok()
}

fn row(saved: &Saved, catalog: &Catalog) -> SavedRow {
    let save = &saved.current.value;
    let id = save.scenario_id;
    let asked = kept(save, &mut Vec::new()).and_then(|it| it.scenarios.into_iter().next());
    let promotion = catalog.promotion(id);
    SavedRow {
        id: id.to_string(),
        version: save.version,
        name: save.name.clone(),
        notes: save.notes.clone(),
        author: saved.author.clone(),
        event_id: saved.current.event_id.to_string(),
        changes: asked.map(|it| it.changes).unwrap_or_default(),
        promoted: promotion.map(|it| (it.value.reason.clone(), it.event_id.to_string())),
    }
}

fn levers_of(inputs: &Inputs) -> Levers {
    let mut tokens: BTreeMap<String, Decimal> = BTreeMap::new();
    for place in &inputs.usage {
        *tokens.entry(place.provider.clone()).or_default() += place.tokens;
    }
    let all: Decimal = tokens.values().sum();
    let share = |part: Decimal| part.checked_div(all).map_or(0.0, float);
    let mut regions: Vec<String> = inputs.usage.iter().map(|it| it.region.clone()).collect();
    regions.sort();
    regions.dedup();
    let promised =
        inputs.tiers.iter().map(|(tier, it)| (tier.clone(), it.latency_p99_ms.is_some()));
    Levers {
        providers: tokens.into_iter().map(|(name, part)| (name, share(part))).collect(),
        regions,
        tiers: promised.collect(),
    }
}

/// What an empty page says. What is the request's fault is a problem.
fn nothing(error: SimulateError) -> Result<DeskView, Problem> {
    let said = |title: &str, detail: &str| {
        Ok(DeskView::Nothing { title: title.to_owned(), detail: detail.to_owned() })
    };
    match error {
        SimulateError::NoUsage => said(
            "No usage is final in this window",
            "A what-if begins with metered usage. Send events of the kind “usage” to POST \
             /v1/events, import a file with “ternion import usage”, or choose another window.",
        ),
        SimulateError::NothingPriced { .. } => said(
            "None of the usage has a price",
            "Costs come from a price map (“ternion import prices”), revenue from the prices of \
             tiers (POST /v1/prices). What has no price is never counted as free.",
        ),
        other => Err(other.into()),
    }
}
