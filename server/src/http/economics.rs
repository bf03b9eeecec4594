//! What would be, from FINAL usage and dated prices: what a what-if begins with
//! (`GET /v1/economics/inputs`), its answer (`POST /v1/economics/simulate`), and the page's export.

use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::access::Action;
use domain::clock::Timestamp;
use domain::economics::study::{Answer, Inputs, Request, TenantResult};
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
    if query.split('&').any(|pair| pair == "format=csv") {
        let kind = (header::CONTENT_TYPE, "text/csv; charset=utf-8");
        let name = (header::CONTENT_DISPOSITION, "attachment; filename=\"scenario.csv\"");
        return Ok(([kind, name], rows(&answer)).into_response());
    }
    let name = (header::CONTENT_DISPOSITION, "attachment; filename=\"scenario.json\"");
    Ok(([name], Json(answer)).into_response())
}

const HEAD: &str = "scenario,tenant,tier,provider,region,revenue_usd,cost_usd,penalty_usd,\
                    profit_usd,margin_p5,margin_p50,margin_p95,below_floor,profit_p5_usd,\
                    profit_p50_usd,profit_p95_usd\n";

/// A row a place and scenario.
fn rows(answer: &Answer) -> String {
    let mut text = HEAD.to_owned();
    let base = ("base", &answer.base);
    let scenarios = answer.scenarios.iter().map(|it| (it.name.as_str(), &it.results));
    for (name, results) in [base].into_iter().chain(scenarios) {
        for tenant in &results.tenants {
            text.push_str(&line(name, tenant));
        }
    }
    text
}

fn line(name: &str, of: &TenantResult) -> String {
    let margin = |part: fn(&domain::economics::exact::MarginQuantiles) -> f64| {
        of.margin.as_ref().map_or_else(String::new, |margin| part(margin).to_string())
    };
    let statement = of.statement.statement;
    let profit = &of.profit_usd;
    let fields = [
        csv::cell(name),
        csv::cell(of.tenant_id.as_str()),
        csv::cell(&of.tier),
        csv::cell(&of.provider),
        csv::cell(&of.region),
        statement.revenue_usd().to_string(),
        statement.cost_usd().to_string(),
        statement.penalty_usd().to_string(),
        of.statement.profit_usd.to_string(),
        margin(|it| it.p5),
        margin(|it| it.p50),
        margin(|it| it.p95),
        margin(|it| it.below_floor),
        profit.p5.value.to_string(),
        profit.p50.value.to_string(),
        profit.p95.value.to_string(),
    ];
    fields.join(",") + "\n"
}
