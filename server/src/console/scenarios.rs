//! What-ifs, in the words of their page.

use std::collections::BTreeMap;

use app::backend::{
    DeskBoard, DeskView, Levers, SavedRow, ScenarioAddress, ScenariosView, TENANTS_OFFERED_MAX,
};
use domain::catalog::ScenarioSave;
use domain::clock::{DAY_MS, Timestamp};
use domain::economics::quantity::float;
use domain::economics::scenario::Scenario;
use domain::economics::study::{Asked, Inputs, Request, SCENARIOS_MAX};
use domain::pricing::margin;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::Console;
use super::foresight::hour;
use crate::economics::{Shown, SimulateError};
use crate::problem::Problem;
use crate::projection::{Catalog, Saved};

/// What an address asks, with what is kept.
pub(crate) struct Sought<'a> {
    pub(crate) address: ScenarioAddress,
    pub(crate) opened: Option<&'a Saved>,
    /// Those that it is compared with.
    others: Vec<&'a Saved>,
}

impl<'a> Sought<'a> {
    /// One meaning for the page, its forms, and its export.
    pub(crate) fn of(search: &str, catalog: &'a Catalog) -> Self {
        let mut address = ScenarioAddress::read(search);
        let mut unknown = Vec::new();
        let mut find = |key: &str, id: &str| {
            let found = saved(catalog, id);
            if found.is_none() {
                unknown.push(format!("{key}: no kept scenario {id} is final here."));
            }
            found
        };
        let opened = address.opened.as_deref().and_then(|id| find("open", id));
        let others = address.with.iter().filter_map(|id| find("with", id)).collect();
        if let Some(usual) = opened.and_then(|it| kept(&it.current.value, &mut unknown)) {
            address = ScenarioAddress::over(search, usual);
        }
        address.opened = opened.map(id_of);
        address.with.retain(|id| saved(catalog, id).is_some());
        address.problems.extend(unknown);
        Sought { address, opened, others }
    }

    /// The levers, what was kept with them, and what they are compared with; as many as fit.
    pub(crate) fn request(&mut self) -> Request {
        let problems = &mut self.address.problems;
        let mut request = self.address.request.clone();
        for other in &self.others {
            let save = &other.current.value;
            let first = kept(save, problems).and_then(|it| it.scenarios.into_iter().next());
            request.scenarios.extend(first.map(|it| Asked { name: save.name.clone(), ..it }));
        }
        if request.scenarios.len() > SCENARIOS_MAX {
            request.scenarios.truncate(SCENARIOS_MAX);
            problems.push(format!(
                "with: {SCENARIOS_MAX} stand beside the base; the others are left out."
            ));
        }
        request.tell_apart();
        request
    }
}

impl Console {
    /// # Errors
    /// The database cannot be read, or the request is absurd.
    pub async fn scenarios(&self, search: &str) -> Result<ScenariosView, Problem> {
        let now = crate::now();
        let catalog = self.projection.catalog();
        let mut sought = Sought::of(search, &catalog);
        let request = sought.request();
        let Sought { mut address, opened, .. } = sought;
        let mut problems = address.problems.clone();
        let desk = match self.economics.board(request, address.tenant.clone(), now).await {
            Ok(shown) => {
                problems.extend(shown.left_out.iter().cloned());
                if let Some(problem) = without_usage(&address, &shown.inputs) {
                    problems.push(problem);
                    address.tenant = None;
                }
                let days = catalog.book().policy().1.window_days;
                DeskView::Board(Box::new(desk_board(&address, shown, margin::window(now, days))?))
            }
            Err(error) => nothing(error)?,
        };
        let rows = catalog.scenarios().map(|it| row(it, &catalog)).collect();
        Ok(ScenariosView {
            at: now,
            desk,
            saved: rows,
            opened: opened.map(|it| row(it, &catalog)),
            problems,
        })
    }
}

/// A lever of a tenant that has no usage in this window would be refused when it moves.
fn without_usage(address: &ScenarioAddress, inputs: &Inputs) -> Option<String> {
    let tenant = address.tenant.as_deref()?;
    let is_known = inputs.usage.iter().any(|place| place.tenant_id.as_str() == tenant);
    (!is_known).then(|| {
        format!("tenant: this window has no usage of {tenant} that has a price, so its price moves nothing.")
    })
}

/// `usual`: the usage that other pages count.
fn desk_board(
    address: &ScenarioAddress,
    shown: Shown,
    usual: (Timestamp, Timestamp),
) -> Result<DeskBoard, Problem> {
    let Shown { inputs, request, board, .. } = shown;
    let under_levers = request.scenarios.first().map(|it| it.changes.clone()).unwrap_or_default();
    Ok(DeskBoard {
        search: address.write(&under_levers),
        request: serde_json::to_string(&request).map_err(Problem::fault)?,
        usual: address.usual().clone(),
        board,
        levers: levers_of(&inputs),
        elsewhere: elsewhere(address, &under_levers, &inputs, usual),
    })
}

/// Margins of other days are other margins.
fn elsewhere(
    address: &ScenarioAddress,
    under_levers: &Scenario,
    inputs: &Inputs,
    usual: (Timestamp, Timestamp),
) -> Option<(String, String)> {
    let length_ms = |(from, to): (Timestamp, Timestamp)| to.unix_ms() - from.unix_ms();
    let asked = address.request.from.zip(address.request.to);
    let is_alike = |asked: (Timestamp, Timestamp)| {
        length_ms(asked) == length_ms(usual) && asked.1 == asked.1.hour()
    };
    if asked.is_some_and(is_alike) {
        return None;
    }
    let (first, last) = inputs.sources.usage_from.zip(inputs.sources.usage_through)?;
    let sentence = format!(
        "These figures count usage from {} to {}; the pages Optimizer and Approvals count the {} days up to \
         {}, so their margins differ from these.",
        hour(first),
        hour(last),
        length_ms(usual) / DAY_MS,
        hour(usual.1)
    );
    let mut theirs = address.clone();
    (theirs.request.from, theirs.request.to) = (Some(usual.0), Some(usual.1));
    Some((sentence, format!("/scenarios?{}", theirs.write(under_levers))))
}

fn id_of(saved: &Saved) -> String {
    saved.current.value.scenario_id.to_string()
}

fn saved<'a>(catalog: &'a Catalog, id: &str) -> Option<&'a Saved> {
    catalog.scenario(id.parse::<Uuid>().ok()?)
}

/// What a kept scenario asks. One of another version of this program may ask otherwise.
pub(super) fn kept(save: &ScenarioSave, problems: &mut Vec<String>) -> Option<Request> {
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
        standing: save.standing,
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
    let mut revenue: BTreeMap<&str, Decimal> = BTreeMap::new();
    for place in &inputs.usage {
        *revenue.entry(place.tenant_id.as_str()).or_default() += place.revenue_usd;
    }
    let mut tenants: Vec<(&str, Decimal)> = revenue.into_iter().collect();
    tenants.sort_by_key(|(_, usd)| std::cmp::Reverse(*usd));
    tenants.truncate(TENANTS_OFFERED_MAX);
    let mut tenants: Vec<String> = tenants.into_iter().map(|(name, _)| name.to_owned()).collect();
    tenants.sort();
    let promised =
        inputs.tiers.iter().map(|(tier, it)| (tier.clone(), it.latency_p99_ms.is_some()));
    Levers {
        providers: tokens.into_iter().map(|(name, part)| (name, share(part))).collect(),
        regions,
        tiers: promised.collect(),
        tenants,
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
