//! What would be, from FINAL usage and dated prices: what a what-if begins with
//! (`GET /v1/economics/inputs`), its answer (`POST /v1/economics/simulate`), and the page's export.

use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::access::Action;
use domain::clock::Timestamp;
use domain::economics::study::{
    Answer, Distribution, Inputs, Request, Results, TenantResult, Totals,
};
use serde::Deserialize;

use super::Shared;
use super::ask::{Asked, Whole, json as read_json, shape};
use super::csv;
use crate::console::Sought;
use crate::economics::Window;
use crate::identity::Principal;
use crate::problem::Problem;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/economics/inputs", get(inputs))
        .route("/v1/economics/simulate", post(simulate))
        .route("/v1/economics/export", get(export))
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Filters {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    prices_as_of: Option<Timestamp>,
}

/// What a browser or a program needs to compute what-ifs by itself.
async fn inputs(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(filters): Asked<Filters>,
) -> Result<Json<Inputs>, Problem> {
    principal.require(Action::Simulate)?;
    let Filters { from, to, prices_as_of } = filters;
    let window = Window { from, to, prices_as_of };
    Ok(Json(shared.economics.inputs(window, crate::now()).await?))
}

/// Who closes the connection stops the simulation: the handler's future is dropped then.
async fn simulate(
    State(shared): State<Shared>,
    principal: Principal,
    Whole(body): Whole,
) -> Result<Json<Answer>, Problem> {
    principal.require(Action::Simulate)?;
    let request: Request = shape(read_json(&body)?)?;
    Ok(Json(shared.economics.simulate(request, crate::now()).await?))
}

/// The page's address, with all tenants: as JSON the whole answer, as CSV a row a tenant's place.
async fn export(
    State(shared): State<Shared>,
    principal: Principal,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    principal.require(Action::Simulate)?;
    let query = query.unwrap_or_default();
    let catalog = shared.projection.catalog();
    let mut sought = Sought::of(&query, &catalog);
    let request = sought.request();
    let problems = &sought.address.problems;
    if !problems.is_empty() {
        return Err(Problem::invalid(problems.join(" ")));
    }
    let answer = shared.economics.simulate_what_fits(request, crate::now()).await?;
    let named = |suffix: &str| {
        let file = format!("attachment; filename=\"ternion-scenario-{}.{suffix}\"", csv::stamp());
        (header::CONTENT_DISPOSITION, file)
    };
    if query.split('&').any(|pair| pair == "format=csv") {
        let kind = (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned());
        return Ok(([kind, named("csv")], rows(&answer)).into_response());
    }
    Ok(([named("json")], Json(answer)).into_response())
}

const HEAD: &str = "scenario,tenant,tier,provider,region,revenue_usd,cost_usd,penalty_usd,\
                    profit_usd,margin_p5,margin_p50,margin_p95,below_floor,profit_p5_usd,\
                    profit_p50_usd,profit_p95_usd,floor,draws,seed,usage_from,usage_through,\
                    prices_as_of,notes\n";
/// The row of all tenants together. Its quantiles are no sums of theirs.
const PORTFOLIO: &str = "(portfolio)";

/// Of the base and of each scenario: the portfolio, then a row a place. What all figures rest on
/// stands in each, since rows are filtered and copied.
fn rows(answer: &Answer) -> String {
    let mut text = HEAD.to_owned();
    let sources = &answer.provenance.sources;
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let basis = [
        answer.floor.get().to_string(),
        answer.draws.to_string(),
        answer.seed.clone(),
        time(sources.usage_from),
        time(sources.usage_through),
        sources.prices_as_of.to_string(),
    ];
    let notes = csv::cell(&answer.warnings.join(" "));
    let base = ("base", &answer.base);
    let scenarios = answer.scenarios.iter().map(|it| (it.name.as_str(), &it.results));
    for (name, results) in [base].into_iter().chain(scenarios) {
        let places = results.tenants.iter().map(|it| (place(name, it), ""));
        for (row, notes) in [(portfolio(name, results), notes.as_str())].into_iter().chain(places) {
            let all = row.iter().chain(&basis).map(String::as_str).chain([notes]);
            text.push_str(&all.collect::<Vec<_>>().join(","));
            text.push('\n');
        }
    }
    text
}

fn place(scenario: &str, of: &TenantResult) -> Vec<String> {
    let margin =
        |part: fn(&domain::economics::exact::MarginQuantiles) -> f64| of.margin.as_ref().map(part);
    let names = [scenario, of.tenant_id.as_str(), &of.tier, &of.provider, &of.region];
    let margins =
        [margin(|it| it.p5), margin(|it| it.p50), margin(|it| it.p95), margin(|it| it.below_floor)];
    row(names, &of.statement, margins, &of.profit_usd)
}

fn portfolio(scenario: &str, of: &Results) -> Vec<String> {
    let margin = |part: fn(&Distribution) -> Option<f64>| of.margin.as_ref().and_then(part);
    let margins = [
        margin(|it| Some(it.p5.value)),
        margin(|it| Some(it.p50.value)),
        margin(|it| Some(it.p95.value)),
        margin(|it| it.below_floor.map(|below| below.value)),
    ];
    row([scenario, PORTFOLIO, "", "", ""], &of.statement, margins, &of.profit_usd)
}

fn row(
    names: [&str; 5],
    totals: &Totals,
    margins: [Option<f64>; 4],
    profit: &Distribution,
) -> Vec<String> {
    let statement = totals.statement;
    let usd =
        [statement.revenue_usd(), statement.cost_usd(), statement.penalty_usd(), totals.profit_usd];
    let margins = margins.map(|part| part.map(|part| part.to_string()).unwrap_or_default());
    let profits = [profit.p5, profit.p50, profit.p95].map(|it| it.value.to_string());
    let names = names.map(csv::cell).into_iter();
    names.chain(usd.map(|it| it.to_string())).chain(margins).chain(profits).collect()
}
